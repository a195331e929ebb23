//! What each fault leads to, played to a session by a scripted server and a clock that is a number, and kept as the table
//! `core/FAULTS.md`.

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

/// The variable that has the table written instead of compared.
const REWRITE: &str = "COMFYGLOW_REWRITE";

const HEAD: &str = "\
# Faults, and what comes of them

What happens to the connection, what the session says of it, and when it tries again: in milliseconds from the fault, the
first time, without the spread by chance that a session has otherwise. Each further wait is half as long again, up to 30 s;
a connection that lived for 5 s begins anew. An answer over HTTP, which is asked for meanwhile, cuts the wait short where
the server had been away. `cargo test -p comfyglow-tests --test fault_table` plays all of it and compares;
`COMFYGLOW_REWRITE=1` before it writes this file.

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
    /// The last that was sent.
    sent: Vec<u8>,
    dials: usize,
    /// HTTP is dialled.
    asking: bool,
}

impl ScriptedHost {
    /// A host that dials the socket.
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

    /// The dialled socket opens, and this answers its request.
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

    /// Time passes, the session woken when it wants to be; HTTP says that `remaining` prompts are there, where it's asked.
    fn wait_until(&mut self, millis: u64) {
        self.wait_with(millis, 0);
    }

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

    /// The table's line.
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

/// A session's faults by a script.
type Case = (&'static str, fn(&mut ScriptedHost));

const BEFORE: &[Case] = &[
    ("refused", |host| host.ends(End::Unreachable)),
    ("no such name", |host| host.ends(End::NameUnknown)),
    ("reset while dialling", |host| host.ends(End::Broken)),
    ("end while dialling", |host| host.ends(End::Eof)),
    ("nobody answers for 10 s", |host| host.wait_until(10_000)),
    ("open, but the handshake isn't answered for 10 s", |host| {
        host.opens();
        host.wait_until(10_000);
    }),
    ("end before the handshake's answer", |host| {
        host.opens();
        host.ends(End::Eof);
    }),
    ("broken before the handshake's answer", |host| {
        host.opens();
        host.ends(End::Broken);
    }),
    ("end within the handshake's answer", |host| {
        host.answers("HTTP/1.1 101 Switching");
        host.ends(End::Eof);
    }),
];

const ANSWERS: &[Case] = &[
    ("garbage instead of an answer", |host| host.answers("SSH-2.0-OpenSSH_9.2\r\n")),
    ("the answer to another key", |host| {
        host.answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    }),
    ("the upgrade was stripped: 200", |host| {
        host.answers("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>");
    }),
    ("the upgrade was stripped: 400, as ComfyUI says it", |host| {
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
    ("end, as at each stop of ComfyUI", |host| host.ends(End::Eof)),
    ("end within a frame", |host| {
        host.hear(&text("{\"type\"")[..5]);
        host.ends(End::Eof);
    }),
    ("broken; a reset counts as an end, as a ComfyUI that is killed resets", |host| host.ends(End::Broken)),
    ("garbage behind the handshake", |host| host.hear(b"HTTP/1.1 200 OK\r\n\r\n")),
    ("a masked frame", |host| host.hear(&[0x81, 0x82, 0, 0, 0, 0, b'{', b'}'])),
    ("a reserved bit", |host| host.hear(b"\xc1\x02{}")),
    ("a reserved opcode", |host| host.hear(&[0x83, 0])),
    ("a length of 2^63", |host| host.hear(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0])),
    ("a text that is no UTF-8", |host| host.hear(b"\x81\x01\xff")),
    ("close without a code", |host| host.hear(&[0x88, 0])),
    ("close 1000", |host| closes(host, 1000)),
    ("close 1001", |host| closes(host, 1001)),
    ("close 1006, which nobody may send", |host| closes(host, 1006)),
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

/// A silent socket, while HTTP tells of a prompt.
fn is_deaf(host: &mut ScriptedHost) {
    host.connects();
    host.wait_with(60_000, 1);
}

/// Messages without end, and no answer to the ping before them.
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
        let head = "| what happens | status | fault | whose | next attempt | what to do |\n|---|---|---|---|---|---|\n";
        write!(page, "## {title}\n\n{head}{}\n\n", lines.join("\n")).expect("a text takes all");
    };
    let play = |config: Config<'static>, (name, case): &Case| {
        let mut host = ScriptedHost::new(config);
        case(&mut host);
        host.line(name)
    };
    part("Before there is a WebSocket", BEFORE.iter().map(|case| play(CONFIG, case)).collect());
    part("The handshake's answers", ANSWERS.iter().map(|case| play(CONFIG, case)).collect());
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
        ("it is being joined", NetworkDown::Joining),
        ("the Wi-Fi doesn't take the password", NetworkDown::WrongPassword),
        ("no Wi-Fi of that name", NetworkDown::NotFound),
        ("the Wi-Fi doesn't take the device", NetworkDown::Refused),
        ("the Wi-Fi is lost", NetworkDown::SignalLost),
        ("DHCP is silent", NetworkDown::NoAddress),
        ("the cable is out", NetworkDown::NoLink),
    ];
    let absent = |(name, absence): (&str, NetworkDown)| {
        let mut host = ScriptedHost::new(CONFIG);
        host.connects();
        host.tell(Input::Host(Host::Offline(absence)));
        host.line(name)
    };
    part("The device's own network, as the host tells it: at once when it is back", absences.map(absent).into());
    part(
        "What the session finds out itself",
        vec![
            play(
                pings,
                &("a ping isn't answered for 15 s, nor does anything else come", |host| {
                    host.connects();
                    host.wait_until(60_000);
                }),
            ),
            play(
                Config { heartbeat: HeartbeatConfig::OFF, ..asks },
                &("HTTP tells of prompts that a silent socket doesn't, twice in 2 s", is_deaf),
            ),
            play(asks, &("a ping's answer is 5 s late behind bytes that flow", overruns)),
            play(CONFIG, &("the sixth attempt within 60 s would follow", opens_the_circuit)),
            play(once, &("all attempts that were allowed are used up", |host| host.ends(End::Unreachable))),
            play(header, &("a header holds a line break", ScriptedHost::opens)),
            play(
                CONFIG,
                &("we left", |host| {
                    host.connects();
                    host.tell(Input::Host(Host::Leave));
                }),
            ),
        ],
    );
    page.trim_end().to_owned() + "\n"
}

#[test]
fn the_table_of_faults_is_what_happens() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/FAULTS.md");
    let table = table();
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(&file, table).expect("the file can be written");
        return;
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    for (written, is) in written.lines().zip(table.lines()) {
        assert_eq!(written, is, "where that is wanted: {REWRITE}=1 cargo test -p comfyglow-tests --test fault_table");
    }
    assert_eq!(written, table, "where that is wanted: {REWRITE}=1 cargo test -p comfyglow-tests --test fault_table");
}

/// After any of them, a session that tries again connects.
#[test]
fn what_is_tried_again_heals() {
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
