//! All that can happen to a connection in its first steps, in every order: the session always knows when to wake, never dials
//! what is there or drops what isn't, and is over only once it was left or gave up.
//!
//! Seven steps by default; `COMFYGLOW_DEPTH=9` takes two minutes.

use comfyglow_core::{
    capacity,
    heartbeat::HeartbeatConfig,
    session::{Config, End, Host, Link, ReconnectConfig},
    state::NetworkDown,
    time::{Duration, Instant},
    wire::{Input, Output, Wire},
};

capacity! {
    struct SmallCapacity {
        id: 48, message: 64, nodes: 4, names: 64, durations: 2, history: 4, request: 512,
    }
}

type Small = Wire<'static, SmallCapacity>;

const DEPTH: usize = 7;

const CONFIG: Config<'static> = Config {
    heartbeat: HeartbeatConfig::DEFAULT,
    reconnect: ReconnectConfig { attempts: Some(4), ..ReconnectConfig::DEFAULT },
    ..Config::new("desk:8188")
};

/// One step of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The deadline comes.
    Wake,
    /// The host slept for an hour.
    Sleep,
    /// A link opens, and can be written to.
    Opens(Link),
    /// A link ends.
    Ends(Link, End),
    /// The socket's handshake is answered well, and the queue told.
    Accepts,
    /// It is answered by 503.
    Refuses,
    /// It is answered by 401.
    Forbids,
    /// The socket says what it shouldn't.
    Breaks,
    /// HTTP tells of a prompt, where the socket told of none.
    Answers,
    /// A person wants it.
    ByHand,
    Leave,
    /// The device loses its network, and with it its links.
    Offline,
    Online,
}

const STEPS: [Step; 15] = [
    Step::Wake,
    Step::Sleep,
    Step::Opens(Link::Socket),
    Step::Opens(Link::Http),
    Step::Ends(Link::Socket, End::Eof),
    Step::Ends(Link::Http, End::Broken),
    Step::Accepts,
    Step::Refuses,
    Step::Forbids,
    Step::Breaks,
    Step::Answers,
    Step::ByHand,
    Step::Leave,
    Step::Offline,
    Step::Online,
];

/// How a link is, as the host knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Is {
    #[default]
    Closed,
    Dialled,
    Open,
    /// The socket's handshake is over.
    Accepted,
}

struct ScriptedHost {
    session: Box<Small>,
    now: Instant,
    deadline: Option<Instant>,
    socket: Is,
    http: Is,
    asked: Vec<u8>,
    left: bool,
    offline: bool,
}

impl ScriptedHost {
    fn new() -> Self {
        let mut host = Self {
            session: Box::new(Small::new(CONFIG, 1)),
            now: Instant::ZERO,
            deadline: None,
            socket: Is::Closed,
            http: Is::Closed,
            asked: Vec::new(),
            left: false,
            offline: false,
        };
        host.drain(&[]);
        host
    }

    fn link(&mut self, link: Link) -> &mut Is {
        match link {
            Link::Socket => &mut self.socket,
            Link::Http => &mut self.http,
        }
    }

    fn can(&self, step: Step) -> bool {
        match step {
            Step::Wake => self.deadline.is_some(),
            Step::Sleep | Step::ByHand => true,
            Step::Offline => !self.offline,
            Step::Online => self.offline,
            Step::Leave => !self.left,
            Step::Opens(Link::Socket) => self.socket == Is::Dialled,
            Step::Opens(Link::Http) => self.http == Is::Dialled,
            Step::Ends(Link::Socket, _) => self.socket != Is::Closed,
            Step::Ends(Link::Http, _) => self.http != Is::Closed,
            Step::Accepts | Step::Refuses | Step::Forbids => self.socket == Is::Open,
            Step::Breaks => self.socket == Is::Accepted,
            Step::Answers => self.http == Is::Open,
        }
    }

