//! A session that submits nothing, before a server whose socket tells it next to nothing, on a clock that is a number.
//!
//! - [`World`]: the session, its links, and the time that passes;
//! - [`recorded`]: a server made of a recording;
//! - [`stock`]: one whose prompts are made up.

pub mod recorded;
pub mod stock;

use std::collections::BTreeMap;

use comfyglow_core::{
    capacity::Capacity,
    capacity::DesktopCapacity,
    heartbeat::HeartbeatConfig,
    reducer::Action,
    reducer::Observer,
    session::{ClientId, Config, Host, Link},
    state::Changes,
    state::{PromptState, State},
    time::Instant,
    wire::{Input, Output, Wire},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{ServerMessage, frame};

/// Microseconds.
pub type Micros = u64;

/// A millisecond.
pub const MILLI: Micros = 1_000;
/// A second.
pub const SECOND: Micros = 1_000_000;

/// What an observer meets.
pub trait Server {
    /// A socket is open, under this id: what it is told first.
    fn connect(&mut self, client_id: &str) -> Vec<ServerMessage>;
    /// The status and body that a request is answered with at `now`.
    fn answer(&mut self, now: Micros, method: &str, target: &str, body: &str) -> (u16, String);
    /// When the server does something by itself next.
    fn next(&self) -> Option<Micros>;
    /// It is that time: what the socket is told.
    fn pass(&mut self, now: Micros) -> Vec<ServerMessage>;
}

/// How long what is sent takes, one way.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// On the socket.
    pub socket: Micros,
    /// Over HTTP.
    pub http: Micros,
    /// Bytes arrive in pieces of so many, at least 1.
    pub pieces: usize,
}

/// What happens at a time.
#[derive(Debug)]
enum Event {
    Opened,
    Request(Vec<u8>),
    Bytes(Vec<u8>),
}

/// A prompt's end as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The prompt's id.
    pub id: String,
    /// How it ended.
    pub state: PromptState,
}

/// Notes all that is told, as an application would that keeps a list.
#[derive(Debug, Default)]
pub struct Notes {
    /// The ends, in order; a prompt's again where it was told to have ended otherwise.
    pub ends: Vec<Told>,
    /// The bar of the prompt at hand: its id, node, value and max.
    bar: Option<(String, Option<String>, [i64; 2])>,
    /// Bars that fell.
    pub falls: Vec<String>,
}

impl<C: Capacity> Observer<C> for Notes {
    fn reduced(&mut self, now: Instant, _action: &Action<'_>, changes: Changes, state: &State<C>) {
        let Some(prompt) = state.prompt().filter(|_| changes.any()) else { return };
        let id = prompt.prompt_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        if prompt.is_settled() {
            let told = Told { id: id.clone(), state: prompt.state() };
            if self.ends.last() != Some(&told) {
                self.ends.push(told);
            }
        }
        let node = prompt.current_node().map(|node| node.as_str().to_owned());
        let bar = prompt.steps().map(|steps| {
            let [value, max] = [steps.value, steps.max].map(|milli| milli.thousandths() / 1_000);
            (id, node, [value, max])
        });
        if let (Some(before), Some(bar)) = (&self.bar, &bar)
            && before.0 == bar.0
            && before.1 == bar.1
            && before.2[1] == bar.2[1]
            && before.2[0] > bar.2[0]
            // At 0 another one begins, of the next sampler.
            && bar.2[0] > 0
        {
            self.falls.push(format!("{before:?} {bar:?} at {now:?}"));
        }
        self.bar = bar;
    }
}

/// A server, a network, and the session of an observer.
#[derive(Debug)]
pub struct World<S> {
    /// The server.
    pub server: S,
    /// The session.
    pub session: Box<Wire<'static, DesktopCapacity>>,
    /// What it told.
    pub notes: Notes,
    /// The clock.
    pub now: Micros,
    /// What was asked over HTTP, and when it was answered.
    pub asked: Vec<(Micros, String)>,
    network: Network,
    events: BTreeMap<(Micros, u64), (Link, u64, Event)>,
    order: u64,
    /// The dials of the socket and of HTTP, and whether what was dialled is there yet.
    links: [(u64, bool); 2],
    shaken: bool,
}

impl<S: Server> World<S> {
    /// Nothing has happened by `now`.
    pub fn new(server: S, network: Network, now: Micros) -> Self {
        let config =
            Config { client_id: ClientId::Fresh, heartbeat: HeartbeatConfig::OFF, ..Config::new("server:8188") };
        Self {
            server,
            session: Box::new(Wire::<DesktopCapacity>::new(config, 7)),
            notes: Notes::default(),
            now,
            asked: Vec::new(),
            network,
            events: BTreeMap::new(),
            order: 0,
            links: [(0, false); 2],
            shaken: false,
        }
    }

