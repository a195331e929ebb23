use core::{error::Error, fmt};

use crate::{event::EventKind, time::Instant};

/// The connection to the server, as far as the session knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection {
    /// Its status.
    pub status: ConnectionStatus,
    /// Where the prompt's state comes from.
    pub source: Source,
    /// How prompts of other clients are followed; `None` until this connection's server was probed.
    pub way: Option<ObserveMode>,
    /// Attempts to connect since the connection was lost, or since the start.
    pub attempt: u32,
    /// How often the session connected again.
    pub reconnects: u32,
    /// Why the connection was lost or can't be made.
    pub fault: Option<Fault>,
    /// What the next attempt waits for; `None` if no attempt is planned.
    pub waiting: Option<Waiting>,
    /// The last message that was used, and when it ended.
    pub last_event: Option<LastEvent>,
    /// Whether the session was connected before.
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
    /// When the attempt is made.
    pub until: Instant,
    /// Why it is not made at once.
    pub why: WaitingFor,
}

/// Why an attempt to connect waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WaitingFor {
    /// Attempts are spaced: [`backoff`](crate::backoff).
    Backoff,
    /// There were too many attempts: the circuit is open, see [`breaker`](crate::breaker).
    Circuit,
    /// The server asked for this wait by `Retry-After`.
    Server,
    /// The session read too slowly and left, since it would slow down the server's other clients.
    Courtesy,
}

/// The status of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnectionStatus {
    /// An attempt is under way, or the first one is planned.
    Connecting,
    /// The server's messages arrive.
    Connected,
    /// The connection was lost or never made.
    Disconnected,
    /// The fault needs a person, or the circuit is open.
    Error,
}

impl ConnectionStatus {
    /// The word for it in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Error => "error",
        }
    }
}

/// Where a prompt's state comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Source {
    /// The server's messages on the WebSocket.
    Websocket,
    /// Polling over HTTP.
    Polling,
    /// The server's log, beside polling over HTTP; which node runs is inferred.
    Logs,
    /// The record of an earlier session; the server has not confirmed it yet.
    Restored,
}

impl Source {
    /// The word for it in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Polling => "polling",
            Self::Logs => "logs",
            Self::Restored => "restored",
        }
    }
}

/// How prompts of other clients are followed. Without help, ComfyUI reports a prompt's progress to its submitter only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ObserveMode {
    /// By comfyglow's extension on the server, which reports everything.
    Extension,
    /// By the server's log, which has the steps of samplers, errors and ends; the rest as [`Polling`](Self::Polling).
    Logs,
    /// By polling over HTTP: which prompt runs, and how it ended.
    Polling,
}

impl ObserveMode {
    /// The word for it in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Logs => "logs",
            Self::Polling => "polling",
        }
    }
}

/// A message that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LastEvent {
    /// Its type.
    pub kind: EventKind,
    /// When it ended.
    pub at: Instant,
}

/// What is wrong with the connection. `Display` writes the [`message`](Self::message), then the
/// [`advice`](Self::advice).
///
/// # Examples
///
/// ```
/// use comfyglow_core::state::{Blame, Fault, FaultKind};
///
/// let fault = Fault::new(FaultKind::Refused(404));
/// assert_eq!(fault.blame(), Blame::Config);
/// assert!(fault.to_string().starts_with("no ComfyUI at this path. Check the path"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
}

/// Who has to act on a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Blame {
    /// You: the address, login, Wi-Fi or another setting is wrong.
    Config,
    /// The server, or a proxy in front of it.
    Server,
    /// The network between here and the server.
    Network,
}

impl Blame {
    /// The word for it in snapshots.
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
    /// The server's name can't be resolved.
    NameUnknown,
    /// The address does not accept connections.
    Unreachable,
    /// The server did not respond in time.
    TimedOut,
    /// The server closed the connection, as it does when it stops.
    Closed,
    /// The server or a proxy closed the WebSocket with this code (RFC 6455, section 7.4).
    ClosedWith(u16),
    /// The server sent nothing any more, not even the pong to a ping.
    Silent,
    /// The socket is open, but the server lost this client's registration and sends it no events.
    Deaf,
    /// The session read too slowly, and left so that the server's other clients don't wait for it.
    Overrun,
    /// The server's certificate is not trusted, or it has none.
    Untrusted,
    /// The network dropped the connection.
    Broken,
    /// The server answered the WebSocket handshake with this HTTP status.
    Refused(u16),
    /// The server is not ComfyUI, or a proxy changes what it sends.
    NotComfyUi,
    /// The server or a proxy violated the WebSocket protocol.
    Protocol,
    /// The request with its headers is longer than its buffer, or holds characters that a header can't.
    Config,
}

/// Why this device has no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NetworkDown {
    /// The device is joining it.
    Joining,
    /// The Wi-Fi network rejects the password.
    WrongPassword,
    /// No Wi-Fi network of that name is in range.
    NotFound,
    /// The Wi-Fi network rejects this device for another reason.
    Refused,
    /// The device had joined it; now it is out of range or gone.
    SignalLost,
    /// The device has joined it, but gets no IP address.
    NoAddress,
    /// The cable is unplugged, or its other end is off.
    NoLink,
}

impl NetworkDown {
    const fn blame(self) -> Blame {
        match self {
            Self::WrongPassword | Self::NotFound => Blame::Config,
            _ => Blame::Network,
        }
    }

