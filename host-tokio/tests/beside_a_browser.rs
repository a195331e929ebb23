//! A browser at a server that we watch: what it hears is, bit for bit, what it hears without us, while we start, watch,
//! leave, crash and sleep.
//!
//! One scripted session is run again and again at a simulator whose nodes take their steps when they are told to: alone,
//! and with watchers that come and go amid its prompts. Each frame and each answer that the browser got is compared;
//! where the clock shows, ones stand for it.
//!
//! What is out of our hands: ComfyUI sends to one socket after the other and waits for each. A watcher that is stopped
//! while its connection stays open can't leave, and takes what fits into the system's buffers, 64 KiB and more; behind that
//! ComfyUI waits for it, and all others with it. A stock server sends a watcher `status`, a line of the log now and then,
//! and other extensions' broadcasts, so that it takes thousands of prompts until it comes to that; but it can. With our
//! extension it can't: a watcher has a queue of its own there.
#![cfg(unix)]
mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command},
};

use comfyglow::{client::Client, simulator::Simulator};
use serde_json::{Value, json};
use support::{PATIENCE, comfyglow};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
};

/// The browser's id, as the frontend has it: what the server gave the tab.
const BROWSER: &str = "9d3c0d0a5b6e4f21a7c8e90112233445";
/// What frontend 1.58 says of itself.
const FLAGS: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true,"supports_manager_v4_ui":true,"supports_progress_text_metadata":true}}"#;

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

/// A frame as it came, but for the payload's times.
#[derive(Debug, PartialEq)]
struct Frame {
    /// The first bits and the length, as they are spelled.
    head: Vec<u8>,
    /// A byte a character, with ones where the clock shows.
    payload: String,
}

/// What the browser got: frames, and the answers to its requests.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    frames: Vec<Frame>,
    answers: Vec<String>,
}

/// The tab: it has a socket, and reads all that comes.
struct Browser {
    server: String,
    sending: tokio::net::tcp::OwnedWriteHalf,
    frames: JoinHandle<Vec<Frame>>,
    came: mpsc::UnboundedReceiver<()>,
    answers: Vec<String>,
}

impl Browser {
    /// Connects, says what it can, and waits until it has been greeted and answered.
    async fn open(simulator: &Simulator) -> Self {
        let server = simulator.addr().to_string();
        let mut stream = TcpStream::connect(&server).await.expect("the server listens");
        let request = format!(
            "GET /ws?clientId={BROWSER} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Origin: http://{server}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("the server answers"));
        }
        let head = String::from_utf8(head).expect("ASCII");
        let (mut receiving, sending) = stream.into_split();
        let (told, came) = mpsc::unbounded_channel();
        let frames = tokio::spawn(async move {
            let mut frames = Vec::new();
            while let Some(frame) = read(&mut receiving).await {
                frames.push(frame);
                // The test may have all that it waited for.
                let _ = told.send(());
            }
            frames
        });
        let mut browser = Self { server, sending, frames, came, answers: vec![timeless(head.as_bytes())] };
        browser.send(1, FLAGS.as_bytes()).await;
        for _ in ["status", "feature_flags"] {
            in_time(browser.came.recv()).await;
        }
        browser
    }

    /// Sends a frame, its length in two bytes, masked by zeros.
    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).expect("it is short").to_be_bytes();
        let frame = [&[0x80 | opcode, 0xfe], length.as_slice(), &[0; 4], payload].concat();
        self.sending.write_all(&frame).await.expect("the server reads");
    }

    /// Makes a request as the frontend does, and keeps the answer's body.
    async fn request(&mut self, method: &str, path: &str, body: &str) {
        let mut stream = TcpStream::connect(&self.server).await.expect("the server listens");
        let server = &self.server;
        let request = format!(
            "{method} /api{path} HTTP/1.1\r\nHost: {server}\r\nOrigin: http://{server}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = Vec::new();
        in_time(stream.read_to_end(&mut answer)).await.expect("the server answers");
        self.answers.push(timeless(&answer));
    }

    async fn submit(&mut self, prompt: &Value) {
        let body = json!({"client_id": BROWSER, "prompt": prompt, "extra_data": {"preview_method": "auto",
            "extra_pnginfo": {"workflow": {"nodes": [{"id": 1, "note": "x".repeat(20_000)}]}}}});
        self.request("POST", "/prompt", &body.to_string()).await;
    }

    /// Closes its socket; all that it got until then.
    async fn close(mut self) -> Heard {
        self.send(8, &1000_u16.to_be_bytes()).await;
        let frames = in_time(self.frames).await.expect("it reads on");
        Heard { frames, answers: self.answers }
    }
}

