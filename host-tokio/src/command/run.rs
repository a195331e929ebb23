use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
    pin::Pin,
    time::Duration,
};

use anyhow::Context as _;
use comfyglow::{
    address::{Address, fresh_client_id},
    client::{
        Http, Interrupted, Outcome, RequestError, Submission, SubmitError, Submitted, Whereabouts, awaited,
        driver::Driver,
    },
    display::clean,
    finish::{Finish, Finishes},
    learned::LearnedFile,
};
use comfyglow_core::{
    capacity::Capacity,
    reducer::Action,
    reducer::Observer,
    session::ClientId,
    state::Changes,
    state::{PromptState, State},
    time::Instant,
};
use serde_json::Value;
use tokio::time;

use super::{
    Exit,
    interrupt::{Interrupt, TERM},
    outputs::list,
    screen::{Screen, snapshot_line},
    watch::{at, keep, tell_loss, unwritable, written},
};

/// Submit a workflow, and show it to its end
///
/// The workflow is in the format for programs: in ComfyUI, Workflow > Export (API). Its outputs are listed at the end.
/// Ctrl-C interrupts it on the server, a second one leaves it to itself.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow run workflow_api.json                        on the ComfyUI on this machine
  comfyglow run workflow_api.json --server desk.local    on another one
  jq '.\"3\".inputs.seed = 7' workflow_api.json | comfyglow run -
  comfyglow run workflow_api.json --json | jq -r '.outputs[]?.files[].url'

Exit statuses:
  0 success, 1 the prompt failed, 2 the server refuses the workflow, or wrong usage, 3 it was interrupted,
  4 the server can't be reached or was lost, 5 it ended and its outcome was not heard, 130 left by a second Ctrl-C")]
pub(super) struct Args {
    /// The workflow's file; - reads it from the standard input
    workflow: PathBuf,
    /// The server: http://host:port/path or https://…, or host, or host:port
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8188")]
    server: String,
    /// Print a snapshot at each change, as a line of JSON, and the outputs as the last line
    #[arg(long)]
    json: bool,
    /// Keep how long nodes take, for the time left, in this file [default: one for each server, in the user's folder for
    /// such]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Neither use nor keep how long nodes took in earlier sessions
    #[arg(long, conflicts_with = "state")]
    no_learn: bool,
}

/// How long a request may take: a large workflow takes a while to be checked.
const REQUEST: Duration = Duration::from_secs(30);

/// How long nothing may be heard of the prompt until the server is asked where it is.
const LOOK: Duration = Duration::from_secs(3);

/// How long an interruption may take that a signal wants.
const GRACE: Duration = Duration::from_secs(3);

/// How often the outputs are asked for: the server writes its history just behind telling the end.
const ASKED: u32 = 6;

/// The longest workflow that is read, in bytes; the server takes no longer one.
const WORKFLOW_BYTES: u64 = 100 * 1024 * 1024;

fn read(file: &PathBuf) -> anyhow::Result<Value> {
    let name = file.display();
    let mut bytes = Vec::new();
    let result = if file.as_os_str() == "-" {
        io::stdin().lock().take(WORKFLOW_BYTES).read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|opened| opened.take(WORKFLOW_BYTES).read_to_end(&mut bytes))
    };
    result.with_context(|| format!("{name} can't be read"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{name} is no workflow, as it is no JSON"))
}

pub(super) async fn run(args: Args, verbose: bool) -> anyhow::Result<Exit> {
    let address: Address = args.server.parse()?;
    let file = args.workflow.clone();
    let workflow = read(&args.workflow)?;
    let client_id = match address.client_id() {
        Some(id) => id.to_owned(),
        None => fresh_client_id()?,
    };
    let submission = Submission::new(&workflow, &client_id).with_context(|| format!("{}", file.display()))?;
    let label = address.to_string().replacen("http://", "", 1);
    let screen = if args.json { Screen::json() } else { Screen::for_people(label, verbose) };
    let learned = match args.state {
        _ if args.no_learn => None,
        Some(file) => Some(LearnedFile::at(file)),
        None => LearnedFile::of(&address),
    };
    let http = Http::new(address.clone(), &[], REQUEST);
    Run { http, address, client_id, submission, learned, screen, verbose }.run().await
}

/// A workflow being run.
struct Run {
    http: Http,
    address: Address,
    client_id: String,
    submission: Submission,
    learned: Option<LearnedFile>,
    screen: Screen,
    verbose: bool,
}

/// How far a run is.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// There must be somebody to hear before anything is said.
    Connecting,
    Submitting,
    Running,
    /// It is over; the connection is being closed.
    Leaving,
}

