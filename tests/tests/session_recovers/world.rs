//! A server, a network and a host, simulated: what is sent arrives after a while, late, or never, and time jumps.

use std::collections::BTreeMap;

use comfyglow_core::{
    capacity,
    heartbeat::HeartbeatConfig,
    session::{ClientId, Config, End, Host, Link},
    state::{ConnectionStatus, NetworkDown},
    time::Instant,
    wire::{Input, Output, Wire},
};

use comfyglow_tests::server::{Outcome, Server};

capacity! {
    pub(crate) struct SmallCapacity {
        id: 48, message: 64, nodes: 8, names: 128, durations: 4, history: 4, request: 512,
    }
}

/// As small as tests need it, so that making it costs little.
pub(crate) type Small = Wire<'static, SmallCapacity>;

/// What goes wrong, from its time on and for as long as it says.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The server is down: links end, dials are refused. It comes back without its memory.
    Restart(u64),
    /// No route: dials fail, what is open is broken.
    NoRoute(u64),
    /// The host loses its network, and knows it.
    Offline(u64),
    /// Nothing gets through any more, neither on what is open nor on what is dialled until it is over.
    Blackhole(u64),
    /// Nothing gets through until it is over, then all at once.
    Stall(u64),
    /// What is open is reset.
    Reset,
    /// A proxy answers instead of the server, with this status.
    Proxy(u64, u16),
    /// Something else answers.
    Garbage(u64),
    /// Only HTTP hangs.
    HttpHangs(u64),
    /// The server forgets the socket.
    Deaf,
    /// A proxy closes the socket with this code.
    Close(u16),
    /// The socket's frames are broken.
    Broken,
    /// The host sleeps: nothing is told to the session.
    Sleep(u64),
    /// A person wants another attempt.
    ByHand,
}

impl Fault {
    /// How long it lasts.
    pub(crate) const fn lasts(&self) -> u64 {
        match *self {
            Self::Restart(lasts)
            | Self::NoRoute(lasts)
            | Self::Offline(lasts)
            | Self::Blackhole(lasts)
            | Self::Stall(lasts)
            | Self::Proxy(lasts, _)
            | Self::Garbage(lasts)
            | Self::HttpHangs(lasts)
            | Self::Sleep(lasts) => lasts,
            Self::Reset | Self::Deaf | Self::Close(_) | Self::Broken | Self::ByHand => 0,
        }
    }
}

/// What the server does by itself.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Submit(String),
    Step,
    End(Outcome),
}

/// What happens at a time.
#[derive(Clone, Debug)]
enum Event {
    Deed(Deed),
    Fault(Fault),
    Over(u32),
    Tell(Link, u32, Told),
    Wake,
    /// The host learns whether there is a network.
    Network,
}

#[derive(Clone, Debug)]
enum Told {
    Opened,
    Bytes(Vec<u8>),
    Sent,
    Closed(End),
}

/// A link as the network knows it.
#[derive(Clone, Debug)]
struct ServerMessage {
    number: u32,
    /// Nothing gets through any more.
    dead: bool,
    /// What the session sent and the server hasn't understood yet.
    heard: Vec<u8>,
    /// A WebSocket.
    shaken: bool,
}

/// Times in milliseconds.
pub(crate) struct World {
    pub(crate) session: Box<Small>,
    pub(crate) server: Server,
    pub(crate) now: u64,
    /// When the socket was dialled.
    pub(crate) dials: Vec<u64>,
    /// When HTTP was dialled.
    pub(crate) asks: Vec<u64>,
    latency: u64,
    /// How late the host wakes.
    late: u64,
    events: BTreeMap<(u64, u64), Event>,
    serial: u64,
    number: u32,
    socket: Option<ServerMessage>,
    http: Option<ServerMessage>,
    /// Faults that last, by number.
    lasting: BTreeMap<u32, Fault>,
    /// When what is stalled gets through.
    stalled_until: u64,
    asleep_until: u64,
    /// The host knows that it has no network.
    offline: bool,
    deadline: Option<Instant>,
}

