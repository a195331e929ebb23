//! The session's policies at the level of bytes, with a scripted server and a simulated clock.

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

/// An output that the host carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Dial(Link),
    Send(Link, Vec<u8>),
    Close(Link),
    Changed,
}

use Did::{Changed, Close, Dial, Send};
use Link::{Http, Socket as Ws};

/// A host that carries out all outputs; the test plays the server.
struct ScriptedHost<'c> {
    session: Small<'c>,
    now: Instant,
    /// Sending takes time: the test reports `Input::Sent`.
    slow: bool,
    /// The deadline of the last [`Output::Sleep`].
    deadline: Option<Instant>,
    /// Links that the session dialled and has not closed.
    open: Vec<Link>,
}

const CONFIG: Config<'static> = Config {
    prefix: "/comfy",
    query: "token=a%20b",
    client_id: ClientId::Fixed("desk"),
    // One connection, without requests and pings of its own; reconnects have other tests.
    reconnect: ReconnectConfig { attempts: Some(1), ..ReconnectConfig::DEFAULT },
    heartbeat: HeartbeatConfig::OFF,
    http: false,
    headers: &[("Authorization", "Bearer x")],
    ..Config::new("desk:8188")
};

/// As [`CONFIG`], with HTTP.
const WITH_HTTP: Config<'static> = Config { http: true, ..CONFIG };

/// As [`CONFIG`], with unlimited attempts and no jitter.
const RECONNECTS: Config<'static> = Config {
    reconnect: ReconnectConfig {
        backoff: BackoffConfig { jitter: Jitter::None, ..BackoffConfig::DEFAULT },
        ..ReconnectConfig::DEFAULT
    },
    ..CONFIG
};

/// As [`RECONNECTS`], with HTTP.
const POLLS: Config<'static> = Config { http: true, ..RECONNECTS };

/// The path of the log subscription.
const LOG: &str = "/internal/logs/subscribe";