/// The next frame; none where the connection has ended.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = vec![0_u8; 2];
    stream.read_exact(&mut head).await.ok()?;
    let more = match head[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    head.resize(2 + more, 0);
    stream.read_exact(&mut head[2..]).await.ok()?;
    let spelled = if more == 0 { &head[1..] } else { &head[2..] };
    let length = spelled.iter().fold(0, |length: usize, byte| length * 256 + usize::from(*byte));
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.ok()?;
    Some(Frame { head, payload: timeless(&payload) })
}

/// `bytes` as text, a byte a character, with ones for the time: milliseconds since 1970, and HTTP's date.
fn timeless(bytes: &[u8]) -> String {
    let text: String = bytes.iter().copied().map(char::from).collect();
    let mut timeless = String::new();
    for line in text.split_inclusive("\r\n") {
        if line.to_ascii_lowercase().starts_with("date: ") {
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = ["timestamp\": ", "create_time\": ", "_start_time\": ", "_end_time\": "]
            .iter()
            .filter_map(|name| rest.find(name).map(|at| rest.split_at(at + name.len())))
            .min_by_key(|(before, _)| before.len())
        {
            let digits = after.chars().take_while(char::is_ascii_digit).count();
            timeless.extend(before.chars().chain(std::iter::repeat_n('1', digits)));
            rest = &after[digits..];
        }
        timeless.push_str(rest);
    }
    timeless
}

/// The moments of a session at which watchers come and go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Moment {
    /// Nobody is there.
    Before,
    /// The browser is there, and nothing runs.
    Idle,
    /// The first prompt has just been submitted.
    Submitted,
    /// It has taken two of its steps.
    Sampling,
    /// It has ended.
    Done,
    /// The next is about to fail.
    Failing,
    /// It has failed.
    Failed,
    /// The last has been interrupted.
    Interrupted,
}

/// Who watches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Who {
    Nobody,
    /// `comfyglow watch`, from the beginning.
    Beside,
    /// `comfyglow watch`, from amid a prompt.
    Late,
    /// `comfyglow watch`, ended and started by SIGTERM again and again.
    Restless,
    /// `comfyglow watch`, killed and started by SIGKILL again and again.
    Crashing,
    /// `comfyglow watch`, stopped by SIGSTOP amid a prompt, and never awake again until all is over.
    Sleeping,
    /// `comfyglow watch` under the browser's own id, from amid a prompt: what nobody should do.
    Thief,
    /// Two clients of the library, one of which comes and goes.
    Library,
}

/// `comfyglow watch`, which tells what it sees.
struct Watcher {
    child: Child,
    snapshots: mpsc::UnboundedReceiver<Value>,
}

impl Watcher {
    /// Starts it, and waits until it is connected.
    async fn start(simulator: &Simulator, sockets: usize) -> Self {
        Self::start_with(&[], simulator, sockets).await
    }

    /// Starts it with further `args`.
    async fn start_with(args: &[&str], simulator: &Simulator, sockets: usize) -> Self {
        let url = simulator.url();
        let mut child = comfyglow(&[&["watch", &url, "--json"], args].concat()).spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).split(b'\n');
        let (told, snapshots) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in lines {
                // Killed, it may have said half a line; and nobody may be interested any more.
                let _ = told.send(line.ok().and_then(|line| serde_json::from_slice(&line).ok()).unwrap_or_default());
            }
        });
        in_time(simulator.wait_for_sockets(sockets)).await;
        Self { child, snapshots }
    }

    /// Waits until it shows that a prompt is in `state`.
    async fn shows(&mut self, state: &str) {
        let mut last = Value::Null;
        let shown = async {
            while last["prompt"]["state"] != state {
                last = self.snapshots.recv().await.expect("it goes on");
            }
        };
        let shown = tokio::time::timeout(PATIENCE, shown).await;
        assert!(shown.is_ok(), "{state} isn't shown; the last is {last}");
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "{signal}");
    }

    /// Ends it by `signal`, and waits until the server has seen it go.
    async fn end(mut self, signal: &str, simulator: &Simulator, sockets: usize) {
        self.send(signal);
        in_time(simulator.wait_for_sockets(sockets)).await;
        let ended = tokio::task::spawn_blocking(move || self.child.wait());
        in_time(ended).await.expect("nothing panics").expect("it ends");
    }
}

