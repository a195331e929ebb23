use crate::{
    backoff::BackoffConfig, breaker::BreakerConfig, event::Interest, heartbeat::HeartbeatConfig,
    limits::PROVEN_SECONDS, time::Duration,
};

/// Where the server is, and what is wanted of it.
#[derive(Clone, Copy, Debug)]
pub struct Config<'c> {
    /// The value of `Host`: name or address, with the port unless it is the scheme's own.
    pub host: &'c str,
    /// The path that ComfyUI's root has behind a proxy, such as `/comfy`; else empty. No slash at its end.
    pub prefix: &'c str,
    /// The query that every request needs, such as `token=…`, percent-encoded; else empty. The client's id is not part of
    /// it.
    pub query: &'c str,
    /// Who the server takes us for.
    pub client_id: ClientId<'c>,
    /// Headers of the user's own, for every request.
    pub headers: &'c [(&'c str, &'c str)],
    /// Kinds of events that an [`Observer`](crate::reducer::Observer) wants beyond those that the state is made of.
    pub interest: Interest,
    /// Ask for previews that name their node (binary kind 4).
    pub preview_metadata: bool,
    /// Ask over HTTP for what the socket leaves out: graphs, outcomes that were missed, the queue while there is no socket.
    pub http: bool,
    /// When to try again.
    pub reconnect: ReconnectConfig,
    /// When to ping.
    pub heartbeat: HeartbeatConfig,
}

/// Who the server takes us for. It tells a prompt's progress to the client whose id the prompt was submitted with.
///
/// A server that still holds an old connection of an id will, when that one ends, forget the new one of the same id
/// (ComfyUI's server.py: one socket an id): the new one is deaf from then on, and must be found out and mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClientId<'c> {
    /// A fresh one for each connection, `comfyglow-` and 16 hexadecimal digits: for those who submit nothing, and so lose
    /// nothing by it.
    Fresh,
    /// This one, percent-encoded; after a deaf connection, and from then on, with `-` and 16 hexadecimal digits behind it.
    /// [`Session::client_id`](super::Session::client_id) tells what to submit with.
    Own(&'c str),
    /// This one whatever happens, percent-encoded: another program submits with it.
    Fixed(&'c str),
}

/// When to try again after a connection failed or was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReconnectConfig {
    /// Attempts that may fail one after the other; then the session is over. `None` is as many as it takes.
    pub attempts: Option<u32>,
    /// The waits between them.
    pub backoff: BackoffConfig,
    /// When there were too many of them.
    pub breaker: BreakerConfig,
    /// How long a connection must live to prove itself: a shorter one counts as another failure.
    pub proven: Duration,
}

impl ReconnectConfig {
    /// As many attempts as it takes, with the waits of [`BackoffConfig::DEFAULT`] and [`BreakerConfig::DEFAULT`].
    pub const DEFAULT: Self = Self {
        attempts: None,
        backoff: BackoffConfig::DEFAULT,
        breaker: BreakerConfig::DEFAULT,
        proven: Duration::from_secs(PROVEN_SECONDS),
    };
}

impl<'c> Config<'c> {
    /// The server at `host`, its root at `/`, for a client that only looks on.
    pub const fn new(host: &'c str) -> Self {
        Self {
            host,
            prefix: "",
            query: "",
            client_id: ClientId::Fresh,
            headers: &[],
            interest: Interest::STATE,
            preview_metadata: true,
            http: true,
            reconnect: ReconnectConfig::DEFAULT,
            heartbeat: HeartbeatConfig::DEFAULT,
        }
    }

    /// A socket that is [attached](super::Session::attach) and listened to, nothing more: a recording's.
    pub const fn attached() -> Self {
        Self { http: false, heartbeat: HeartbeatConfig::OFF, ..Self::new("attached") }
    }
}