impl Run {
    async fn run(self) -> anyhow::Result<Exit> {
        let Self { http, address, client_id, submission, mut learned, mut screen, verbose } = self;
        let (client_id, headers) = (Address::encoded(&client_id), address.headers());
        let mut client = Driver::new(&address, address.config(ClientId::Own(&client_id), &headers))?;
        if let Some(file) = &mut learned
            && let Err(error) = file.load(&mut client)
        {
            let path = file.path().display();
            eprintln!("warning: {path}: {error}; what earlier sessions learned is not used");
        }
        client.submitted(submission.graph().clone());
        let mut heard = Heard { finishes: Finishes::default(), snapshots: screen.wants_snapshots(), ends: Vec::new() };
        let mut interrupt = Interrupt::new()?;
        let mut submitting = Box::pin(http.submit(&submission));
        let mut prompt_id = submission.prompt_id().to_owned();
        let mut interrupting = None;
        // Before it is heard of, it may begin and end while there is no connection or while the server has lost sight of us,
        // or somebody may take it out of the queue: nobody tells us.
        let mut looking: Option<Pin<Box<_>>> = None;
        let mut look_again = time::interval(LOOK);
        look_again.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut was_gone = false;
        let mut was_seen = false;
        let mut reconnects = 0;
        let mut is_look_due = true;
        // The first Ctrl-C was heard.
        let mut is_unwanted = false;
        let mut stage = Stage::Connecting;
        let mut finish: Option<Finish> = None;
        let mut exit = None;
        loop {
            let frame = screen.next_frame(&client);
            let mut paint = false;
            tokio::select! {
                changes = client.changed(&mut heard) => match changes {
                    Some(changes) => {
                        paint = true;
                        is_look_due |= changes.has(Changes::QUEUE);
                    }
                    None => break,
                },
                () = at(frame) => screen.draw(&client),
                submitted = &mut submitting, if stage == Stage::Submitting => match submitted {
                    Ok(submitted) => {
                        stage = Stage::Running;
                        tell_submitted(&screen, &submitted);
                        prompt_id = submitted.prompt_id;
                        if prompt_id != submission.prompt_id() {
                            client.withdrawn(submission.prompt_id());
                            client.submitted(submission.graph().clone().of_prompt(&prompt_id));
                        }
                        client.accepted(&prompt_id);
                        reconnects = client.view().connection.reconnects;
                        if is_unwanted {
                            interrupting = Some(Box::pin(interrupted(&http, prompt_id.clone())));
                        }
                    }
                    Err(error) => {
                        stage = Stage::Leaving;
                        screen.close();
                        eprintln!("error: {}: {}", address, cleaned(&error.to_string()));
                        exit = Some(refused(&error));
                        client.leave();
                    }
                },
                _ = look_again.tick(), if stage == Stage::Running && !was_seen => is_look_due = true,
                place = awaited(&mut looking), if looking.is_some() => {
                    looking = None;
                    let is_unheard = !was_seen && stage == Stage::Running;
                    let is_same = client.view().is_connected() && client.view().connection.reconnects == reconnects;
                    // Said twice, as one answer may be an older one's, or another server's.
                    let is_gone = place == Ok(Whereabouts::Nowhere) && std::mem::replace(&mut was_gone, true);
                    was_gone &= place == Ok(Whereabouts::Nowhere);
                    if is_unheard && (matches!(place, Ok(Whereabouts::History(_))) || (is_gone && !is_same)) {
                        // A server that was away may have forgotten it.
                        client.missed(&prompt_id);
                    } else if is_unheard && is_gone {
                        screen.say("somebody took it out of the server's queue");
                        exit = Some(Exit::Interrupted);
                        stage = Stage::Leaving;
                        screen.close();
                        client.leave();
                    }
                }
                met = awaited(&mut interrupting), if interrupting.is_some() => {
                    interrupting = None;
                    match met {
                        Ok(Interrupted::Running) => screen.say("interrupted on the server; it ends with its next step"),
                        Ok(Interrupted::Waiting) => {
                            screen.say("taken out of the server's queue");
                            exit = Some(Exit::Interrupted);
                            stage = Stage::Leaving;
                            screen.close();
                            client.leave();
                        }
                        Ok(Interrupted::Nothing) => {
                            screen.say("it has ended already");
                            client.missed(&prompt_id);
                        }
                        Err(error) => screen.say(&format!("it could not be interrupted: {error}")),
                    }
                }
                signal = interrupt.wait() => {
                    if !is_unwanted && signal != Exit::Signal(TERM) && matches!(stage, Stage::Submitting | Stage::Running) {
                        is_unwanted = true;
                        screen.say("interrupting it on the server; Ctrl-C again leaves it to itself");
                        if stage == Stage::Running {
                            interrupting = Some(Box::pin(interrupted(&http, prompt_id.clone())));
                        }
                        continue;
                    }
                    if matches!(exit.replace(signal), Some(Exit::Signal(_))) {
                        // Not even a good-bye to the server.
                        break;
                    }
                    if stage == Stage::Running && exit == Some(Exit::Signal(TERM)) && !is_unwanted {
                        // Whoever ends us so wants it done with, and waits for no more.
                        let _ = time::timeout(GRACE, http.interrupt(&prompt_id)).await;
                    }
                    if stage == Stage::Submitting {
                        screen.say(&format!("the workflow may be queued, as {prompt_id}"));
                    }
                    stage = Stage::Leaving;
                    screen.close();
                    client.leave();
                }
                error = screen.failed() => {
                    client.leave();
                    exit.get_or_insert(unwritable(&error, true));
                    stage = Stage::Leaving;
                }
            }
            // An old server may have given it another id, which the answer tells.
            let is_named = stage != Stage::Submitting;
            if stage == Stage::Running && !was_seen && is_look_due && looking.is_none() {
                is_look_due = false;
                looking = Some(Box::pin(whereabouts(&http, prompt_id.clone())));
            }
            let named = if is_named { heard.ends.len() } else { 0 };
            for (id, line) in heard.ends.drain(..named) {
                if id.as_deref() == Some(&prompt_id) {
                    screen.snapshot(line);
                }
            }
            while is_named && let Some(ended) = heard.finishes.take() {
                if ended.prompt_id.as_deref() == Some(&prompt_id) && exit.is_none() && stage != Stage::Leaving {
                    keep(&mut learned, &client);
                    stage = Stage::Leaving;
                    finish = Some(ended);
                    client.leave();
                }
            }
            if paint && stage == Stage::Connecting && client.fault().is_some() {
                // Nothing is lost yet: who started this decides whether to try again.
                stage = Stage::Leaving;
                screen.close();
                tell_loss(&client, &address);
                exit = Some(Exit::Lost);
                client.leave();
            }
            if paint && stage != Stage::Leaving {
                screen.changed(&client);
                let view = client.view();
                was_seen |= view.prompt.is_some_and(|prompt| prompt.prompt_id == Some(&prompt_id));
                if stage == Stage::Connecting && view.is_connected() {
                    stage = Stage::Submitting;
                }
            }
        }
        drop(submitting);
        let exit = match (exit, finish) {
            (Some(exit), _) => exit,
            (None, None) => {
                screen.close();
                tell_loss(&client, &address);
                if stage != Stage::Connecting {
                    eprintln!("it may go on without us, as {prompt_id}");
                }
                Exit::Lost
            }
            (None, Some(mut finish)) => {
                // What the session asked for in vain isn't worth much waiting.
                let asked = if finish.state == PromptState::Ended { 1 } else { ASKED };
                let outcome = outcome(&http, &prompt_id, asked).await;
                if let Some(outcome) = outcome.as_ref().filter(|_| finish.state == PromptState::Ended) {
                    finish.state = outcome.state;
                }
                screen.finished(&client, &finish);
                screen.close();
                if finish.state == PromptState::Ended {
                    screen.say("the server doesn't know it any more; it may have been restarted");
                }
                if let Some(outcome) = &outcome {
                    list(&screen, outcome, &submission, &address, verbose);
                }
                finish.state.into()
            }
        };
        let mut exit = Some(exit);
        if let Err(error) = written(screen.end(), &mut interrupt, &mut exit).await {
            exit.get_or_insert(unwritable(&error, true));
        }
        if exit == Some(Exit::Unheard) && screen.is_json() {
            eprintln!("the prompt ended, but its outcome was not heard");
        }
        Ok(exit.unwrap_or(Exit::Lost))
    }
}

