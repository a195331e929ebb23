//! The drive contract, against a scripted server and a clock that is a number.

use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;
use crate::{
    api::{Item, JobStatus},
    backoff::{BackoffConfig, Jitter},
    breaker::Circuit,
    heartbeat::HeartbeatConfig,
    limits::RECONCILE_MILLIS,
    reducer::{Action, apply},
    session::{ClientId, ReconnectConfig},
    state::{ConnectionStatus, Fault, FaultKind, PromptState, WaitingFor},
    text::{Id, Text},
    time::Duration,
};

mod client_id;
mod connecting;
mod courtesy;
mod deaf;
mod follow;
mod frames;
mod graph;
mod heartbeat;
mod leaving;
mod offline;
mod polling;
mod reconcile;
mod reconnect;
mod teardown;
mod time;

const HEAD: usize = 512;
crate::capacity! {
    struct SmallCapacity { id: 48, message: 64, nodes: 16, names: 128, durations: 4, history: 20, request: 512 }
}

type Small<'c> = Wire<'c, SmallCapacity>;

/// What the session wanted done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Dial(Link),
    Send(Link, Vec<u8>),
    Close(Link),
    Changed,
}

use Did::{Changed, Close, Dial, Send};
use Link::{Http, Socket as Ws};

/// A host that carries out what the session says, with a server in the test's hands.
struct ScriptedHost<'c> {
    session: Small<'c>,
    now: Instant,
    /// What is to be sent takes its time: the test says when it is sent.
    slow: bool,
    /// What the last [`Output::Sleep`] said.
    deadline: Option<Instant>,
    /// Links that were dialled and not closed since, by the session.
    open: Vec<Link>,
}

const CONFIG: Config<'static> = Config {
    prefix: "/comfy",
    query: "token=a%20b",
    client_id: ClientId::Fixed("desk"),
    // One connection, silent but for what the test is about; what follows it has tests of its own.
    reconnect: ReconnectConfig { attempts: Some(1), ..ReconnectConfig::DEFAULT },
    heartbeat: HeartbeatConfig::OFF,
    http: false,
    headers: &[("Authorization", "Bearer x")],
    ..Config::new("desk:8188")
};

/// The same, and it asks over HTTP.
const ASKS: Config<'static> = Config { http: true, ..CONFIG };

/// The same, and it tries again as often as it takes; waits are not spread by chance.
const TRIES: Config<'static> = Config {
    reconnect: ReconnectConfig {
        backoff: BackoffConfig { jitter: Jitter::None, ..BackoffConfig::DEFAULT },
        ..ReconnectConfig::DEFAULT
    },
    ..CONFIG
};

/// The same, and it asks over HTTP.
const POLLS: Config<'static> = Config { http: true, ..TRIES };

/// Where the log is subscribed to.
const LOG: &str = "/internal/logs/subscribe";