/// Those who watch, and what they do at each moment.
struct Watchers {
    who: Who,
    /// They are told everything.
    extension: bool,
    process: Option<Watcher>,
    clients: Vec<Client>,
}

impl Watchers {
    async fn at(&mut self, moment: Moment, simulator: &Simulator) {
        let browsers = usize::from(moment != Moment::Before);
        match (self.who, moment) {
            (Who::Beside | Who::Restless | Who::Crashing | Who::Sleeping, Moment::Before)
            | (Who::Late, Moment::Sampling) => {
                self.process = Some(Watcher::start(simulator, browsers + 1).await);
            }
            (Who::Beside | Who::Sleeping, Moment::Submitted) => self.process().shows("running").await,
            (Who::Late | Who::Beside, Moment::Failing) if self.extension => self.process().shows("success").await,
            (Who::Late | Who::Beside, Moment::Failed) if self.extension => self.process().shows("error").await,
            (Who::Restless | Who::Crashing, Moment::Idle | Moment::Failing) => self.end(simulator, browsers).await,
            (Who::Restless | Who::Crashing, Moment::Submitted | Moment::Done) => {
                self.process = Some(Watcher::start(simulator, browsers + 1).await);
                if moment == Moment::Submitted {
                    self.process().shows("running").await;
                }
            }
            (Who::Restless | Who::Crashing, Moment::Sampling) => {
                self.end(simulator, browsers).await;
                // At once again, amid the step.
                self.process = Some(Watcher::start(simulator, browsers + 1).await);
                self.end(simulator, browsers).await;
            }
            (Who::Thief, Moment::Sampling) => {
                let watcher = Watcher::start_with(&["--client-id", BROWSER], simulator, browsers + 1).await;
                self.process = Some(watcher);
            }
            (Who::Sleeping, Moment::Sampling) => self.process().send("STOP"),
            (Who::Library, Moment::Before | Moment::Sampling | Moment::Failing) => {
                let client = Client::builder(simulator.url()).connect().expect("the address is one");
                in_time(client.connected()).await.expect("it connects");
                self.clients.push(client);
            }
            (Who::Library, Moment::Done | Moment::Interrupted) => {
                // Closed as soon as nobody has a handle to it.
                self.clients.pop();
                in_time(simulator.wait_for_sockets(browsers + self.clients.len())).await;
            }
            _ => {}
        }
    }

    fn process(&mut self) -> &mut Watcher {
        self.process.as_mut().expect("it has been started")
    }

    async fn end(&mut self, simulator: &Simulator, sockets: usize) {
        let signal = if self.who == Who::Crashing { "KILL" } else { "TERM" };
        self.process.take().expect("it has been started").end(signal, simulator, sockets).await;
    }

    /// Ends all that are left.
    async fn leave(mut self, simulator: &Simulator) {
        self.clients.clear();
        if let Some(process) = self.process.take() {
            // A process that is stopped ends once it goes on.
            process.send("CONT");
            process.end("TERM", simulator, 0).await;
        }
        in_time(simulator.wait_for_sockets(0)).await;
    }
}

/// The session: a prompt with previews that succeeds, the same again, one that fails and one that is interrupted.
async fn session(who: Who, extension: bool) -> Heard {
    let simulator = Simulator::builder().stepped().seed(7).previews(true).extension(extension);
    let simulator = simulator.start().await.expect("a port is free");
    let mut watchers = Watchers { who, extension, process: None, clients: Vec::new() };
    let prompt = |seed: u32, fails: bool| {
        let mut sampler = json!({"steps": 4, "seed": seed, "sim_ms": 250, "sim_text": "a text", "model": ["1", 0]});
        if fails {
            sampler["sim_error"] = "CUDA out of memory".into();
            sampler["sim_error_at"] = 2.into();
        }
        json!({
            "1": {"class_type": "CheckpointLoader", "inputs": {"ckpt_name": "a.safetensors", "sim_ms": 2000}},
            "2": {"class_type": "SomeSampler", "inputs": sampler},
            "3": {"class_type": "SaveSomething", "inputs": {"from": ["2", 0]}},
        })
    };
    let pass = async |steps: usize| {
        simulator.step(steps);
        in_time(simulator.settled()).await;
    };

    watchers.at(Moment::Before, &simulator).await;
    let mut browser = Browser::open(&simulator).await;
    watchers.at(Moment::Idle, &simulator).await;

    browser.submit(&prompt(1, false)).await;
    in_time(simulator.settled()).await;
    watchers.at(Moment::Submitted, &simulator).await;
    pass(3).await;
    watchers.at(Moment::Sampling, &simulator).await;
    browser.request("GET", "/queue", "").await;
    pass(3).await;
    watchers.at(Moment::Done, &simulator).await;
    browser.request("GET", "/history?max_items=64", "").await;

    browser.submit(&prompt(1, false)).await;
    in_time(simulator.settled()).await;
    browser.submit(&prompt(2, true)).await;
    pass(1).await;
    watchers.at(Moment::Failing, &simulator).await;
    pass(1).await;
    watchers.at(Moment::Failed, &simulator).await;

    browser.submit(&prompt(3, false)).await;
    pass(2).await;
    browser.request("POST", "/interrupt", "{}").await;
    pass(1).await;
    watchers.at(Moment::Interrupted, &simulator).await;
    browser.request("GET", "/jobs?limit=200", "").await;

    // Sleepers sleep still.
    let heard = browser.close().await;
    watchers.leave(&simulator).await;
    simulator.shutdown().await;
    heard
}

