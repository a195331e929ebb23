use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use comfyglow::{
    address::{Address, fresh_client_id},
    client::Client,
    finish::Finishes,
    sink::{Lines, Sink},
};
use comfyglow_core::{
    event::Event,
    reducer::Changes,
    session::Observer,
    state::{Percentage, Prompt, State},
    text::Id,
    time::Instant,
};
use serde_json::json;

use super::{
    Exit,
    interrupt::Interrupt,
    screen::{Screen, snapshot_line},
};

/// Show the progress of a ComfyUI server
///
/// Shows the prompts that the server tells this client about: by itself ComfyUI tells a prompt's progress only to the
/// client that submitted it, and of prompts submitted without a client id some of it to everyone.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow watch                               the ComfyUI on this machine, until Ctrl-C
  comfyglow watch desk.local --once             until a prompt has ended; the status tells how
  comfyglow watch http://ann:secret@host/comfy  behind a proxy that wants a login
  comfyglow watch --json | jq -c .prompt        a snapshot at each change, for programs
  comfyglow watch --client-id my-script         the prompts that my-script submits

Exit statuses with --once:
  0 success, 1 the prompt failed, 3 it was interrupted, 5 it ended and its outcome was not heard,
  4 the server can't be reached or was lost, 2 wrong usage, 130 Ctrl-C")]
pub(super) struct Args {
    /// The server: http://host:port/path, or host, or host:port
    #[arg(default_value = "http://127.0.0.1:8188")]
    url: String,
    /// Print a snapshot at each change, as a line of JSON
    #[arg(long)]
    json: bool,
    /// End with the first prompt that ends; the exit status tells how
    #[arg(long)]
    once: bool,
    /// Connect as this client, and so see what it submits [default: comfyglow-… by chance]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Append each progress event to this file, as a line of JSON
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

pub(super) async fn run(args: Args, verbose: bool) -> anyhow::Result<Exit> {
    let address: Address = args.url.parse()?;
    let label = address.to_string().replacen("http://", "", 1);
    let screen = if args.json { Screen::json() } else { Screen::for_people(label, verbose) };
    let watch = Watch { address, client_id: args.client_id, once: args.once, history: args.history, screen };
    watch.run().await
}

/// A server being watched.
pub(super) struct Watch {
    pub(super) address: Address,
    pub(super) client_id: Option<String>,
    /// End with the first prompt that ends.
    pub(super) once: bool,
    pub(super) history: Option<PathBuf>,
    pub(super) screen: Screen,
}

impl Watch {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Self { address, client_id, once, history, mut screen } = self;
        let client_id = match client_id.or_else(|| address.client_id().map(str::to_owned)) {
            Some(id) => id,
            None => fresh_client_id()?,
        };
        let (query, headers) = (address.query(&client_id), address.headers());
        let mut client = Client::new(&address, address.config(&query, &headers))?;
        let history = history.as_deref().map(open_history).transpose()?;
        let mut heard = Heard {
            history,
            finishes: Finishes::default(),
            snapshots: screen.wants_snapshots(),
            once,
            ends: Vec::new(),
        };
        let mut interrupt = Interrupt::new()?;
        let mut exit = None;
        loop {
            let deadline = heard.finishes.deadline().map(|deadline| client.at(deadline));
            let frame = screen.next_frame(&client);
            let mut paint = false;
            tokio::select! {
                changes = client.changed(&mut heard) => match changes {
                    Some(_) => paint = true,
                    None => break,
                },
                () = at(deadline) => {}
                () = at(frame) => screen.draw(&client),
                signal = interrupt.wait() => {
                    if exit.replace(signal).is_some() {
                        // Asked twice: not even a good-bye to the server.
                        break;
                    }
                    screen.close();
                    client.leave();
                }
                error = screen.failed() => {
                    // Whoever read what we print has left.
                    client.leave();
                    exit = Some(quiet(&error)?);
                }
            }
            for line in heard.ends.drain(..) {
                screen.snapshot(line);
            }
            while let Some(finish) = heard.finishes.take(client.now()).filter(|_| exit.is_none()) {
                screen.finished(&client, &finish);
                if once {
                    exit = Some(finish.state.into());
                    screen.close();
                    client.leave();
                }
            }
            if paint {
                screen.changed(&client);
            }
        }
        let unheard = heard.finishes.take_last().filter(|_| exit.is_none());
        if let Some(finish) = unheard {
            screen.finished(&client, &finish);
            exit = Some(finish.state.into()).filter(|_| once);
        }
        let ended = screen.end();
        if let Some(history) = heard.history {
            history.end().context("the history can't be written")?;
        }
        if let Err(error) = ended {
            return quiet(&error);
        }
        Ok(exit.unwrap_or_else(|| {
            tell_loss(&client, &address);
            Exit::Lost
        }))
    }
}

/// Waits until `deadline`, or for ever where there is none.
async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A pipe whose reader has left is no error.
fn quiet(error: &io::Error) -> anyhow::Result<Exit> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(Exit::Success);
    }
    anyhow::bail!("stdout can't be written: {error}")
}

fn tell_loss(client: &Client<'_>, address: &Address) {
    let Some(fault) = client.fault() else { return };
    let reason = client.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    eprintln!("error: {address}: {}{reason}. {}", fault.message(), fault.advice());
}

fn open_history(file: &Path) -> anyhow::Result<Sink> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let opened = opened.with_context(|| format!("{} can't be written", file.display()))?;
    Ok(Sink::spawn(Lines(opened)))
}

/// What is kept of the messages while they are read.
struct Heard {
    history: Option<Sink>,
    finishes: Finishes,
    snapshots: bool,
    /// The first end is the last thing that is told.
    once: bool,
    /// Snapshots of prompts' ends: the next prompt may begin before the next change is told.
    ends: Vec<String>,
}

impl Observer for Heard {
    fn applied<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize>(
        &mut self,
        now: Instant,
        event: &Event<'_>,
        _changes: Changes,
        state: &State<ID, MESSAGE, NODES, NAMES>,
    ) {
        let over = self.once && self.finishes.is_ready();
        if self.finishes.applied(now, state) && self.snapshots && !over {
            self.ends.extend(snapshot_line(state, now));
        }
        if let (Some(history), Event::Progress { .. }) = (&self.history, event) {
            history.line(history_line(event, state), false);
        }
    }
}

fn history_line<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize>(
    event: &Event<'_>,
    state: &State<ID, MESSAGE, NODES, NAMES>,
) -> String {
    let Event::Progress { value, max, prompt_id, node } = event else { return String::new() };
    let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let percentage = state.prompt().and_then(Prompt::percentage).map(Percentage::millionths);
    let exact = |value: i64, parts: f64| {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        let value = value as f64;
        value / parts
    };
    json!({
        "time_ms": u64::try_from(time_ms).unwrap_or(u64::MAX),
        "prompt_id": prompt_id.as_ref().map(Id::as_str),
        "node": node.as_ref().map(Id::as_str),
        "value": exact(value.thousandths(), 1e3),
        "max": exact(max.thousandths(), 1e3),
        "percentage": percentage.map(|millionths| exact(i64::from(millionths), 1e6)),
    })
    .to_string()
}
