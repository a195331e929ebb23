//! Plays each fault to a session, with a scripted server and a simulated clock, and compares the results with the table
//! in `core/FAULTS.md`.

use std::{fmt::Write as _, path::Path};

use comfyglow_core::{
    backoff::{BackoffConfig, Jitter},
    capacity::GadgetCapacity,
    heartbeat::HeartbeatConfig,
    session::{Config, End, Host, Link, ReconnectConfig},
    state::{ConnectionStatus, NetworkDown, WaitingFor},
    time::{Duration, Instant},
    wire::{Input, Output, Wire},
};

/// With this variable set, the test writes the table instead of comparing it.
const REWRITE: &str = "COMFYGLOW_REWRITE";

const HEAD: &str = "\
# Faults and their consequences

Each row says what happens to the connection, what the session reports, and when it makes the next attempt. That time is
in milliseconds after the fault, for the first failure, without the random jitter that a session normally adds. Each
further wait is 1.5 times as long, up to 30 s. A connection that lived for 5 s resets the waits. The session polls over
HTTP meanwhile; a response from a server that had been away ends the wait early.

`cargo test -p comfyglow-tests --test fault_table` plays every row and compares this file. With `COMFYGLOW_REWRITE=1` it
writes this file.

";

const CONFIG: Config<'static> = Config {
    http: false,
    reconnect: ReconnectConfig {
        backoff: BackoffConfig { jitter: Jitter::None, ..BackoffConfig::DEFAULT },
        ..ReconnectConfig::DEFAULT
    },
    ..Config::new("desk:8188")
};

/// A session, and the server's end of its links.
struct ScriptedHost {
    session: Box<Wire<'static, GadgetCapacity>>,
    now: Instant,
    deadline: Option<Instant>,
    /// The bytes sent last.
    sent: Vec<u8>,
    dials: usize,
    /// The HTTP link was dialled.
    asking: bool,
}

impl ScriptedHost {
    /// A host that has dialled the socket.
    fn new(config: Config<'static>) -> Self {
        let session = Box::new(Wire::<GadgetCapacity>::new(config, 1));
        let mut host = Self { session, now: Instant::ZERO, deadline: None, sent: Vec::new(), dials: 0, asking: false };
        host.drain();
        host
    }

