use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use comfyglow::{
    address::Address,
    client::driver::Driver,
    finish::Finishes,
    learned::LearnedFile,
    sink::{Lines, Sink},
};
use comfyglow_core::{
    event::Event,
    reducer::{Action, Changes},
    session::{ClientId, Observer},
    state::{Connection, Percentage, Prompt, State},
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
/// client that submitted it, and of prompts submitted without a client id some of it to everyone. Of other clients' prompts
/// it tells, when asked, which one runs and how it ended.
///
/// A server that is away is tried again and again, and asked over HTTP meanwhile for what the connection can't tell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow watch                               the ComfyUI on this machine, until Ctrl-C
  comfyglow watch desk.local --once             until a prompt has ended; the status tells how
  comfyglow watch http://ann:secret@host/comfy  behind a proxy that wants a login
  comfyglow watch --json | jq -c .prompt        a snapshot at each change, for programs
  comfyglow watch --client-id my-script         the prompts that my-script submits
  comfyglow watch --attempts 1                  no second try

Exit statuses with --once:
  0 success, 1 the prompt failed, 3 it was interrupted, 5 it ended and nobody knows how,
  4 the server can't be reached (it is tried 5 times) or refuses us, 2 wrong usage, 130 Ctrl-C")]
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
    /// Give up after so many attempts in a row that failed [default: as many as it takes; with --once 5, until the server
    /// was reached]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
    /// Connect as this client, and so see what it submits [default: comfyglow-… by chance]
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    client_id: Option<String>,
    /// Keep how long nodes take, for the time left, in this file [default: one for each server, in the user's folder for
    /// such]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Neither use nor keep how long nodes took in earlier sessions
    #[arg(long, conflicts_with = "state")]
    no_learn: bool,
    /// Append each progress event to this file, as a line of JSON
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

pub(super) async fn run(args: Args, verbose: bool) -> anyhow::Result<Exit> {
    let address: Address = args.url.parse()?;
    let label = address.to_string().replacen("http://", "", 1);
    let screen = if args.json { Screen::json() } else { Screen::for_people(label, verbose) };
    let learned = match args.state {
        _ if args.no_learn => None,
        Some(file) => Some(LearnedFile::at(file)),
        None => LearnedFile::of(&address),
    };
    let Args { attempts, client_id, once, history, .. } = args;
    let watch = Watch { address, attempts, client_id, once, history, learned, screen };
    watch.run().await
}

/// A server being watched.
pub(super) struct Watch {
    pub(super) address: Address,
    pub(super) attempts: Option<u32>,
    pub(super) client_id: Option<String>,
    /// End with the first prompt that ends.
    pub(super) once: bool,
    pub(super) history: Option<PathBuf>,
    /// Where what is learned is kept.
    pub(super) learned: Option<LearnedFile>,
    pub(super) screen: Screen,
}

impl Watch {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Self { address, attempts, client_id, once, history, mut learned, mut screen } = self;
        let client_id = client_id.as_deref().or(address.client_id()).map(Address::encoded);
        let headers = address.headers();
        let mut config = address.config(client_id.as_deref().map_or(ClientId::Fresh, ClientId::Fixed), &headers);
        config.reconnect.attempts = attempts;
        let mut client = Driver::new(&address, config)?;
        if let Some(file) = &mut learned
            && let Err(error) = file.load(&mut client)
        {
            let fate = if file.is_left() { "the file is left as it is" } else { "the file will be replaced" };
            let path = file.path().display();
            eprintln!("warning: {path}: {error}; what earlier sessions learned is not used, and {fate}");
        }
        let history = history.as_deref().map(History::open).transpose()?;
        let mut heard = Heard {
            history: history.as_ref().map(|history| history.sink.clone()),
            finishes: Finishes::default(),
            snapshots: screen.wants_snapshots(),
            once,
            ends: Vec::new(),
        };
        let mut interrupt = Interrupt::new()?;
        let mut exit = None;
        let mut reached = false;
        loop {
            let frame = screen.next_frame(&client);
            let mut paint = false;
            tokio::select! {
                changes = client.changed(&mut heard) => match changes {
                    Some(_) => paint = true,
                    None => break,
                },
                () = at(frame) => {
                    let began = tokio::time::Instant::now();
                    screen.draw(&client);
                    client.painted(began.elapsed());
                }
                signal = interrupt.wait() => {
                    if exit.replace(signal).is_some() {
                        // Asked twice: not even a good-bye to the server.
                        break;
                    }
                    screen.close();
                    client.leave();
                }
                error = screen.failed() => {
                    client.leave();
                    exit.get_or_insert(unwritable(&error, once));
                }
                () = failed(history.as_ref()) => {}
            }
            for line in heard.ends.drain(..) {
                screen.snapshot(line);
            }
            while let Some(finish) = heard.finishes.take().filter(|_| exit.is_none()) {
                screen.finished(&client, &finish);
                keep(&mut learned, &client);
                if once {
                    exit = Some(finish.state.into());
                    screen.close();
                    client.leave();
                }
            }
            if paint {
                let began = tokio::time::Instant::now();
                screen.changed(&client);
                client.painted(began.elapsed());
            }
            reached |= client.view().is_connected();
            if once && attempts.is_none() && !reached && exit.is_none() && is_hopeless(client.view().connection) {
                exit = Some(Exit::Lost);
                client.leave();
            }
        }
        keep(&mut learned, &client);
        let unheard = heard.finishes.take_last().filter(|_| exit.is_none());
        if let Some(finish) = unheard {
            screen.finished(&client, &finish);
            exit = Some(finish.state.into()).filter(|_| once);
        }
        if let Err(error) = written(screen.end(), &mut interrupt, &mut exit).await {
            exit.get_or_insert(unwritable(&error, once));
        }
        if let Some(history) = &history
            && let Err(error) = written(history.sink.end(), &mut interrupt, &mut exit).await
        {
            history.tell(&error);
        }
        if exit == Some(Exit::Unheard) && screen.is_json() {
            eprintln!("the prompt ended, but its outcome was not heard");
        }
        let exit = exit.unwrap_or(Exit::Lost);
        if exit == Exit::Lost {
            tell_loss(&client, &address);
        }
        Ok(exit)
    }
}