    /// What happened, for a person's screen: lower case, no full stop.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Joining => "joining the network",
            Self::WrongPassword => "the Wi-Fi password is wrong",
            Self::NotFound => "the Wi-Fi network was not found",
            Self::Refused => "the Wi-Fi network refuses this device",
            Self::SignalLost => "the Wi-Fi connection was lost",
            Self::NoAddress => "the router gives no IP address",
            Self::NoLink => "the network cable is unplugged",
        }
    }

    /// What to do about it, in sentences; empty if nothing needs doing.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Joining => "",
            Self::WrongPassword => "Set the password again.",
            Self::NotFound => "Check its name. It must be a 2.4 GHz network.",
            Self::Refused => "Check the access point's list of allowed devices.",
            Self::SignalLost => "The device rejoins it once it is back.",
            Self::NoAddress => "Check that DHCP is on in the router.",
            Self::NoLink => "Check both ends of the cable.",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match self.advice() {
            "" => Ok(()),
            advice => write!(f, ". {advice}"),
        }
    }
}

impl Error for Fault {}

impl Fault {
    /// The fault of this kind.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind }
    }

    /// The word for its kind in snapshots.
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

    /// Who has to act on it.
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

    /// Whether a person has to do something before another attempt makes sense. The session makes none.
    pub const fn needs_a_person(self) -> bool {
        match self.kind {
            FaultKind::Refused(300..=399 | 401 | 403 | 404 | 407) | FaultKind::Untrusted | FaultKind::Config => true,
            FaultKind::ClosedWith(code) => is_login(code),
            _ => false,
        }
    }

    /// Whether a setting is wrong for sure, and waiting won't help. A wrong Wi-Fi name looks like a network out of
    /// range, and a wrong server name like that of a machine that sleeps.
    pub(crate) const fn stays(self) -> bool {
        matches!(self.blame(), Blame::Config) && !matches!(self.kind, FaultKind::Offline(_) | FaultKind::NameUnknown)
    }

    /// What happened, for a person's screen: lower case, no full stop.
    pub const fn message(self) -> &'static str {
        match self.kind {
            FaultKind::Offline(reason) => reason.message(),
            FaultKind::NameUnknown => "the server's name can't be resolved",
            FaultKind::Unreachable => "no answer at this address",
            FaultKind::TimedOut => "the server did not respond in time",
            FaultKind::Silent => "the server stopped responding",
            FaultKind::Closed => "the server closed the connection",
            FaultKind::ClosedWith(1001 | 1012) => "the server is stopping or restarting",
            FaultKind::ClosedWith(1013) => "the server is too busy",
            FaultKind::ClosedWith(code) if is_login(code) => "the server refuses this client",
            FaultKind::ClosedWith(_) => "the server or a proxy closed the connection",
            FaultKind::Deaf => "the server sends this client no events",
            FaultKind::Overrun => "this machine or its network could not keep up",
            FaultKind::Untrusted => "the server's certificate is not trusted",
            FaultKind::Broken => "the network dropped the connection",
            FaultKind::Refused(401 | 407) => "the server requires a login",
            FaultKind::Refused(403) => "the server refuses this client",
            FaultKind::Refused(404) => "no ComfyUI at this path",
            FaultKind::Refused(429) => "the server reports too many requests",
            FaultKind::Refused(300..=399) => "the server redirects to another address",
            FaultKind::Refused(502..=504) => "a proxy responds, but ComfyUI behind it does not",
            FaultKind::Refused(_) => "the server refused the connection",
            FaultKind::NotComfyUi => "this server is not ComfyUI, or a proxy blocks WebSocket upgrades",
            FaultKind::Protocol => "the server or a proxy violates the WebSocket protocol",
            FaultKind::Config => "the address or a header is invalid or too long",
        }
    }

    /// What to do about it, in sentences; empty if nothing needs doing.
    pub const fn advice(self) -> &'static str {
        match self.kind {
            FaultKind::Offline(reason) => reason.advice(),
            FaultKind::NameUnknown => "Check its spelling, or use the IP address.",
            FaultKind::Unreachable => {
                "Check that ComfyUI is running, and its address and port. On another machine, start it with --listen."
            }
            FaultKind::TimedOut | FaultKind::Silent => {
                "Check the address, the network and any firewall. A busy server responds late."
            }
            FaultKind::ClosedWith(code) if is_login(code) => {
                "Put the login in the address (http://user:password@host) or in a header."
            }
            FaultKind::Closed | FaultKind::ClosedWith(_) => "ComfyUI stopped or is restarting. Check its terminal.",
            FaultKind::Deaf => "Nothing to do: a new connection under another client ID fixes it.",
            FaultKind::Overrun => "comfyglow polls over HTTP meanwhile. A better network or smaller previews help.",
            FaultKind::Untrusted => {
                "Use the host name on the certificate, and https only if the server has it. This system must trust the certificate's authority."
            }
            FaultKind::Broken => "Check the network, Wi-Fi or VPN to the server.",
            FaultKind::Refused(401 | 407) => "Put the login in the address (http://user:password@host) or in a header.",
            FaultKind::Refused(403) => "Check the login. A proxy must allow this client and path.",
            FaultKind::Refused(404) => "Check the path in the address. Behind a proxy, it must lead to ComfyUI's root.",
            FaultKind::Refused(429 | 502..=504) => "Try again later. Check the logs of ComfyUI and the proxy.",
            FaultKind::Refused(300..=399) => "Open the address in a browser, and use the one that it then shows.",
            FaultKind::Refused(_) | FaultKind::NotComfyUi => {
                "Open the address in a browser: it should show ComfyUI. A proxy must pass WebSocket upgrades on."
            }
            FaultKind::Protocol => "If there is a proxy, try without it. If not, please report this bug.",
            FaultKind::Config => "Shorten or correct the address, query or headers.",
        }
    }
}

/// Whether a close code means that this client is not allowed: RFC 6455's 1008, IANA's 3000 and 3003, and by custom
/// 4000 plus an HTTP status.
const fn is_login(code: u16) -> bool {
    matches!(code, 1008 | 3000 | 3003 | 4401 | 4403)
}
