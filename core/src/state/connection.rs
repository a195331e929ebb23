use crate::{event::EventKind, time::Instant};

/// The connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection {
    /// How it fares.
    pub status: ConnectionStatus,
    /// How the prompt's state is known.
    pub source: Source,
    /// How prompts of other clients are followed, once that was found out for this connection.
    pub way: Option<ObserveMode>,
    /// Attempts to connect since it was lost, or since the start.
    pub attempt: u32,
    /// How often it was made again.
    pub reconnects: u32,
    /// What is wrong, or was when it was lost.
    pub fault: Option<Fault>,
    /// What the next attempt waits for, where one is to come.
    pub waiting: Option<Waiting>,
    /// The last message that was of use, and when it ended.
    pub last_event: Option<LastEvent>,
    /// Whether it was made before.
    pub(crate) established: bool,
}

impl Connection {
    pub(super) const fn new() -> Self {
        Self {
            status: ConnectionStatus::Connecting,
            source: Source::Websocket,
            way: None,
            attempt: 0,
            reconnects: 0,
            fault: None,
            waiting: None,
            last_event: None,
            established: false,
        }
    }
}

/// What the next attempt to connect waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Waiting {
    /// When it will be made.
    pub until: Instant,
    /// Why not at once.
    pub why: WaitingFor,
}

/// Why an attempt isn't made at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WaitingFor {
    /// Attempts that follow each other too fast help nobody: [`backoff`](crate::backoff).
    Backoff,
    /// There were too many of them: the circuit is open, see [`breaker`](crate::breaker).
    Circuit,
    /// The server said when to come back.
    Server,
    /// We left since we could not keep up, and would slow the server's other clients down.
    Courtesy,
}

/// How a connection fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnectionStatus {
    /// It is being made.
    Connecting,
    /// The server's messages arrive.
    Connected,
    /// It was lost or never made.
    Disconnected,
    /// The fault needs a person.
    Error,
}

impl ConnectionStatus {
    /// The status' word in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Error => "error",
        }
    }
}

/// How a prompt's state is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Source {
    /// By the server's messages.
    Websocket,
    /// By asking the server over HTTP.
    Polling,
    /// By what the server's log says, beside asking over HTTP: which node runs is inferred.
    Logs,
    /// By what an earlier session kept; the server has not confirmed it yet.
    Restored,
}

impl Source {
    /// The source's word in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Polling => "polling",
            Self::Logs => "logs",
            Self::Restored => "restored",
        }
    }
}

/// How prompts of other clients are followed: ComfyUI by itself tells a prompt's progress to its submitter only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ObserveMode {
    /// The server has comfyglow's extension, which tells everything.
    Extension,
    /// By the server's log: the steps of samplers, errors and ends; beside it as [`Polling`](Self::Polling).
    Logs,
    /// By asking over HTTP: which prompt runs, and how it ended.
    Polling,
}

impl ObserveMode {
    /// The way's word in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Logs => "logs",
            Self::Polling => "polling",
        }
    }
}

/// A message that was of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LastEvent {
    /// What it was.
    pub kind: EventKind,
    /// When it ended.
    pub at: Instant,
}

/// What is wrong with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
}

/// Blame fault it is, which decides what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Blame {
    /// The one who set this up.
    Config,
    /// The server's, or a proxy's before it.
    Server,
    /// The network's between.
    Network,
}

impl Blame {
    /// The word in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "you",
            Self::Server => "server",
            Self::Network => "network",
        }
    }
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FaultKind {
    /// This device has no network.
    Offline(NetworkDown),
    /// Nobody knows the server's name.
    NameUnknown,
    /// Nobody answered at the address.
    Unreachable,
    /// The server didn't answer in time.
    TimedOut,
    /// The server ended the connection, as it does when it stops.
    Closed,
    /// The server, or a proxy, ended the connection with this code (RFC 6455, 7.4).
    ClosedWith(u16),
    /// The server fell silent: not even a ping was answered.
    Silent,
    /// The socket lives, but the server sends this client nothing: it lost the client's registration.
    Deaf,
    /// We read too slowly, and left rather than hold up the server's other clients.
    Overrun,
    /// It can't be told whether it is the server that is meant: its certificate is not trusted, or it has none.
    Untrusted,
    /// The network broke it.
    Broken,
    /// The server answered the handshake with this status.
    Refused(u16),
    /// What answered is no ComfyUI, or something between them changes what it says.
    NotComfyUi,
    /// The server, or a proxy, broke the WebSocket protocol.
    Protocol,
    /// The request with its headers doesn't fit its buffer, or holds characters that a header can't.
    Config,
}

