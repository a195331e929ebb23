use core::fmt;

use crate::{
    api::Hidden, backoff::BackoffConfig, breaker::BreakerConfig, event::Interest, heartbeat::HeartbeatConfig,
    limits::PROVEN_SECONDS, time::Duration,
};

/// Where the server is, and how a session talks to it.
///
/// Its `Debug` shows no secrets: of headers the names only, of the query its length.
#[derive(Clone, Copy)]
pub struct Config<'c> {
    /// The value of `Host`: name or IP address, with the port unless it is the scheme's default.
    pub host: &'c str,
    /// The path of ComfyUI's root behind a proxy, such as `/comfy`, without a slash at its end; empty without a proxy.
    pub prefix: &'c str,
    /// A query for every request, such as `token=…`, percent-encoded; usually empty. The session adds the client id
    /// itself.
    pub query: &'c str,
    /// The id under which the server knows this client.
    pub client_id: ClientId<'c>,
    /// Your own headers for every request, as names and values.
    pub headers: &'c [(&'c str, &'c str)],
    /// Events that an [`Observer`](crate::reducer::Observer) wants, besides those that change the state.
    pub interest: Interest,
    /// Request previews that name their node (binary kind 4).
    pub preview_metadata: bool,
    /// Request over HTTP what the socket leaves out: graphs, missed outcomes, and the queue while there is no socket.
    pub http: bool,
    /// When to connect again.
    pub reconnect: ReconnectConfig,
    /// When to send pings, and how long to wait for pongs.
    pub heartbeat: HeartbeatConfig,
}

/// The id under which the server knows this client. The server sends a prompt's progress to the client whose id the
/// prompt was submitted with.
///
/// ComfyUI keeps one socket per id (server.py). When an old connection of an id ends late, the server forgets the new
/// connection of the same id too, which is deaf from then on. The session detects that and connects again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientId<'c> {
    /// A new id for each connection: `comfyglow-` and 16 hexadecimal digits. For clients that submit nothing.
    Fresh,
    /// This id, percent-encoded. After a deaf connection, and from then on, `-` and 16 hexadecimal digits are appended.
    /// Submit with the id that [`Session::client_id`](super::Session::client_id) returns.
    Own(&'c str),
    /// This id always, percent-encoded: another program submits with it.
    Fixed(&'c str),
}

/// When to connect again after a connection failed or was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReconnectConfig {
    /// Attempts that may fail in a row before the session gives up; `None`: no limit.
    pub attempts: Option<u32>,
    /// The waits between attempts.
    pub backoff: BackoffConfig,
    /// The limit on attempts per time.
    pub breaker: BreakerConfig,
    /// How long a connection must live to reset the waits; a shorter one counts as another failure.
    pub proven: Duration,
}

impl ReconnectConfig {
    /// No limit on failures, with [`BackoffConfig::DEFAULT`] and [`BreakerConfig::DEFAULT`].
    pub const DEFAULT: Self = Self {
        attempts: None,
        backoff: BackoffConfig::DEFAULT,
        breaker: BreakerConfig::DEFAULT,
        proven: Duration::from_secs(PROVEN_SECONDS),
    };
}

impl<'c> Config<'c> {
    /// A client that only observes the server at `host`, with ComfyUI's root at `/`.
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

    /// For an [attached](super::Session::attach) socket, such as a recording's: the session only reads it.
    pub const fn attached() -> Self {
        Self { http: false, heartbeat: HeartbeatConfig::OFF, ..Self::new("attached") }
    }
}

impl fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, prefix, query, client_id, headers, interest, preview_metadata, http, reconnect, heartbeat } =
            self;
        f.debug_struct("Config")
            .field("host", host)
            .field("prefix", prefix)
            .field("query", &Hidden(query))
            .field("client_id", client_id)
            .field("headers", &HeaderNames(headers))
            .field("interest", interest)
            .field("preview_metadata", preview_metadata)
            .field("http", http)
            .field("reconnect", reconnect)
            .field("heartbeat", heartbeat)
            .finish()
    }
}

struct HeaderNames<'a>(&'a [(&'a str, &'a str)]);

impl fmt::Debug for HeaderNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capacity::GadgetCapacity,
        session::{Input, Link, Session},
        time::Instant,
        wire::{self, Wire},
    };
    use std::{boxed::Box, format};

    const QUERY_SECRET: &str = "t0psecret";
    const HEADER_SECRET: &str = "hush-hush";
    const CONFIG: Config<'static> = Config {
        query: "token=t0psecret",
        headers: &[("Authorization", "Bearer hush-hush"), ("X-Key", "hush-hush")],
        ..Config::new("desk:8188")
    };

    #[track_caller]
    fn assert_hides_secrets(shown: &str) {
        for secret in [QUERY_SECRET, HEADER_SECRET] {
            // As text, and as the numbers of its bytes.
            let bytes = format!("{:?}", secret.as_bytes());
            assert!(!shown.contains(secret) && !shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
        }
        assert!(
            shown.contains("query: (15 bytes)") && shown.contains(r#"headers: ["Authorization", "X-Key"]"#),
            "{shown}"
        );
    }

    #[test]
    fn config_debug_hides_secrets() {
        assert_hides_secrets(&format!("{CONFIG:?}"));
    }

    #[test]
    fn session_debug_hides_secrets() {
        let mut session = Box::new(Session::<GadgetCapacity>::new(CONFIG, 1));
        let output = format!("{:?}", session.poll_output(Instant::ZERO));
        assert!(output.contains("(15 bytes)") && !output.contains(QUERY_SECRET), "{output}");
        session.handle_input(Instant::ZERO, Input::Opened);
        assert_hides_secrets(&format!("{session:?}"));
    }

    #[test]
    fn wire_debug_after_a_request_hides_secrets() {
        let mut wire = Box::new(Wire::<GadgetCapacity>::new(CONFIG, 1));
        assert_eq!(wire.poll_output(Instant::ZERO), wire::Output::Dial(Link::Socket));
        wire.handle_input(Instant::ZERO, wire::Input::Opened(Link::Socket));
        assert!(matches!(wire.poll_output(Instant::ZERO), wire::Output::Send(Link::Socket, _)));
        assert_hides_secrets(&format!("{wire:?}"));
    }
}
