//! The session at the level of messages: the heartbeat by request.

use std::{
    string::{String, ToString},
    vec::Vec,
};

use super::*;
use crate::{capacity::GadgetCapacity, heartbeat::HeartbeatConfig, state::ConnectionStatus, time::Duration};

/// A client that submits, so that the session does not look for a way to observe others.
const CONFIG: Config<'static> =
    Config { client_id: ClientId::Fixed("desk"), heartbeat: HeartbeatConfig::BY_REQUEST, ..Config::new("desk:8188") };

/// The same with more heartbeats than rounds of requests, which come 30 s apart.
const OFTEN: Config<'static> =
    Config { heartbeat: HeartbeatConfig { interval: Duration::from_secs(5), ..HeartbeatConfig::BY_REQUEST }, ..CONFIG };

const CONNECTED: (ConnectionStatus, Option<FaultKind>) = (ConnectionStatus::Connected, None);

const QUEUE: &str = r#"{"exec_info": {"queue_remaining": 0}}"#;

/// A host whose WebSocket is open, and a server that responds when the test says so.
struct MessageHost {
    session: Session<'static, GadgetCapacity>,
    now: Instant,
    deadline: Option<Instant>,
    /// The request that was not answered or aborted.
    pending: Option<String>,
}

impl MessageHost {
    /// A host with a WebSocket since the time zero, on which the server reported its queue.
    fn open(config: Config<'static>) -> Self {
        let session = Session::new(config, 7);
        let mut host = Self { session, now: Instant::ZERO, deadline: None, pending: None };
        assert!(matches!(host.session.poll_output(host.now), Output::Open(_)));
        host.input(Input::Opened);
        host.status();
        host
    }

    fn input(&mut self, input: Input<'_>) -> Vec<String> {
        self.session.handle_input(self.now, input);
        self.drain()
    }

    /// Carries out all outputs. Returns the requests.
    fn drain(&mut self) -> Vec<String> {
        let mut requests = Vec::new();
        for _ in 0..20 {
            match self.session.poll_output(self.now) {
                Output::Ping(_) => panic!("a ping"),
                Output::Request(request) => {
                    let target = request.target.to_string();
                    assert_eq!(self.pending.replace(target.clone()), None, "one request at a time");
                    requests.push(target);
                }
                Output::Close { link: Link::Http, .. } => self.pending = None,
                Output::Sleep(deadline) => {
                    self.deadline = deadline;
                    return requests;
                }
                _ => {}
            }
        }
        panic!("no end of outputs");
    }

    /// The server reports its queue on the WebSocket.
    fn status(&mut self) -> Vec<String> {
        let status = r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}"#;
        self.input(Input::Message(Message::text(status)))
    }

    /// The server responds to the pending request.
    fn responds(&mut self, status: u16) {
        assert_eq!(self.pending.take().as_deref(), Some("/prompt"));
        for input in [Input::Response { status }, Input::Body(QUEUE.as_bytes()), Input::BodyEnd] {
            assert_eq!(self.input(input), [""; 0]);
        }
    }

    /// A host whose first request was made after 300 ms and answered 10 ms later.
    fn settled(config: Config<'static>) -> Self {
        let mut host = Self::open(config);
        assert_eq!(host.sleep_until(310), [(300, "/prompt".to_string())]);
        host.responds(200);
        host
    }

    /// Sleeps through all deadlines until `millis`. Returns the requests and when they were made.
    fn sleep_until(&mut self, millis: u64) -> Vec<(u64, String)> {
        let until = Instant::from_millis(millis);
        let mut requests = Vec::new();
        loop {
            self.now = self.deadline.map_or(until, |deadline| deadline.clamp(self.now, until));
            let at = self.now.as_micros() / 1_000;
            requests.extend(self.input(Input::Host(Host::Wake)).into_iter().map(|request| (at, request)));
            if self.now == until {
                return requests;
            }
        }
    }

    fn latency(&self) -> Option<Duration> {
        self.session.view(self.now).latency
    }

    fn state(&self) -> (ConnectionStatus, Option<FaultKind>) {
        let connection = self.session.state().connection();
        (connection.status, connection.fault.map(|fault| fault.kind))
    }
}