/// Ways on from dialling, none of which opens the WebSocket yet.
const BEFORE_OPEN: [fn(&mut ScriptedHost<'_>); 3] = [
    |_| {},
    |host| drop(host.tell(Input::Opened(Ws))),
    |host| {
        host.tell(Input::Opened(Ws));
        host.hear(b"HTTP/1.1 101 Switching");
    },
];

impl<'c> ScriptedHost<'c> {
    fn new(config: Config<'c>) -> Self {
        Self { session: Wire::new(config, 7), now: Instant::ZERO, slow: false, deadline: None, open: Vec::new() }
    }

    /// A host whose socket was dialled and opened and has asked.
    fn asked() -> (ScriptedHost<'static>, String) {
        ScriptedHost::asked_with(CONFIG)
    }

    fn asked_with(config: Config<'c>) -> (Self, String) {
        let mut host = ScriptedHost::new(config);
        assert_eq!(host.drain(), [Dial(Ws), Changed]);
        let request = host.opens();
        (host, request)
    }

    /// The socket that was dialled opens: what it asks.
    #[track_caller]
    fn opens(&mut self) -> String {
        let did = self.tell(Input::Opened(Ws));
        let sent = did.iter().find_map(|did| match did {
            Send(Ws, request) => Some(request.clone()),
            _ => None,
        });
        String::from_utf8(sent.unwrap_or_else(|| panic!("{did:?}"))).unwrap()
    }

    /// A host with a WebSocket, its flags sent and all changes told.
    fn connected() -> ScriptedHost<'static> {
        let mut host = ScriptedHost::connected_with(CONFIG);
        assert_eq!(host.later(1_000), []);
        host
    }

    /// The same a second after it was established; what is asked by then was answered: nothing is to be done.
    fn connected_with(config: Config<'c>) -> Self {
        let (mut host, request) = Self::asked_with(config);
        let first = if config.http { status(0) } else { Vec::new() };
        let did = host.hear(&[accept(&request), first].concat());
        assert!(matches!(&did[..], [Send(Ws, _)]), "{did:?}");
        if config.http {
            let did = host.later(RECONCILE_MILLIS);
            assert_eq!(did, [Dial(Http), Changed]);
            host.answers("/prompt", "{\"exec_info\": {\"queue_remaining\": 0}}");
            assert_eq!(host.later(700), []);
        } else {
            assert_eq!(host.later(1_000), [Changed]);
        }
        host
    }

    /// The HTTP link that was dialled opens, is asked for `path`, and answers.
    #[track_caller]
    fn answers(&mut self, path: &str, json: &str) -> Vec<Did> {
        self.responds(path, &answer(json))
    }

    #[track_caller]
    fn responds(&mut self, path: &str, response: &str) -> Vec<Did> {
        assert_eq!(self.asks(), path);
        let mut did = self.tell(Input::Bytes(Http, response.as_bytes()));
        let at = did.iter().position(|did| *did == Close(Http));
        did.remove(at.unwrap_or_else(|| panic!("{did:?}")));
        did
    }

    /// The HTTP link that was dialled opens: what is asked of it, without what each question has.
    #[track_caller]
    fn asks(&mut self) -> String {
        let did = self.tell(Input::Opened(Http));
        let Some(Send(Http, request)) = did.first() else { panic!("{did:?}") };
        let request = str::from_utf8(request).unwrap();
        let (method, behind) = request.split_once(" /comfy").unwrap();
        let (target, headers) = behind.split_once(" HTTP/1.1\r\n").unwrap();
        assert_eq!(method, if target.starts_with(LOG) { "PATCH" } else { "GET" });
        assert!(headers.starts_with("Host: desk:8188\r\n") && headers.contains("\r\nAuthorization: Bearer x\r\n"));
        let path = target.strip_suffix("token=a%20b").unwrap();
        path.strip_suffix(['?', '&']).unwrap().to_string()
    }

    /// Carries out all outputs until the session sleeps.
    fn drain(&mut self) -> Vec<Did> {
        let mut did = Vec::new();
        loop {
            assert!(did.len() < 20, "no end of {did:?}");
            let sent = match self.session.poll_output(self.now) {
                Output::Dial(link) => {
                    assert!(!self.open.contains(&link), "{link:?} is there already");
                    self.open.push(link);
                    did.push(Dial(link));
                    None
                }
                Output::Send(link, bytes) => {
                    did.push(Send(link, bytes.to_vec()));
                    Some(link)
                }
                Output::Close(link) => {
                    assert!(self.open.contains(&link), "{link:?} isn't there");
                    self.open.retain(|open| *open != link);
                    did.push(Close(link));
                    None
                }
                Output::Changed(changes) => {
                    assert!(changes.has(Changes::SHOWN));
                    did.push(Changed);
                    None
                }
                Output::Sleep(deadline) => {
                    self.deadline = deadline;
                    return did;
                }
            };
            if let Some(link) = sent.filter(|_| !self.slow) {
                self.session.handle_input(self.now, Input::Sent(link));
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) -> Vec<Did> {
        self.told(input);
        self.drain()
    }

    /// Tells the session, and asks nothing of it yet.
    fn told(&mut self, input: Input<'_>) {
        if let Input::Closed(link, _) = input {
            self.open.retain(|open| *open != link);
        }
        self.session.handle_input(self.now, input);
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Did> {
        self.tell(Input::Bytes(Ws, bytes))
    }

    /// Lets time pass, then wakes the session.
    fn later(&mut self, millis: u64) -> Vec<Did> {
        self.now = self.now.saturating_add(crate::time::Duration::from_millis(millis));
        self.tell(Input::Host(Host::Wake))
    }

    /// The next thing to do is due at `millis`, and not a microsecond earlier: what it is. That changes are told before is
    /// of no account.
    #[track_caller]
    fn due(&mut self, millis: u64) -> Vec<Did> {
        let due = Instant::from_millis(millis);
        while self.deadline != Some(due) {
            let deadline = self.deadline.unwrap();
            assert!(deadline < due && deadline > self.now, "{deadline:?} instead of {due:?}");
            self.now = deadline;
            assert_eq!(links(self.tell(Input::Host(Host::Wake))), [], "at {deadline:?}");
        }
        self.now = Instant::from_micros(due.as_micros() - 1);
        assert_eq!(links(self.tell(Input::Host(Host::Wake))), [], "a microsecond early");
        self.now = due;
        links(self.tell(Input::Host(Host::Wake)))
    }

    /// Goes to `millis`, without a wake-up.
    fn at(&mut self, millis: u64) {
        self.now = Instant::from_millis(millis);
    }

    fn waiting(&self) -> Option<(u64, WaitingFor)> {
        let waiting = self.session.state().connection().waiting;
        waiting.map(|waiting| (waiting.until.as_micros() / 1_000, waiting.why))
    }

    /// The record's prompt and how it fares.
    fn prompt(&self) -> Option<(&str, PromptState)> {
        self.session.state().prompt().map(|prompt| (prompt.prompt_id().map_or("", Text::as_str), prompt.state()))
    }

    fn status(&self) -> (ConnectionStatus, Option<FaultKind>) {
        let connection = self.session.state().connection();
        (connection.status, connection.fault.map(|fault| fault.kind))
    }

    /// Nothing comes of it any more, whatever it is told.
    #[track_caller]
    fn assert_over(&mut self) {
        assert!(self.session.is_over());
        assert_eq!(self.later(60_000).into_iter().filter(|did| *did != Changed).count(), 0);
        let status = self.status();
        for input in [
            Input::Host(Host::Wake),
            Input::Bytes(Ws, b"\x81\x02{}"),
            Input::Bytes(Http, b"HTTP/1.1 200 OK\r\n\r\n"),
            Input::Opened(Ws),
            Input::Opened(Http),
            Input::Sent(Ws),
            Input::Closed(Ws, End::Eof),
            Input::Closed(Http, End::Broken),
        ] {
            assert_eq!(self.tell(input), [], "{input:?}");
        }
        assert_eq!((self.status(), self.deadline), (status, None));
        assert!(self.session.is_over());
    }
}

/// A server's answer to the request for a WebSocket.
fn accept(request: &str) -> Vec<u8> {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").into()
}

/// What is to be done with links.
fn links(did: Vec<Did>) -> Vec<Did> {
    did.into_iter().filter(|did| *did != Changed).collect()
}

/// A server's answer to a question over HTTP.
fn answer(json: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}", json.len())
}

/// A server's frame, whose first byte is `first`.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = match u16::try_from(payload.len()).unwrap() {
        len @ 0..=125 => vec![u8::try_from(len).unwrap()],
        len => [&[126][..], &len.to_be_bytes()].concat(),
    };
    [&[first][..], &len, payload].concat()
}

fn text(message: &str) -> Vec<u8> {
    frame(0x81, message.as_bytes())
}

fn status(queue_remaining: u32) -> Vec<u8> {
    text(&format!(
        r#"{{"type": "status", "data": {{"status": {{"exec_info": {{"queue_remaining": {queue_remaining}}}}}}}}}"#
    ))
}

fn start(prompt: &str) -> Vec<u8> {
    text(&format!(r#"{{"type": "execution_start", "data": {{"prompt_id": "{prompt}"}}}}"#))
}

/// What the client's frame of at most 125 bytes says: its first byte and its payload.
#[track_caller]
fn unmasked(did: &Did) -> (u8, Vec<u8>) {
    let Send(Ws, frame) = did else { panic!("{did:?}") };
    assert_eq!(usize::from(frame[1]), 0x80 | (frame.len() - 6), "masked, and of its length");
    let payload = frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(byte, mask)| byte ^ mask);
    (frame[0], payload.collect())
}
