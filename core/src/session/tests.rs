//! The drive contract, against a scripted server and a clock that is a number.

use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;
use crate::{heartbeat::HeartbeatConfig, state::ConnectionStatus};

mod connecting;
mod frames;
mod leaving;
mod queue;
mod time;

const HEAD: usize = 512;
type Small<'c> = Session<'c, 48, 64, 16, 128, 4, HEAD>;

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
struct Host<'c> {
    session: Small<'c>,
    now: Instant,
    /// What is to be sent takes its time: the test says when it is sent.
    slow: bool,
    /// What the last [`Output::Sleep`] said.
    deadline: Option<Instant>,
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

/// Ways on from dialling, none of which opens the WebSocket yet.
const BEFORE_OPEN: [fn(&mut Host<'_>); 3] = [
    |_| {},
    |host| drop(host.tell(Input::Opened(Ws))),
    |host| {
        host.tell(Input::Opened(Ws));
        host.hear(b"HTTP/1.1 101 Switching");
    },
];

impl<'c> Host<'c> {
    fn new(config: Config<'c>) -> Self {
        Self { session: Session::new(config, 7), now: Instant::ZERO, slow: false, deadline: None }
    }

    /// A host whose socket was dialled and opened and has asked.
    fn asked() -> (Self, String) {
        let mut host = Host::new(CONFIG);
        assert_eq!(host.drain(), [Dial(Ws), Changed]);
        let did = host.tell(Input::Opened(Ws));
        let [Send(Ws, request)] = &did[..] else { panic!("{did:?}") };
        (host, String::from_utf8(request.clone()).unwrap())
    }

    /// A host with a WebSocket, its flags sent and all changes told.
    fn connected() -> Self {
        let (mut host, request) = Self::asked();
        let did = host.hear(&accept(&request));
        assert!(matches!(&did[..], [Send(Ws, _)]), "{did:?}");
        assert_eq!(host.later(1_000), [Changed]);
        assert_eq!(host.later(1_000), []);
        host
    }

    /// Carries out all outputs until the session sleeps.
    fn drain(&mut self) -> Vec<Did> {
        let mut did = Vec::new();
        loop {
            assert!(did.len() < 20, "no end of {did:?}");
            let sent = match self.session.poll_output(self.now) {
                Output::Dial(link) => {
                    did.push(Dial(link));
                    None
                }
                Output::Send(link, bytes) => {
                    did.push(Send(link, bytes.to_vec()));
                    Some(link)
                }
                Output::Close(link) => {
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
        self.session.handle_input(self.now, input);
        self.drain()
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Did> {
        self.tell(Input::Bytes(Ws, bytes))
    }

    /// Lets time pass, then wakes the session.
    fn later(&mut self, millis: u64) -> Vec<Did> {
        self.now = self.now.saturating_add(crate::time::Duration::from_millis(millis));
        self.tell(Input::Wake)
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
            Input::Wake,
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