/// The types of the events in `heard`, and of its binary messages.
fn kinds(heard: &Heard) -> Vec<String> {
    let kind = |frame: &Frame| {
        let event: Value = serde_json::from_str(&frame.payload).unwrap_or_default();
        event["type"].as_str().map_or_else(|| frame.payload.chars().take(4).collect(), str::to_owned)
    };
    heard.frames.iter().map(kind).collect()
}

async fn assert_nothing_changes(who: Who) {
    let alone = session(Who::Nobody, false).await;
    for extension in [false, true] {
        let beside = session(who, extension).await;
        assert_eq!(kinds(&beside), kinds(&alone), "{who:?}, extension {extension}");
        for (n, (beside, alone)) in beside.frames.iter().zip(&alone.frames).enumerate() {
            assert_eq!(beside, alone, "frame {n}; {who:?}, extension {extension}");
        }
        assert_eq!(beside, alone, "{who:?}, extension {extension}");
    }
}

#[tokio::test]
async fn the_session_has_something_of_everything() {
    let alone = session(Who::Nobody, false).await;
    let kinds = kinds(&alone);
    for kind in [
        "status",
        "feature_flags",
        "execution_start",
        "execution_cached",
        "executing",
        "progress",
        "progress_state",
        "executed",
        "execution_success",
        "execution_error",
        "execution_interrupted",
        "\0\0\0\x03",
        "\0\0\0\x04",
    ] {
        assert!(kinds.iter().any(|told| told == kind), "{kind:?} in {kinds:?}");
    }
    let statuses: Vec<&str> =
        alone.answers.iter().map(|answer| answer.split("\r\n").next().unwrap_or_default()).collect();
    assert!(statuses[1..].iter().all(|status| *status == "HTTP/1.1 200 OK"), "{statuses:?}");
    // It is the same each time, and with the extension.
    assert_nothing_changes(Who::Nobody).await;
}

#[tokio::test]
async fn a_watcher_from_the_beginning_changes_nothing() {
    assert_nothing_changes(Who::Beside).await;
}

#[tokio::test]
async fn a_watcher_that_comes_amid_a_prompt_changes_nothing() {
    assert_nothing_changes(Who::Late).await;
}

#[tokio::test]
async fn a_watcher_that_is_ended_and_started_changes_nothing() {
    assert_nothing_changes(Who::Restless).await;
}

#[tokio::test]
async fn a_watcher_that_is_killed_changes_nothing() {
    assert_nothing_changes(Who::Crashing).await;
}

#[tokio::test]
async fn a_watcher_that_is_stopped_changes_nothing_of_a_few_prompts() {
    assert_nothing_changes(Who::Sleeping).await;
}

#[tokio::test]
async fn the_librarys_clients_change_nothing() {
    assert_nothing_changes(Who::Library).await;
}

#[tokio::test]
async fn what_changes_something_is_found_out() {
    let (alone, robbed) = (session(Who::Nobody, false).await, session(Who::Thief, false).await);
    // From where the thief came on, the browser hears nothing more but the answer to its close.
    let same = alone.frames.iter().zip(&robbed.frames).take_while(|(alone, robbed)| alone == robbed).count();
    assert!((same..alone.frames.len()).contains(&(robbed.frames.len() - 1)), "{:?}", kinds(&robbed));
    assert!(kinds(&alone).len() > same + 10);
}