    fn take(&mut self, step: Step, path: &[Step]) {
        const QUEUE: &str = r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}"#;
        const BODY: &str = r#"{"exec_info": {"queue_remaining": 1}, "jobs": [{"id": "p", "status": "in_progress"}], "queue_running": [], "queue_pending": []}"#;
        let (link, bytes) = match step {
            Step::Wake => {
                self.now = self.deadline.unwrap_or(self.now);
                return self.tell(Input::Host(Host::Wake), path);
            }
            Step::Sleep => {
                self.now = self.now.saturating_add(Duration::from_secs(3_600));
                return self.tell(Input::Host(Host::Wake), path);
            }
            Step::Opens(link) => {
                *self.link(link) = Is::Open;
                return self.tell(Input::Opened(link), path);
            }
            Step::Ends(link, end) => {
                *self.link(link) = Is::Closed;
                return self.tell(Input::Closed(link, end), path);
            }
            Step::ByHand => return self.tell(Input::Host(Host::Reconnect), path),
            Step::Offline | Step::Online => {
                self.offline = step == Step::Offline;
                let input = if self.offline {
                    Input::Host(Host::Offline(NetworkDown::SignalLost))
                } else {
                    Input::Host(Host::Online)
                };
                return self.tell(input, path);
            }
            Step::Leave => {
                self.left = true;
                return self.tell(Input::Host(Host::Leave), path);
            }
            Step::Accepts => {
                self.socket = Is::Accepted;
                let request = String::from_utf8_lossy(&self.asked);
                let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
                let accept = tungstenite::handshake::derive_accept_key(key.unwrap_or_default().as_bytes());
                let head = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                let status = comfyglow_tests::frame(&comfyglow_tests::ServerMessage::Text(QUEUE.to_owned()));
                (Link::Socket, [head.into_bytes(), status].concat())
            }
            Step::Refuses => (Link::Socket, b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\n\r\n".to_vec()),
            Step::Forbids => (Link::Socket, b"HTTP/1.1 401 Unauthorized\r\n\r\n".to_vec()),
            Step::Breaks => (Link::Socket, vec![0x83, 0]),
            Step::Answers => {
                (Link::Http, format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()).into_bytes())
            }
        };
        self.tell(Input::Bytes(link, &bytes), path);
    }

    fn tell(&mut self, input: Input<'_>, path: &[Step]) {
        self.session.handle_input(self.now, input);
        self.drain(path);
    }

    fn drain(&mut self, path: &[Step]) {
        for outputs in 0.. {
            assert!(outputs < 20, "it never sleeps after {path:?}");
            match self.session.poll_output(self.now) {
                Output::Dial(link) => {
                    assert_eq!(*self.link(link), Is::Closed, "{link:?} is dialled twice after {path:?}");
                    assert!(!self.offline, "{link:?} is dialled without a network, after {path:?}");
                    assert!(!self.left, "{link:?} is dialled though we left, after {path:?}");
                    *self.link(link) = Is::Dialled;
                }
                Output::Send(link, bytes) => {
                    let bytes = bytes.to_vec();
                    let is = *self.link(link);
                    assert!(matches!(is, Is::Open | Is::Accepted), "{link:?} isn't open after {path:?}");
                    if link == Link::Socket && is == Is::Open {
                        self.asked = bytes;
                    }
                    self.session.handle_input(self.now, Input::Sent(link));
                }
                Output::Close(link) => {
                    assert_ne!(*self.link(link), Is::Closed, "{link:?} isn't there after {path:?}");
                    *self.link(link) = Is::Closed;
                }
                Output::Changed(_) => {}
                Output::Sleep(deadline) => {
                    self.deadline = deadline;
                    break;
                }
            }
        }
        let is_over = self.session.is_over();
        assert!(self.deadline.is_none_or(|at| at > self.now), "{:?} has passed after {path:?}", self.deadline);
        assert!(self.deadline.is_some() || is_over || self.offline, "it sleeps forever after {path:?}");
        let closed = self.socket == Is::Closed && self.http == Is::Closed;
        let is_closing = self.left && self.deadline.is_some();
        assert!(!self.offline || closed || is_closing, "a link stays without a network, after {path:?}");
        assert!(!is_over || closed, "a link is left behind after {path:?}");
        assert!(!self.left || !closed || is_over, "it was left, and isn't over, after {path:?}");
    }
}

/// Tries all that can happen behind `path`; returns how many paths there were.
fn explore(path: &mut Vec<Step>, depth: usize) -> u64 {
    let mut host = ScriptedHost::new();
    for (n, step) in path.iter().enumerate() {
        host.take(*step, &path[..=n]);
    }
    if path.len() == depth {
        return 1;
    }
    let can: Vec<Step> = STEPS.into_iter().filter(|step| host.can(*step)).collect();
    let mut paths = 1;
    for step in can {
        path.push(step);
        paths += explore(path, depth);
        path.pop();
    }
    paths
}

#[test]
fn in_every_order_of_what_can_happen_it_knows_when_to_wake_and_keeps_one_socket() {
    let depth = std::env::var("COMFYGLOW_DEPTH").ok().and_then(|depth| depth.parse().ok());
    let paths = explore(&mut Vec::new(), depth.unwrap_or(DEPTH));
    assert!(paths > 10_000, "{paths}");
}