    /// The session's clock.
    pub fn instant(&self) -> Instant {
        Instant::from_micros(self.now)
    }

    /// The steps shown, whole ones.
    pub fn steps(&self) -> Option<[i64; 2]> {
        let steps = self.session.state().prompt()?.steps()?;
        Some([steps.value, steps.max].map(|milli| milli.thousandths() / 1_000))
    }

    /// Lets all happen up to `until`, and that.
    ///
    /// # Panics
    ///
    /// Where the session spins.
    pub fn run(&mut self, until: Micros) {
        let mut spins = 0;
        loop {
            let deadline = self.drain();
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let server = self.server.next();
            let Some(next) = [event, server, deadline].into_iter().flatten().min().filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            spins = if next > self.now { 0 } else { spins + 1 };
            assert!(spins < 1_000_000, "it spins");
            self.now = self.now.max(next);
            if server == Some(next) {
                for wire in self.server.pass(self.now) {
                    assert!(self.shaken, "nothing is told to who isn't there");
                    self.deliver(Link::Socket, &frame(&wire));
                }
            } else if event == Some(next) {
                let (_, (link, dial, event)) = self.events.pop_first().expect("there is one");
                if self.links[at(link)] == (dial, true) {
                    self.happens(link, event);
                }
            } else {
                self.tell(Input::Host(Host::Wake));
            }
        }
    }

    fn happens(&mut self, link: Link, event: Event) {
        match event {
            Event::Opened => self.tell(Input::Opened(link)),
            Event::Bytes(bytes) => self.tell(Input::Bytes(link, &bytes)),
            Event::Request(bytes) if link == Link::Http => {
                let request = String::from_utf8(bytes).expect("a request is text");
                let (head, body) = request.split_once("\r\n\r\n").expect("it is sent whole");
                let mut words = head.split(' ');
                let [method, target] = [words.next(), words.next()].map(|word| word.expect("a request line"));
                self.asked.push((self.now, target.to_owned()));
                let (status, body) = self.server.answer(self.now, method, target, body);
                let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                self.deliver(link, answer.as_bytes());
            }
            // Of what is sent on the socket, only the request counts.
            Event::Request(_) if self.shaken => {}
            Event::Request(bytes) => {
                let request = String::from_utf8(bytes).expect("a request is text");
                let (_, key) = request.split_once("Sec-WebSocket-Key: ").expect("it has a key");
                let accept = derive_accept_key(key.lines().next().expect("it has a line").as_bytes());
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                self.deliver(link, answer.as_bytes());
                let (_, id) = request.split_once("clientId=").expect("it has an id");
                self.shaken = true;
                for wire in self.server.connect(id.split([' ', '&']).next().expect("it ends")) {
                    self.deliver(link, &frame(&wire));
                }
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        let now = self.instant();
        self.session.handle_input_with(now, input, &mut self.notes);
    }

    /// Carries out what the session wants done; its deadline.
    fn drain(&mut self) -> Option<Micros> {
        loop {
            let now = self.instant();
            match self.session.poll_output_with(now, &mut self.notes) {
                Output::Dial(link) => {
                    let (dial, there) = &mut self.links[at(link)];
                    assert!(!*there, "{link:?} is there already");
                    (*dial, *there) = (*dial + 1, true);
                    // There and back again.
                    self.schedule(link, 2 * self.latency(link), Event::Opened);
                }
                Output::Send(link, bytes) => {
                    let bytes = bytes.to_vec();
                    self.schedule(link, self.latency(link), Event::Request(bytes));
                    self.tell(Input::Sent(link));
                }
                Output::Close(link) => {
                    self.links[at(link)].1 = false;
                    self.shaken &= link != Link::Socket;
                }
                Output::Changed(_) => {}
                Output::Sleep(deadline) => return deadline.map(Instant::as_micros),
            }
        }
    }

    const fn latency(&self, link: Link) -> Micros {
        match link {
            Link::Socket => self.network.socket,
            Link::Http => self.network.http,
        }
    }

    /// The session is told this, once it has arrived.
    fn deliver(&mut self, link: Link, bytes: &[u8]) {
        for piece in bytes.chunks(self.network.pieces.max(1)) {
            self.schedule(link, self.latency(link), Event::Bytes(piece.to_vec()));
        }
    }

    fn schedule(&mut self, link: Link, after: Micros, event: Event) {
        self.order += 1;
        self.events.insert((self.now + after, self.order), (link, self.links[at(link)].0, event));
    }
}

const fn at(link: Link) -> usize {
    match link {
        Link::Socket => 0,
        Link::Http => 1,
    }
}