    fn drain(&mut self) {
        loop {
            let sent = match self.session.poll_output(self.now) {
                Output::Dial(Link::Socket) => {
                    self.dials += 1;
                    continue;
                }
                Output::Dial(Link::Http) => {
                    self.asking = true;
                    continue;
                }
                Output::Send(link, bytes) => {
                    self.sent = bytes.to_vec();
                    link
                }
                Output::Close(_) | Output::Changed(_) => continue,
                Output::Sleep(deadline) => {
                    self.deadline = deadline;
                    return;
                }
            };
            self.session.handle_input(self.now, Input::Sent(sent));
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        self.session.handle_input(self.now, input);
        self.drain();
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.tell(Input::Bytes(Link::Socket, bytes));
    }

    fn ends(&mut self, end: End) {
        self.tell(Input::Closed(Link::Socket, end));
    }

    /// The dialled socket opens.
    fn opens(&mut self) {
        self.tell(Input::Opened(Link::Socket));
    }

    /// The dialled socket opens, and the server sends this response.
    fn answers(&mut self, answer: &str) {
        self.opens();
        self.hear(answer.as_bytes());
    }

    /// The dialled socket opens and becomes a WebSocket, at 1 s.
    fn connects(&mut self) {
        self.opens();
        let request = String::from_utf8(self.sent.clone()).expect("a request is text");
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("it has a key");
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        self.hear(format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes());
        self.hear(&text(r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}"#));
        assert_eq!(self.session.state().connection().status, ConnectionStatus::Connected);
        self.wait_until(1_000);
    }

    /// Lets time pass and wakes the session at its deadlines.
    fn wait_until(&mut self, millis: u64) {
        self.wait_with(millis, 0);
    }

    /// As [`wait_until`](Self::wait_until); HTTP reports that `remaining` prompts are in the queue.
    fn wait_with(&mut self, millis: u64, remaining: u32) {
        let end = Instant::from_millis(millis);
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.tell(Input::Host(Host::Wake));
            while std::mem::take(&mut self.asking) {
                self.tell(Input::Opened(Link::Http));
                let body = format!(r#"{{"exec_info": {{"queue_remaining": {remaining}}}, "jobs": []}}"#);
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                self.tell(Input::Bytes(Link::Http, answer.as_bytes()));
            }
            if self.session.state().connection().fault.is_some() {
                return;
            }
        }
        self.now = self.now.max(end);
        self.tell(Input::Host(Host::Wake));
    }

    /// The row of the table.
    fn line(&self, name: &str) -> String {
        let connection = self.session.state().connection();
        let status = connection.status.name();
        let next = match connection.waiting {
            Some(waiting) => {
                let why = match waiting.why {
                    WaitingFor::Backoff => "",
                    WaitingFor::Circuit => ", the circuit is open",
                    WaitingFor::Server => ", as the server asks",
                    WaitingFor::Courtesy => ", HTTP meanwhile",
                };
                let micros = waiting.until.saturating_since(self.now).as_micros();
                assert_eq!(micros % 1_000, 0, "{name}");
                format!("{}{why}", micros / 1_000)
            }
            None => "none".to_owned(),
        };
        match connection.fault {
            Some(fault) => format!(
                "| {name} | {status} | `{}`: {} | {} | {next} | {} |",
                fault.name(),
                fault.message(),
                fault.blame().name(),
                fault.advice()
            ),
            None => format!("| {name} | {status} | – | – | {next} | – |"),
        }
    }
}

fn text(message: &str) -> Vec<u8> {
    comfyglow_tests::frame(&comfyglow_tests::ServerMessage::Text(message.to_owned()))
}

/// A fault's name, and the script that leads to it.
type Case = (&'static str, fn(&mut ScriptedHost));

const BEFORE: &[Case] = &[
    ("refused", |host| host.ends(End::Unreachable)),
    ("no such name", |host| host.ends(End::NameUnknown)),
    ("reset while connecting", |host| host.ends(End::Broken)),
    ("closed while connecting", |host| host.ends(End::Eof)),
    ("no response for 10 s", |host| host.wait_until(10_000)),
    ("connected, but no response to the handshake for 10 s", |host| {
        host.opens();
        host.wait_until(10_000);
    }),
    ("closed before the handshake's response", |host| {
        host.opens();
        host.ends(End::Eof);
    }),
    ("broken before the handshake's response", |host| {
        host.opens();
        host.ends(End::Broken);
    }),
    ("closed within the handshake's response", |host| {
        host.answers("HTTP/1.1 101 Switching");
        host.ends(End::Eof);
    }),
];

const ANSWERS: &[Case] = &[
    ("garbage instead of a response", |host| host.answers("SSH-2.0-OpenSSH_9.2\r\n")),
    ("the response to another key", |host| {
        host.answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    }),
    ("a proxy removed the upgrade: 200", |host| {
        host.answers("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>");
    }),
    ("a proxy removed the upgrade: 400, as ComfyUI reports it", |host| {
        host.answers("HTTP/1.1 400 Bad Request\r\nContent-Length: 27\r\n\r\nNo WebSocket UPGRADE hdr: N");
    }),
    ("302", |host| host.answers("HTTP/1.1 302 Found\r\nLocation: https://desk/\r\n\r\n")),
    ("401", |host| host.answers("HTTP/1.1 401 Unauthorized\r\n\r\n")),
    ("403", |host| host.answers("HTTP/1.1 403 Forbidden\r\n\r\n")),
    ("404", |host| host.answers("HTTP/1.1 404 Not Found\r\n\r\n")),
    ("407", |host| host.answers("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")),
    ("429", |host| host.answers("HTTP/1.1 429 Too Many Requests\r\n\r\n")),
    ("429, `Retry-After: 20`", |host| host.answers("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\n\r\n")),
    ("500", |host| host.answers("HTTP/1.1 500 Internal Server Error\r\n\r\n")),
    ("502", |host| host.answers("HTTP/1.1 502 Bad Gateway\r\n\r\n")),
    ("503", |host| host.answers("HTTP/1.1 503 Service Unavailable\r\n\r\n")),
    ("503, `Retry-After: 120`", |host| host.answers("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\n\r\n")),
    ("504", |host| host.answers("HTTP/1.1 504 Gateway Timeout\r\n\r\n")),
];

const OPEN: &[Case] = &[
    ("closed, as at each stop of ComfyUI", |host| host.ends(End::Eof)),
    ("closed within a frame", |host| {
        host.hear(&text("{\"type\"")[..5]);
        host.ends(End::Eof);
    }),
    ("broken; a reset counts as closed, since a ComfyUI that is killed resets", |host| host.ends(End::Broken)),
    ("garbage after the handshake", |host| host.hear(b"HTTP/1.1 200 OK\r\n\r\n")),
    ("a masked frame", |host| host.hear(&[0x81, 0x82, 0, 0, 0, 0, b'{', b'}'])),
    ("a reserved bit", |host| host.hear(b"\xc1\x02{}")),
    ("a reserved opcode", |host| host.hear(&[0x83, 0])),
    ("a length of 2^63", |host| host.hear(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0])),
    ("a text that is not UTF-8", |host| host.hear(b"\x81\x01\xff")),
    ("close without a code", |host| host.hear(&[0x88, 0])),
    ("close 1000", |host| closes(host, 1000)),
    ("close 1001", |host| closes(host, 1001)),
    ("close 1006, which must not be sent", |host| closes(host, 1006)),
    ("close 1008", |host| closes(host, 1008)),
    ("close 1009", |host| closes(host, 1009)),
    ("close 1011", |host| closes(host, 1011)),
    ("close 1012", |host| closes(host, 1012)),
    ("close 1013", |host| closes(host, 1013)),
    ("close 3000", |host| closes(host, 3000)),
    ("close 4401", |host| closes(host, 4401)),
];

fn closes(host: &mut ScriptedHost, code: u16) {
    let [high, low] = code.to_be_bytes();
    host.hear(&[0x88, 2, high, low]);
}

/// The socket is silent while HTTP reports a prompt.
fn is_deaf(host: &mut ScriptedHost) {
    host.connects();
    host.wait_with(60_000, 1);
}

/// Messages keep coming, but no pong to the ping before them.
fn overruns(host: &mut ScriptedHost) {
    host.connects();
    for millis in (1_000..=7_000).step_by(500) {
        if host.session.state().connection().fault.is_none() {
            host.wait_until(millis);
            host.hear(b"\x82\x04\0\0\0\x09");
        }
    }
}

fn opens_the_circuit(host: &mut ScriptedHost) {
    while host.dials < 5 {
        host.ends(End::Unreachable);
        host.now = host.deadline.expect("there is a next attempt");
        host.tell(Input::Host(Host::Wake));
    }
    host.ends(End::Unreachable);
}

fn table() -> String {
    let pings = Config { heartbeat: HeartbeatConfig::DEFAULT, ..CONFIG };
    let mut page = HEAD.to_owned();
    let mut part = |title: &str, lines: Vec<String>| {
        let head = "| what happens | status | fault | whose | next attempt | advice |\n|---|---|---|---|---|---|\n";
        write!(page, "## {title}\n\n{head}{}\n\n", lines.join("\n")).expect("a text takes all");
    };
    let play = |config: Config<'static>, (name, case): &Case| {
        let mut host = ScriptedHost::new(config);
        case(&mut host);
        host.line(name)
    };
    part("Before the handshake is complete", BEFORE.iter().map(|case| play(CONFIG, case)).collect());
    part("The handshake's responses", ANSWERS.iter().map(|case| play(CONFIG, case)).collect());
    let connected = |(name, case): &Case| {
        let mut host = ScriptedHost::new(CONFIG);
        host.connects();
        case(&mut host);
        host.line(name)
    };
    part("While it is open", OPEN.iter().map(connected).collect());
    let asks = Config { http: true, ..pings };
    let once = Config { reconnect: ReconnectConfig { attempts: Some(1), ..CONFIG.reconnect }, ..CONFIG };
    let header = Config { headers: &[("X", "a\r\nb")], ..CONFIG };
    let absences = [
        ("the device is joining it", NetworkDown::Joining),
        ("the Wi-Fi rejects the password", NetworkDown::WrongPassword),
        ("no Wi-Fi with that name", NetworkDown::NotFound),
        ("the Wi-Fi rejects the device", NetworkDown::Refused),
        ("the Wi-Fi is lost", NetworkDown::SignalLost),
        ("no response from DHCP", NetworkDown::NoAddress),
        ("the cable is unplugged", NetworkDown::NoLink),
    ];
    let absent = |(name, absence): (&str, NetworkDown)| {
        let mut host = ScriptedHost::new(CONFIG);
        host.connects();
        host.tell(Input::Host(Host::Offline(absence)));
        host.line(name)
    };
    part("No network, as the host reports; it connects at once when the network is back", absences.map(absent).into());
    part(
        "Faults that the session detects itself",
        vec![
            play(
                pings,
                &("no pong, and nothing else, within 15 s", |host| {
                    host.connects();
                    host.wait_until(60_000);
                }),
            ),
            play(
                Config { heartbeat: HeartbeatConfig::OFF, ..asks },
                &("HTTP reports prompts that a silent socket does not, twice in 2 s", is_deaf),
            ),
            play(asks, &("a pong is 5 s late while bytes flow", overruns)),
            play(CONFIG, &("the next attempt would be the sixth within 60 s", opens_the_circuit)),
            play(once, &("all allowed attempts are used up", |host| host.ends(End::Unreachable))),
            play(header, &("a header contains a line break", ScriptedHost::opens)),
            play(
                CONFIG,
                &("the user closed the session", |host| {
                    host.connects();
                    host.tell(Input::Host(Host::Leave));
                }),
            ),
        ],
    );
    page.trim_end().to_owned() + "\n"
}

#[test]
fn fault_table_matches_what_happens() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/FAULTS.md");
    let table = table();
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(&file, table).expect("the file can be written");
        return;
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    for (written, is) in written.lines().zip(table.lines()) {
        assert_eq!(written, is, "if that is intended: {REWRITE}=1 cargo test -p comfyglow-tests --test fault_table");
    }
    assert_eq!(written, table, "if that is intended: {REWRITE}=1 cargo test -p comfyglow-tests --test fault_table");
}

/// A session that makes another attempt after a fault connects.
#[test]
fn faults_with_a_next_attempt_end_connected() {
    for (name, case) in OPEN.iter().chain(ANSWERS).chain(BEFORE) {
        let mut host = ScriptedHost::new(CONFIG);
        if OPEN.iter().any(|(open, _)| open == name) {
            host.connects();
        }
        case(&mut host);
        let Some(waiting) = host.session.state().connection().waiting else { continue };
        host.wait_for_dial(waiting.until);
        host.connects();
        assert_eq!(host.session.state().connection().fault, None, "{name}");
    }
}

impl ScriptedHost {
    fn wait_for_dial(&mut self, until: Instant) {
        let before = self.dials;
        while self.dials == before {
            self.now = self.deadline.expect("there is a next attempt");
            assert!(self.now <= until.saturating_add(Duration::from_millis(1)));
            self.tell(Input::Host(Host::Wake));
        }
    }
}