async fn interrupted(http: &Http, prompt_id: String) -> Result<Interrupted, RequestError> {
    http.interrupt(&prompt_id).await
}

async fn whereabouts(http: &Http, prompt_id: String) -> Result<Whereabouts, RequestError> {
    http.whereabouts(&prompt_id).await
}

/// The exit where a workflow was not submitted.
fn refused(error: &SubmitError) -> Exit {
    match error {
        SubmitError::Request(_) | SubmitError::Unanswered { .. } => Exit::Lost,
        _ => Exit::Usage,
    }
}

/// What a server says, line by line, without what would move a cursor.
fn cleaned(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn tell_submitted(screen: &Screen, submitted: &Submitted) {
    for node in &submitted.node_errors {
        screen.say(&format!("warning: this will not be made: {}", cleaned(&node.to_string())));
    }
}

/// What came of a prompt that has ended; the server writes it down a moment after it told the end.
async fn outcome(http: &Http, prompt_id: &str, times: u32) -> Option<Outcome> {
    for attempt in 0..times {
        match http.outcome(prompt_id).await {
            Ok(Some(outcome)) => return Some(outcome),
            Ok(None) => time::sleep(Duration::from_millis(50 << attempt)).await,
            Err(error) => {
                eprintln!("warning: the outputs can't be listed: {error}");
                return None;
            }
        }
    }
    None
}

/// What is kept of the messages while they are read.
struct Heard {
    finishes: Finishes,
    snapshots: bool,
    /// Snapshots of prompts' ends, and whose.
    ends: Vec<(Option<String>, String)>,
}

impl<C: Capacity> Observer<C> for Heard {
    fn reduced(&mut self, now: Instant, _action: &Action<'_>, changes: Changes, state: &State<C>) {
        if changes.has(Changes::PROMPT) && self.finishes.applied(now, state) && self.snapshots {
            let id = state.prompt().and_then(|prompt| prompt.prompt_id()).map(|id| id.as_str().to_owned());
            self.ends.extend(snapshot_line(state, now).map(|line| (id, line)));
        }
    }
}