/// Why there is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NetworkDown {
    /// It is being joined.
    Joining,
    /// The Wi-Fi network doesn't take the password.
    WrongPassword,
    /// No Wi-Fi network of that name is in reach.
    NotFound,
    /// The Wi-Fi network doesn't take this device, for another reason.
    Refused,
    /// It was joined, and is out of reach or gone.
    SignalLost,
    /// It is joined, but nobody gives an address.
    NoAddress,
    /// The cable is out, or its other end is off.
    NoLink,
}

impl NetworkDown {
    const fn blame(self) -> Blame {
        match self {
            Self::WrongPassword | Self::NotFound => Blame::Config,
            _ => Blame::Network,
        }
    }

    /// What happened, in a person's words.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Joining => "the network is being joined",
            Self::WrongPassword => "the Wi-Fi password is wrong",
            Self::NotFound => "the Wi-Fi network is not in reach",
            Self::Refused => "the Wi-Fi network refuses this device",
            Self::SignalLost => "the Wi-Fi was lost",
            Self::NoAddress => "the network gives no address",
            Self::NoLink => "the network cable is unplugged",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Joining => "",
            Self::WrongPassword => "Set the password again.",
            Self::NotFound => "Check its name; it must be one of 2.4 GHz.",
            Self::Refused => "Look at the access point's list of devices.",
            Self::SignalLost => "It is joined again once it is back.",
            Self::NoAddress => "Check the router: DHCP must be on.",
            Self::NoLink => "Check both ends of the cable.",
        }
    }
}