/// Attempts to reach a server that nobody has reached yet, where a script waits for the end.
const HOPE: u32 = 5;

/// Whether a server that was never reached isn't worth another attempt.
fn is_hopeless(connection: &Connection) -> bool {
    connection.attempt >= HOPE && connection.waiting.is_some()
}

/// Keeps what was learned; where that fails, it is told once.
pub(super) fn keep(learned: &mut Option<LearnedFile>, client: &Driver<'_>) {
    if let Some(file) = learned
        && let Err(error) = file.save(client)
    {
        let file = file.path().display();
        eprintln!("warning: {file} can't be written, so what was learned is not kept: {error}");
        *learned = None;
    }
}

/// Waits until `deadline`, or for ever where there is none.
pub(super) async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// How long a writer may take once a signal wants us to end: whoever reads it may have stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for a writer to end, for as long as no signal wants us to.
pub(super) async fn written(
    writer: impl Future<Output = io::Result<()>>,
    interrupt: &mut Interrupt,
    exit: &mut Option<Exit>,
) -> io::Result<()> {
    tokio::pin!(writer);
    if !matches!(exit, Some(Exit::Signal(_))) {
        tokio::select! {
            result = &mut writer => return result,
            signal = interrupt.wait() => *exit = Some(signal),
        }
    }
    tokio::time::timeout(PATIENCE, writer).await.unwrap_or(Ok(()))
}

/// The exit where stdout can't be written any more. That a pipe's reader has left is its good right, but then nobody
/// has learnt how the prompt ended.
pub(super) fn unwritable(error: &io::Error, once: bool) -> Exit {
    const PIPE: u8 = 13;
    match (error.kind(), once) {
        (io::ErrorKind::BrokenPipe, true) => Exit::Signal(PIPE),
        (io::ErrorKind::BrokenPipe, false) => Exit::Success,
        _ => {
            eprintln!("error: stdout can't be written: {error}");
            Exit::Output
        }
    }
}

pub(super) fn tell_loss(client: &Driver<'_>, address: &Address) {
    let Some(fault) = client.fault() else { return };
    let reason = client.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    eprintln!("error: {address}: {}{reason}. {}", fault.message(), fault.advice());
}

/// The file that progress is appended to.
struct History {
    file: PathBuf,
    sink: Arc<Sink>,
}

impl History {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let opened = opened.with_context(|| format!("{} can't be written", file.display()))?;
        Ok(Self { file: file.to_owned(), sink: Arc::new(Sink::spawn(Lines(opened))) })
    }

    /// Watching goes on without it.
    fn tell(&self, error: &io::Error) {
        eprintln!("warning: {} can't be written, so progress is kept no longer: {error}", self.file.display());
    }
}

/// Tells that the history can't be written any more, once that is so.
async fn failed(history: Option<&History>) {
    match history {
        Some(history) => history.tell(&history.sink.failed().await),
        None => std::future::pending().await,
    }
}

/// What is kept of the messages while they are read.
struct Heard {
    history: Option<Arc<Sink>>,
    finishes: Finishes,
    snapshots: bool,
    /// The first end is the last thing that is told.
    once: bool,
    /// Snapshots of prompts' ends: the next prompt may begin before the next change is told.
    ends: Vec<String>,
}

impl Observer for Heard {
    fn reduced<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>(
        &mut self,
        now: Instant,
        action: &Action<'_>,
        _changes: Changes,
        state: &State<ID, MESSAGE, NODES, NAMES, LEARNED>,
    ) {
        if !matches!(action, Action::Text(_) | Action::Binary(_) | Action::Answer { .. }) {
            return;
        }
        let before = self.finishes.is_ready();
        let ended = self.finishes.applied(now, state) || (!before && self.finishes.is_ready());
        if ended && self.snapshots && !(self.once && before) {
            self.ends.extend(snapshot_line(state, now));
        }
        if let (Some(history), Action::Text(event @ Event::Progress { .. })) = (&self.history, action) {
            history.line(history_line(event, state), false);
        }
    }
}

fn history_line<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>(
    event: &Event<'_>,
    state: &State<ID, MESSAGE, NODES, NAMES, LEARNED>,
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