/// Steps after dialling, before the WebSocket is open.
const BEFORE_OPEN: [fn(&mut ScriptedHost<'_>); 3] = [
    |_| {},
    |host| drop(host.report(Input::Opened(Ws))),
    |host| {
        host.report(Input::Opened(Ws));
        host.receive(b"HTTP/1.1 101 Switching");
    },
];

impl<'c> ScriptedHost<'c> {
    fn new(config: Config<'c>) -> Self {
        Self { session: Wire::new(config, 7), now: Instant::ZERO, slow: false, deadline: None, open: Vec::new() }
    }

    /// A host that has sent the handshake's request, and that request.
    fn handshaking() -> (ScriptedHost<'static>, String) {
        ScriptedHost::handshaking_with(CONFIG)
    }

    fn handshaking_with(config: Config<'c>) -> (Self, String) {
        let mut host = ScriptedHost::new(config);
        assert_eq!(host.drain(), [Dial(Ws), Changed]);
        let request = host.open_socket();
        (host, request)
    }

    /// Opens the dialled socket; returns the handshake's request.
    #[track_caller]
    fn open_socket(&mut self) -> String {
        let did = self.report(Input::Opened(Ws));
        let sent = did.iter().find_map(|did| match did {
            Send(Ws, request) => Some(request.clone()),
            _ => None,
        });
        String::from_utf8(sent.unwrap_or_else(|| panic!("{did:?}"))).unwrap()
    }

    /// A connected host that has sent its flags and reported all changes.
    fn connected() -> ScriptedHost<'static> {
        let mut host = ScriptedHost::connected_with(CONFIG);
        assert_eq!(host.later(1_000), []);
        host
    }

    /// As [`connected`](Self::connected), 1 s after the handshake; its requests have been answered.
    fn connected_with(config: Config<'c>) -> Self {
        let (mut host, request) = Self::handshaking_with(config);
        let first = if config.http { status(0) } else { Vec::new() };
        let did = host.receive(&[accept(&request), first].concat());
        assert!(matches!(&did[..], [Send(Ws, _)]), "{did:?}");
        if config.http {
            let did = host.later(RECONCILE_MILLIS);
            assert_eq!(did, [Dial(Http), Changed]);
            host.respond_json("/prompt", "{\"exec_info\": {\"queue_remaining\": 0}}");
            assert_eq!(host.later(700), []);
        } else {
            assert_eq!(host.later(1_000), [Changed]);
        }
        host
    }

    /// Opens the dialled HTTP link, checks the request's `path`, and responds with `json`.
    #[track_caller]
    fn respond_json(&mut self, path: &str, json: &str) -> Vec<Did> {
        self.respond(path, &answer(json))
    }

    #[track_caller]
    fn respond(&mut self, path: &str, response: &str) -> Vec<Did> {
        assert_eq!(self.http_request(), path);
        let mut did = self.report(Input::Bytes(Http, response.as_bytes()));
        let at = did.iter().position(|did| *did == Close(Http));
        did.remove(at.unwrap_or_else(|| panic!("{did:?}")));
        did
    }

    /// Opens the dialled HTTP link; returns the request's path and query, without prefix and token.
    #[track_caller]
    fn http_request(&mut self) -> String {
        let did = self.report(Input::Opened(Http));
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

    fn report(&mut self, input: Input<'_>) -> Vec<Did> {
        self.report_without_polling(input);
        self.drain()
    }

    /// Reports an input without polling outputs.
    fn report_without_polling(&mut self, input: Input<'_>) {
        if let Input::Closed(link, _) = input {
            self.open.retain(|open| *open != link);
        }
        self.session.handle_input(self.now, input);
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Did> {
        self.report(Input::Bytes(Ws, bytes))
    }

    /// Lets time pass, then wakes the session.
    fn later(&mut self, millis: u64) -> Vec<Did> {
        self.now = self.now.saturating_add(crate::time::Duration::from_millis(millis));
        self.report(Input::Host(Host::Wake))
    }

    /// Goes to `millis`, checks that no link does anything before, and returns what is due then. Reported changes don't
    /// count.
    #[track_caller]
    fn due(&mut self, millis: u64) -> Vec<Did> {
        let due = Instant::from_millis(millis);
        while self.deadline != Some(due) {
            let deadline = self.deadline.unwrap();
            assert!(deadline < due && deadline > self.now, "{deadline:?} instead of {due:?}");
            self.now = deadline;
            assert_eq!(links(self.report(Input::Host(Host::Wake))), [], "at {deadline:?}");
        }
        self.now = Instant::from_micros(due.as_micros() - 1);
        assert_eq!(links(self.report(Input::Host(Host::Wake))), [], "a microsecond early");
        self.now = due;
        links(self.report(Input::Host(Host::Wake)))
    }

    /// Goes to `millis`, without a wake-up.
    fn at(&mut self, millis: u64) {
        self.now = Instant::from_millis(millis);
    }

    fn waiting(&self) -> Option<(u64, WaitingFor)> {
        let waiting = self.session.state().connection().waiting;
        waiting.map(|waiting| (waiting.until.as_micros() / 1_000, waiting.why))
    }

    /// The record's prompt and its state.
    fn prompt(&self) -> Option<(&str, PromptState)> {
        self.session.state().prompt().map(|prompt| (prompt.prompt_id().map_or("", Text::as_str), prompt.state()))
    }

    fn status(&self) -> (ConnectionStatus, Option<FaultKind>) {
        let connection = self.session.state().connection();
        (connection.status, connection.fault.map(|fault| fault.kind))
    }

    /// Checks that the session is over and ignores all inputs.
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
            assert_eq!(self.report(input), [], "{input:?}");
        }
        assert_eq!((self.status(), self.deadline), (status, None));
        assert!(self.session.is_over());
    }
}

/// The server's response to the handshake.
fn accept(request: &str) -> Vec<u8> {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").into()
}

/// The outputs that concern links.
fn links(did: Vec<Did>) -> Vec<Did> {
    did.into_iter().filter(|did| *did != Changed).collect()
}

/// The server's response to an HTTP request.
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

/// The first byte and the payload of the client's frame, of at most 125 bytes.
#[track_caller]
fn unmasked(did: &Did) -> (u8, Vec<u8>) {
    let Send(Ws, frame) = did else { panic!("{did:?}") };
    assert_eq!(usize::from(frame[1]), 0x80 | (frame.len() - 6), "masked, and of its length");
    let payload = frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(byte, mask)| byte ^ mask);
    (frame[0], payload.collect())
}