impl Fault {
    /// The fault of this kind.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind }
    }

    /// The kind's word in snapshots.
    pub const fn name(self) -> &'static str {
        match self.kind {
            FaultKind::Offline(_) => "offline",
            FaultKind::NameUnknown => "name_unknown",
            FaultKind::Unreachable => "unreachable",
            FaultKind::TimedOut => "timed_out",
            FaultKind::Closed | FaultKind::ClosedWith(_) => "closed",
            FaultKind::Silent => "silent",
            FaultKind::Deaf => "deaf",
            FaultKind::Overrun => "overrun",
            FaultKind::Untrusted => "untrusted",
            FaultKind::Broken => "broken",
            FaultKind::Refused(_) => "refused",
            FaultKind::NotComfyUi => "not_comfyui",
            FaultKind::Protocol => "protocol",
            FaultKind::Config => "config",
        }
    }

    /// Blame fault it is.
    pub const fn blame(self) -> Blame {
        match self.kind {
            FaultKind::Offline(reason) => reason.blame(),
            FaultKind::Refused(300..=399 | 401 | 403 | 404 | 407)
            | FaultKind::NameUnknown
            | FaultKind::NotComfyUi
            | FaultKind::Untrusted
            | FaultKind::Config => Blame::Config,
            FaultKind::ClosedWith(code) if is_login(code) => Blame::Config,
            FaultKind::Closed
            | FaultKind::ClosedWith(_)
            | FaultKind::Deaf
            | FaultKind::Protocol
            | FaultKind::Refused(_) => Blame::Server,
            FaultKind::Unreachable
            | FaultKind::TimedOut
            | FaultKind::Silent
            | FaultKind::Overrun
            | FaultKind::Broken => Blame::Network,
        }
    }

    /// Whether it stays until a person does something about it: there are no further attempts.
    pub const fn needs_a_person(self) -> bool {
        match self.kind {
            FaultKind::Refused(300..=399 | 401 | 403 | 404 | 407) | FaultKind::Untrusted | FaultKind::Config => true,
            FaultKind::ClosedWith(code) => is_login(code),
            _ => false,
        }
    }

    /// Whether it is yours, and won't pass by itself. A Wi-Fi network that is set up wrong looks like one that is away, and a
    /// name that nobody knows like that of a machine that sleeps.
    pub(crate) const fn stays(self) -> bool {
        matches!(self.blame(), Blame::Config) && !matches!(self.kind, FaultKind::Offline(_) | FaultKind::NameUnknown)
    }

    /// What happened, in a person's words.
    pub const fn message(self) -> &'static str {
        match self.kind {
            FaultKind::Offline(reason) => reason.message(),
            FaultKind::NameUnknown => "nobody knows the server's name",
            FaultKind::Unreachable => "nobody answers at this address",
            FaultKind::TimedOut => "the server does not answer",
            FaultKind::Silent => "the server fell silent",
            FaultKind::Closed => "the server ended the connection",
            FaultKind::ClosedWith(1001 | 1012) => "the server stops or restarts",
            FaultKind::ClosedWith(1013) => "the server is too busy",
            FaultKind::ClosedWith(code) if is_login(code) => "the server refuses this client",
            FaultKind::ClosedWith(_) => "the server, or a proxy, ended the connection",
            FaultKind::Deaf => "the server lost sight of this client",
            FaultKind::Overrun => "this machine, or its network, could not keep up",
            FaultKind::Untrusted => "the server's certificate is not trusted",
            FaultKind::Broken => "the network broke the connection",
            FaultKind::Refused(401 | 407) => "the server wants a login",
            FaultKind::Refused(403) => "the server refuses this client",
            FaultKind::Refused(404) => "there is no ComfyUI at this path",
            FaultKind::Refused(429) => "the server has too many visitors",
            FaultKind::Refused(300..=399) => "the server sends us elsewhere",
            FaultKind::Refused(502..=504) => "a proxy answers, but the ComfyUI behind it does not",
            FaultKind::Refused(_) => "the server refused the connection",
            FaultKind::NotComfyUi => "what answers here is no ComfyUI, or a proxy strips WebSocket upgrades",
            FaultKind::Protocol => "the server, or a proxy, breaks the WebSocket protocol",
            FaultKind::Config => "the address or headers can't be sent",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self.kind {
            FaultKind::Offline(reason) => reason.advice(),
            FaultKind::NameUnknown => "Check its spelling, or give the address in numbers.",
            FaultKind::Unreachable => {
                "Is ComfyUI running, and is this its address and port? Elsewhere than on this machine it must be started with --listen."
            }
            FaultKind::TimedOut | FaultKind::Silent => {
                "Check the address, the network and firewalls between; a busy server answers late."
            }
            FaultKind::ClosedWith(code) if is_login(code) => {
                "Give the login in the address (http://user:password@host) or by a header."
            }
            FaultKind::Closed | FaultKind::ClosedWith(_) => "ComfyUI stopped or restarts; look at its terminal.",
            FaultKind::Deaf => "Nothing: a new connection under another client id mends it.",
            FaultKind::Overrun => {
                "It is asked over HTTP meanwhile. A better network helps, and so do smaller previews."
            }
            FaultKind::Untrusted => {
                "Use the name that it is for, and https only where the server has it. An authority of your own must be one that this system trusts."
            }
            FaultKind::Broken => "Check the network, Wi-Fi or VPN between.",
            FaultKind::Refused(401 | 407) => {
                "Give the login in the address (http://user:password@host) or by a header."
            }
            FaultKind::Refused(403) => "Check the login; behind a proxy, that it allows this client and path.",
            FaultKind::Refused(404) => "Check the path in the address; behind a proxy it must lead to ComfyUI's root.",
            FaultKind::Refused(429 | 502..=504) => "Try again in a while; look at ComfyUI's and the proxy's logs.",
            FaultKind::Refused(300..=399) => "Use the address that a browser shows after opening this one.",
            FaultKind::Refused(_) | FaultKind::NotComfyUi => {
                "Open the address in a browser: it should show ComfyUI. A proxy before it must pass WebSocket upgrades on."
            }
            FaultKind::Protocol => "If a proxy stands between, try without it; else this is a bug worth reporting.",
            FaultKind::Config => "Shorten or correct the address, query or headers.",
        }
    }
}

/// Whether a close's code means that this client may not, as proxies and services say it (RFC 6455's 1008, IANA's 3000 and
/// 3003, and by custom HTTP's statuses behind a 4).
const fn is_login(code: u16) -> bool {
    matches!(code, 1008 | 3000 | 3003 | 4401 | 4403)
}
