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

/// What is said of a fault, in one place for each.
struct Words {
    /// Its word in snapshots.
    name: &'static str,
    message: &'static str,
    advice: &'static str,
    blame: Blame,
}

impl NetworkDown {
    const fn words(self) -> &'static Words {
        match self {
            Self::Joining => {
                &Words { name: "offline", message: "joining the network", advice: "", blame: Blame::Network }
            }
            Self::WrongPassword => &Words {
                name: "offline",
                message: "the Wi-Fi password is wrong",
                advice: "Set the password again.",
                blame: Blame::Config,
            },
            Self::NotFound => &Words {
                name: "offline",
                message: "the Wi-Fi network was not found",
                advice: "Check its name. It must be a 2.4 GHz network.",
                blame: Blame::Config,
            },
            Self::Refused => &Words {
                name: "offline",
                message: "the Wi-Fi network refuses this device",
                advice: "Check the access point's list of allowed devices.",
                blame: Blame::Network,
            },
            Self::SignalLost => &Words {
                name: "offline",
                message: "the Wi-Fi connection was lost",
                advice: "The device rejoins it once it is back.",
                blame: Blame::Network,
            },
            Self::NoAddress => &Words {
                name: "offline",
                message: "the router gives no IP address",
                advice: "Check that DHCP is on in the router.",
                blame: Blame::Network,
            },
            Self::NoLink => &Words {
                name: "offline",
                message: "the network cable is unplugged",
                advice: "Check both ends of the cable.",
                blame: Blame::Network,
            },
        }
    }

    /// What happened, for a person's screen: lower case, no full stop.
    pub const fn message(self) -> &'static str {
        self.words().message
    }

    /// What to do about it, in sentences; empty if nothing needs doing.
    pub const fn advice(self) -> &'static str {
        self.words().advice
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

    const fn words(self) -> &'static Words {
        match self.kind {
            FaultKind::Offline(reason) => reason.words(),
            FaultKind::NameUnknown => &Words {
                name: "name_unknown",
                message: "the server's name can't be resolved",
                advice: "Check its spelling, or use the IP address.",
                blame: Blame::Config,
            },
            FaultKind::Unreachable => &Words {
                name: "unreachable",
                message: "no answer at this address",
                advice: "Check that ComfyUI is running, and its address and port. On another machine, start it with --listen.",
                blame: Blame::Network,
            },
            FaultKind::TimedOut => &Words {
                name: "timed_out",
                message: "the server did not respond in time",
                advice: "Check the address, the network and any firewall. A busy server responds late.",
                blame: Blame::Network,
            },
            FaultKind::Silent => &Words {
                name: "silent",
                message: "the server stopped responding",
                advice: "Check the address, the network and any firewall. A busy server responds late.",
                blame: Blame::Network,
            },
            FaultKind::Closed => &Words {
                name: "closed",
                message: "the server closed the connection",
                advice: "ComfyUI stopped or is restarting. Check its terminal.",
                blame: Blame::Server,
            },
            FaultKind::ClosedWith(1001 | 1012) => &Words {
                name: "closed",
                message: "the server is stopping or restarting",
                advice: "ComfyUI stopped or is restarting. Check its terminal.",
                blame: Blame::Server,
            },
            FaultKind::ClosedWith(1013) => &Words {
                name: "closed",
                message: "the server is too busy",
                advice: "Try again later.",
                blame: Blame::Server,
            },
            FaultKind::ClosedWith(code) if is_login(code) => &Words {
                name: "closed",
                message: "the server refuses this client",
                advice: "Put the login in the address (http://user:password@host) or in a header.",
                blame: Blame::Config,
            },
            FaultKind::ClosedWith(_) => &Words {
                name: "closed",
                message: "the server or a proxy closed the connection",
                advice: "ComfyUI stopped or is restarting. Check its terminal.",
                blame: Blame::Server,
            },
            FaultKind::Deaf => &Words {
                name: "deaf",
                message: "the server sends this client no events",
                advice: "Nothing to do: a new connection under another client ID fixes it.",
                blame: Blame::Server,
            },
            FaultKind::Overrun => &Words {
                name: "overrun",
                message: "this machine or its network could not keep up",
                advice: "comfyglow polls over HTTP meanwhile. A better network or smaller previews help.",
                blame: Blame::Network,
            },
            FaultKind::Untrusted => &Words {
                name: "untrusted",
                message: "the server's certificate is not trusted",
                advice: "Use the host name on the certificate, and https only if the server has it. This system must trust the certificate's authority.",
                blame: Blame::Config,
            },
            FaultKind::Broken => &Words {
                name: "broken",
                message: "the network dropped the connection",
                advice: "Check the network, Wi-Fi or VPN to the server.",
                blame: Blame::Network,
            },
            FaultKind::Refused(401 | 407) => &Words {
                name: "refused",
                message: "the server requires a login",
                advice: "Put the login in the address (http://user:password@host) or in a header.",
                blame: Blame::Config,
            },
            FaultKind::Refused(403) => &Words {
                name: "refused",
                message: "the server refuses this client",
                advice: "Check the login. A proxy must allow this client and path.",
                blame: Blame::Config,
            },
            FaultKind::Refused(404) => &Words {
                name: "refused",
                message: "no ComfyUI at this path",
                advice: "Check the path in the address. Behind a proxy, it must lead to ComfyUI's root.",
                blame: Blame::Config,
            },
            FaultKind::Refused(429) => &Words {
                name: "refused",
                message: "the server reports too many requests",
                advice: "Try again later. Check the logs of ComfyUI and the proxy.",
                blame: Blame::Server,
            },
            FaultKind::Refused(300..=399) => &Words {
                name: "refused",
                message: "the server redirects to another address",
                advice: "Open the address in a browser, and use the one that it then shows.",
                blame: Blame::Config,
            },
            FaultKind::Refused(502..=504) => &Words {
                name: "refused",
                message: "a proxy responds, but ComfyUI behind it does not",
                advice: "Try again later. Check the logs of ComfyUI and the proxy.",
                blame: Blame::Server,
            },
            FaultKind::Refused(_) => &Words {
                name: "refused",
                message: "the server refused the connection",
                advice: "Open the address in a browser: it should show ComfyUI. A proxy must pass WebSocket upgrades on.",
                blame: Blame::Server,
            },
            FaultKind::NotComfyUi => &Words {
                name: "not_comfyui",
                message: "this server is not ComfyUI, or a proxy blocks WebSocket upgrades",
                advice: "Open the address in a browser: it should show ComfyUI. A proxy must pass WebSocket upgrades on.",
                blame: Blame::Config,
            },
            FaultKind::Protocol => &Words {
                name: "protocol",
                message: "the server or a proxy violates the WebSocket protocol",
                advice: "If there is a proxy, try without it. If not, please report this bug.",
                blame: Blame::Server,
            },
            FaultKind::Config => &Words {
                name: "config",
                message: "the address or a header is invalid or too long",
                advice: "Shorten or correct the address, query or headers.",
                blame: Blame::Config,
            },
        }
    }

    /// The word for its kind in snapshots.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// Who has to act on it.
    pub const fn blame(self) -> Blame {
        self.words().blame
    }

    /// What happened, for a person's screen: lower case, no full stop.
    pub const fn message(self) -> &'static str {
        self.words().message
    }

    /// What to do about it, in sentences; empty if nothing needs doing.
    pub const fn advice(self) -> &'static str {
        self.words().advice
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
        self.needs_a_person() || matches!(self.kind, FaultKind::NotComfyUi)
    }
}

/// Whether a close code means that this client is not allowed: RFC 6455's 1008, IANA's 3000 and 3003, and by custom
/// 4000 plus an HTTP status.
const fn is_login(code: u16) -> bool {
    matches!(code, 1008 | 3000 | 3003 | 4401 | 4403)
}