pub(crate) const fn config(client_id: ClientId<'static>) -> Config<'static> {
    Config { client_id, heartbeat: HeartbeatConfig::DEFAULT, ..Config::new("desk:8188") }
}

impl World {
    pub(crate) fn new(config: Config<'static>, seed: u64, latency: u64, late: u64) -> Self {
        Self {
            session: Box::new(Small::new(config, seed)),
            server: Server::default(),
            now: 0,
            dials: Vec::new(),
            asks: Vec::new(),
            latency,
            late,
            events: BTreeMap::new(),
            serial: 0,
            number: 0,
            socket: None,
            http: None,
            lasting: BTreeMap::new(),
            stalled_until: 0,
            asleep_until: 0,
            offline: false,
            deadline: None,
        }
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.serial += 1;
        self.events.insert((at, self.serial), event);
    }

    pub(crate) fn deed(&mut self, at: u64, deed: Deed) {
        self.schedule(at, Event::Deed(deed));
    }

    pub(crate) fn fault(&mut self, at: u64, fault: Fault) {
        self.schedule(at, Event::Fault(fault));
    }

    /// The host wakes the session though it wanted nothing.
    pub(crate) fn wake(&mut self, at: u64) {
        self.schedule(at, Event::Wake);
    }

    /// Plays on until `end`.
    pub(crate) fn run(&mut self, end: u64) {
        if self.now == 0 {
            self.drain();
        }
        loop {
            let wake = self.deadline.map(|at| (at.as_micros().div_ceil(1_000) + self.late).max(self.asleep_until));
            let next = self.events.keys().next().map(|(at, _)| *at);
            let at = wake.into_iter().chain(next).min();
            let Some(at) = at.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            match self.events.first_entry().filter(|entry| entry.key().0 <= at) {
                Some(entry) => {
                    let event = entry.remove();
                    self.happens(event);
                }
                None => self.tell(Input::Host(Host::Wake)),
            }
        }
        self.now = end;
    }

    fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn tell(&mut self, input: Input<'_>) {
        self.session.handle_input(self.at(), input);
        self.drain();
    }

    fn drain(&mut self) {
        let now = self.at();
        for outputs in 0.. {
            assert!(outputs < 30, "it never sleeps");
            match self.session.poll_output(now) {
                Output::Dial(link) => self.dialled(link),
                Output::Send(link, bytes) => {
                    let bytes = bytes.to_vec();
                    // Sending is over at once, unless nothing gets through.
                    if self.now >= self.stalled_until {
                        self.session.handle_input(now, Input::Sent(link));
                    } else if let Some(wire) = self.wire(link).clone() {
                        self.schedule(self.stalled_until, Event::Tell(link, wire.number, Told::Sent));
                    }
                    self.sent(link, &bytes);
                }
                Output::Close(link) => {
                    let wire = self.wire(link).take();
                    assert!(wire.is_some(), "{link:?} isn't there");
                    if link == Link::Socket {
                        self.server.registered = false;
                    }
                }
                Output::Changed(_) => {}
                Output::Sleep(deadline) => {
                    assert!(deadline.is_none_or(|at| at > now), "{deadline:?} has passed at {now:?}");
                    assert!(deadline.is_some() || self.session.is_over() || self.offline, "it sleeps forever");
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    fn wire(&mut self, link: Link) -> &mut Option<ServerMessage> {
        match link {
            Link::Socket => &mut self.socket,
            Link::Http => &mut self.http,
        }
    }

    fn lasts(&self, of: impl Fn(&Fault) -> bool) -> bool {
        self.lasting.values().any(of)
    }

    fn dialled(&mut self, link: Link) {
        assert!(self.wire(link).is_none(), "{link:?} is there already");
        match link {
            Link::Socket => self.dials.push(self.now),
            Link::Http => self.asks.push(self.now),
        }
        assert!(!self.offline, "{link:?} is dialled without a network");
        self.number += 1;
        let number = self.number;
        let refused = self.lasts(|fault| matches!(fault, Fault::Restart(_) | Fault::NoRoute(_)));
        let hangs = self.lasts(|fault| matches!(fault, Fault::Blackhole(_)));
        *self.wire(link) = Some(ServerMessage { number, dead: hangs, heard: Vec::new(), shaken: false });
        self.deliver(link, if refused { Told::Closed(End::Unreachable) } else { Told::Opened });
    }

    /// The session is told, once that got through.
    fn deliver(&mut self, link: Link, told: Told) {
        let at = (self.now + self.latency).max(self.stalled_until).max(self.asleep_until);
        if let Some(wire) = self.wire(link).clone().filter(|wire| !wire.dead) {
            self.schedule(at, Event::Tell(link, wire.number, told));
        }
    }

    fn flush(&mut self) {
        for bytes in std::mem::take(&mut self.server.said) {
            self.deliver(Link::Socket, Told::Bytes(bytes));
        }
    }

    /// The server, or what stands in its place, hears what was sent.
    fn sent(&mut self, link: Link, bytes: &[u8]) {
        let Some(wire) = self.wire(link).as_mut().filter(|wire| !wire.dead) else { return };
        wire.heard.extend_from_slice(bytes);
        let shaken = wire.shaken;
        if shaken {
            return self.frames();
        }
        let request = String::from_utf8(std::mem::take(&mut wire.heard)).expect("a request is text");
        let target = request.split(' ').nth(1).expect("it has a target").to_owned();
        let proxy = self.lasting.values().find_map(|fault| match fault {
            Fault::Proxy(_, status) => Some(*status),
            _ => None,
        });
        if self.lasts(|fault| matches!(fault, Fault::Garbage(_))) {
            self.deliver(link, Told::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()));
        } else if let Some(status) = proxy {
            let answer = format!("HTTP/1.1 {status} No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
            self.deliver(link, Told::Bytes(answer.into_bytes()));
        } else if link == Link::Socket {
            let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("it has a key");
            let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            self.deliver(link, Told::Bytes(answer.into_bytes()));
            if let Some(wire) = &mut self.socket {
                wire.shaken = true;
            }
            self.server.connect();
            self.flush();
        } else if !self.lasts(|fault| matches!(fault, Fault::HttpHangs(_))) {
            let answer = self.server.get(&target);
            self.deliver(link, Told::Bytes(answer.into_bytes()));
            self.deliver(link, Told::Closed(End::Eof));
        }
    }

    /// Pings are answered, a close too; the rest is of no account.
    fn frames(&mut self) {
        let Some(wire) = &mut self.socket else { return };
        let heard = std::mem::take(&mut wire.heard);
        let mut rest = heard.as_slice();
        while let [first, len, mask @ ..] = rest {
            let len = usize::from(len & 0x7f);
            let payload: Vec<u8> =
                mask[4..4 + len].iter().zip(mask[..4].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            rest = &mask[4 + len..];
            match first & 0xf {
                9 => {
                    let header = [0x8a, u8::try_from(len).expect("a ping is short")];
                    self.deliver(Link::Socket, Told::Bytes([&header[..], &payload].concat()));
                }
                8 => self.deliver(Link::Socket, Told::Closed(End::Eof)),
                _ => {}
            }
        }
    }

    /// All links end, as `end` says.
    fn cut(&mut self, end: End) {
        for link in [Link::Socket, Link::Http] {
            self.deliver(link, Told::Closed(end));
        }
        self.server.registered = false;
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Deed(deed) => {
                if self.lasts(|fault| matches!(fault, Fault::Restart(_))) {
                    return;
                }
                match deed {
                    Deed::Submit(id) => self.server.submit(&id),
                    Deed::Step => self.server.step(),
                    Deed::End(outcome) => self.server.end(outcome),
                }
                self.flush();
            }
            Event::Fault(fault) => self.begins(fault),
            Event::Over(number) => {
                if let Some(Fault::Offline(_)) = self.lasting.remove(&number) {
                    self.schedule(self.now.max(self.asleep_until), Event::Network);
                }
            }
            Event::Tell(link, number, told) => {
                // The host forgot a link that it closed, and the network one that is dead.
                if self.wire(link).as_ref().is_none_or(|wire| wire.number != number || wire.dead) {
                    return;
                }
                match told {
                    Told::Opened => self.tell(Input::Opened(link)),
                    Told::Bytes(bytes) => self.tell(Input::Bytes(link, &bytes)),
                    Told::Sent => self.tell(Input::Sent(link)),
                    Told::Closed(end) => {
                        *self.wire(link) = None;
                        self.tell(Input::Closed(link, end));
                    }
                }
            }
            Event::Wake => self.tell(Input::Host(Host::Wake)),
            Event::Network => {
                self.offline = self.lasts(|fault| matches!(fault, Fault::Offline(_)));
                self.tell(if self.offline {
                    Input::Host(Host::Offline(NetworkDown::SignalLost))
                } else {
                    Input::Host(Host::Online)
                });
            }
        }
    }

    fn begins(&mut self, fault: Fault) {
        match fault {
            Fault::Restart(_) => {
                self.cut(End::Eof);
                self.server.restart();
            }
            Fault::NoRoute(_) | Fault::Reset => self.cut(End::Broken),
            Fault::Offline(_) | Fault::Blackhole(_) => {
                for wire in [&mut self.socket, &mut self.http].into_iter().flatten() {
                    wire.dead = true;
                }
                if matches!(fault, Fault::Offline(_)) {
                    self.server.registered = false;
                    self.schedule(self.now.max(self.asleep_until), Event::Network);
                }
            }
            Fault::Stall(lasts) => {
                self.stalled_until = self.stalled_until.max(self.now + lasts);
                self.put_off(self.stalled_until);
            }
            Fault::Sleep(lasts) => {
                self.asleep_until = self.asleep_until.max(self.now + lasts);
                self.put_off(self.asleep_until);
            }
            Fault::Deaf => self.server.registered = false,
            Fault::Close(code) => {
                let [high, low] = code.to_be_bytes();
                self.say(vec![0x88, 2, high, low]);
            }
            Fault::Broken => self.say(vec![0x83, 0]),
            Fault::ByHand if self.now >= self.asleep_until => self.tell(Input::Host(Host::Reconnect)),
            Fault::Proxy(..) | Fault::Garbage(_) | Fault::HttpHangs(_) | Fault::ByHand => {}
        }
        self.number += 1;
        let number = self.number;
        let over = self.now + fault.lasts();
        self.lasting.insert(number, fault);
        self.schedule(over, Event::Over(number));
    }

    /// Nothing reaches the session before `until`, and then in the order that it would have.
    fn put_off(&mut self, until: u64) {
        let late: Vec<_> = self.events.range(..(until, 0)).map(|(key, _)| *key).collect();
        for key in late {
            if let Some(event) = self.events.remove(&key) {
                let at = if matches!(event, Event::Tell(..) | Event::Wake | Event::Network) { until } else { key.0 };
                self.events.insert((at, key.1), event);
            }
        }
    }

    /// The WebSocket's other end says this, where there is one.
    fn say(&mut self, bytes: Vec<u8>) {
        if self.socket.as_ref().is_some_and(|wire| wire.shaken) {
            self.deliver(Link::Socket, Told::Bytes(bytes));
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.session.state().connection().status == ConnectionStatus::Connected
    }
}