#[test]
fn heartbeat_by_request_after_interval_requests_prompt() {
    let mut host = MessageHost::settled(CONFIG);
    assert_eq!(host.sleep_until(30_309), []);
    assert_eq!(host.sleep_until(30_310), [(30_310, "/prompt".to_string())]);
    let mut host = MessageHost::settled(OFTEN);
    for at in [5_310, 10_320, 15_330, 20_340] {
        assert_eq!(host.sleep_until(at + 10), [(at, "/prompt".to_string())]);
        host.responds(200);
    }
    assert_eq!(host.state(), CONNECTED);
}

#[test]
fn heartbeat_by_request_after_broken_request_begins_a_second_after_the_socket() {
    let mut host = MessageHost::open(OFTEN);
    host.sleep_until(310);
    host.pending = None;
    assert_eq!(host.input(Input::Closed(Link::Http, End::Broken)), [""; 0]);
    assert_eq!(host.sleep_until(1_000), [(1_000, "/prompt".to_string())]);
}

#[test]
fn heartbeat_by_request_response_gives_latency() {
    let mut host = MessageHost::open(OFTEN);
    host.sleep_until(300);
    assert_eq!(host.latency(), None);
    host.sleep_until(340);
    host.responds(200);
    assert_eq!(host.latency(), Some(Duration::from_millis(40)));
    assert_eq!(host.sleep_until(5_360), [(5_340, "/prompt".to_string())]);
    host.responds(200);
    assert_eq!(host.session.state().quality().latency(), Some(Duration::from_micros(37_500)), "smoothed");
}

#[test]
fn heartbeat_by_request_with_request_under_way_makes_no_other() {
    let mut host = MessageHost::open(OFTEN);
    assert_eq!(host.sleep_until(9_000), [(300, "/prompt".to_string())], "the heartbeat was due after a second");
    host.responds(200);
    assert_eq!(host.latency(), Some(Duration::from_millis(8_700)));
    assert_eq!(host.sleep_until(13_999), []);
    assert_eq!(host.sleep_until(14_000), [(14_000, "/prompt".to_string())]);
}

#[test]
fn heartbeat_by_request_unanswered_in_silence_is_silent_at_timeout() {
    let mut host = MessageHost::settled(OFTEN);
    host.sleep_until(5_310 + 14_999);
    assert_eq!(host.state(), CONNECTED);
    host.sleep_until(5_310 + 15_000);
    assert_eq!(host.state(), (ConnectionStatus::Disconnected, Some(FaultKind::Silent)));
}

#[test]
fn heartbeat_by_request_unanswered_with_bytes_is_neither_silent_nor_overrun() {
    let mut host = MessageHost::settled(OFTEN);
    for at in (5_500..100_000).step_by(500) {
        host.sleep_until(at);
        host.input(Input::Alive);
        assert_eq!(host.state(), CONNECTED, "at {at}");
    }
    let mut host = MessageHost::settled(OFTEN);
    host.sleep_until(5_310);
    for at in (5_500..14_000).step_by(100) {
        host.sleep_until(at);
        host.status();
    }
    host.responds(200);
    assert_eq!(
        (host.state(), host.session.state().quality().latency()),
        (CONNECTED, Some(Duration::from_micros(1_082_500)))
    );
}

#[test]
fn heartbeat_by_request_whose_requests_break_concludes_nothing() {
    let mut host = MessageHost::settled(OFTEN);
    for at in (5_500..600_000).step_by(500) {
        host.sleep_until(at);
        if host.pending.take().is_some() {
            host.input(Input::Closed(Link::Http, End::Broken));
        }
        assert_eq!(host.state(), CONNECTED, "at {at}");
    }
}

#[test]
fn heartbeat_by_request_without_http_concludes_nothing() {
    let mut host = MessageHost::open(Config { http: false, ..OFTEN });
    assert_eq!(host.sleep_until(1_000_000), []);
    assert_eq!((host.state(), host.latency()), (CONNECTED, None));
}

#[test]
fn heartbeat_by_request_after_401_concludes_nothing() {
    for status in [401, 403, 407] {
        let mut host = MessageHost::open(OFTEN);
        host.sleep_until(310);
        host.responds(status);
        assert_eq!(host.sleep_until(1_000_000), [], "{status}");
        assert_eq!(host.state(), CONNECTED, "{status}");
    }
}
