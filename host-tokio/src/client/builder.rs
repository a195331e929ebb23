use std::{fmt, io, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use comfyglow_core::{heartbeat::HeartbeatConfig, session::ReconnectConfig};
use hyper::header::{HeaderName, HeaderValue};
use tokio::{runtime::Handle as Runtime, sync::mpsc};
use tracing::Instrument as _;

use super::{
    Client,
    http::Http,
    registry::Registry,
    stream::Dialer,
    task::{self, Command, Ending, Setup},
    watch::Publisher,
};
use crate::address::{Address, AddressError, fresh_client_id};

/// How long a request over HTTP may take, unless told otherwise: a large workflow takes a while to be checked.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Commands that wait for the task, which takes each at once.
const COMMANDS: usize = 16;

/// Headers that the protocol itself sets.
const RESERVED: [&str; 8] = [
    "host",
    "connection",
    "upgrade",
    "content-length",
    "transfer-encoding",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
];

/// Sets up a [`Client`]. What is secret in it is never shown.
#[derive(Clone)]
#[must_use = "connect() makes the client"]
pub struct Builder {
    url: String,
    client_id: Option<String>,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    trusted: Vec<Vec<u8>>,
    request_timeout: Duration,
    reconnect: ReconnectConfig,
    heartbeat: HeartbeatConfig,
    learned: Option<Vec<u8>>,
}

/// Why a client can't be made; what to do stands in its text.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The address can't be used.
    Address(AddressError),
    /// A header's name or value has characters that a header can't have, or it is one that the protocol itself sets.
    Header(String),
    /// It was called outside of a tokio runtime.
    NoRuntime,
    /// TLS can't be set up.
    Tls(io::Error),
    /// The system gives no random numbers.
    Random(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            // Its value may be secret.
            Self::Header(name) => write!(
                f,
                "the header {name:?} can't be sent: it is one that the protocol sets, or has characters that headers can't \
                 have. Correct or remove it."
            ),
            Self::NoRuntime => f.write_str("there is no tokio runtime here. Call connect() inside of one."),
            Self::Tls(error) => write!(f, "TLS can't be set up: {error}. Are this system's certificates in order?"),
            Self::Random(error) => write!(f, "the system gives no random numbers: {error}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Tls(error) | Self::Random(error) => Some(error),
            Self::Header(_) | Self::NoRuntime => None,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.parse::<Address>();
        f.debug_struct("Builder")
            .field("address", &address.ok())
            .field("client_id", &self.client_id)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

impl Builder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            client_id: None,
            headers: Vec::new(),
            query: Vec::new(),
            trusted: Vec::new(),
            request_timeout: REQUEST_TIMEOUT,
            reconnect: ReconnectConfig::DEFAULT,
            heartbeat: HeartbeatConfig::DEFAULT,
            learned: None,
        }
    }

    /// Connects as this client, and so hears of what is submitted under this id. By default an id by chance. ComfyUI keeps
    /// one socket for each id, so it must be nobody else's.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Sends a header with each request, such as a proxy wants it; in place of an earlier one of that name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
        self
    }

    /// Sends a bearer token with each request, in place of a login in the address.
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.header("Authorization", format!("Bearer {}", token.as_ref()))
    }

    /// Sends a login with each request, in place of one in the address.
    pub fn basic(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let pair = format!("{}:{}", user.as_ref(), password.as_ref());
        self.header("Authorization", format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }

    /// Adds a parameter to the query of each request, such as a token; neither name nor value is encoded yet.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Trusts what the authorities in `pem` have signed, besides what this system trusts: for an `https` server with
    /// certificates of one's own.
    pub fn trust(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trusted.push(pem.into());
        self
    }

    /// How long a request over HTTP may take, from dialling to the answer's end: what [`Client::submit`] and its like
    /// wait at most. 30 s by default.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Gives up after so many attempts in a row that failed, 1 or more: the client then ends. By default it never does.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.reconnect.attempts = Some(attempts);
        self
    }

    /// When to try again after a connection failed or was lost: waits, jitter, circuit breaker, attempts. By default
    /// [`ReconnectConfig::DEFAULT`].
    pub fn reconnect(mut self, reconnect: ReconnectConfig) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// When to ping. By default [`HeartbeatConfig::DEFAULT`].
    pub fn heartbeat(mut self, heartbeat: HeartbeatConfig) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Begins with what an earlier client learned of nodes' durations, as [`Client::learned`] told it: the time left is
    /// right from the start then. A damaged record is left out, and logged.
    pub fn learned(mut self, record: impl Into<Vec<u8>>) -> Self {
        self.learned = Some(record.into());
        self
    }

    /// Makes the client. It connects by itself, in a task of its own on this runtime: [`Client::connected`] waits for
    /// that.
    ///
    /// # Errors
    ///
    /// Where the address or a header can't be used, or there is no tokio runtime.
    pub fn connect(self) -> Result<Client, BuildError> {
        let runtime = Runtime::try_current().map_err(|_| BuildError::NoRuntime)?;
        let mut address: Address = self.url.parse().map_err(BuildError::Address)?;
        for (name, value) in &self.query {
            address.add_query(name, value);
        }
        for pem in &self.trusted {
            address.trust(pem).map_err(BuildError::Address)?;
        }
        Dialer::new(&address).map_err(BuildError::Tls)?;
        for (name, value) in &self.headers {
            let is_reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
            let can_be_sent = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
            if is_reserved || !can_be_sent {
                return Err(BuildError::Header(name.clone()));
            }
        }
        let client_id = match self.client_id.or_else(|| address.client_id().map(str::to_owned)) {
            Some(id) => id,
            None => fresh_client_id().map_err(|error| BuildError::Random(io::Error::other(error)))?,
        };
        let http = Arc::new(Http::new(address.clone(), &self.headers, self.request_timeout));
        let registry = Arc::new(Registry::new());
        let (publisher, connection, progress) = Publisher::new(&client_id);
        let (commands, wanted) = mpsc::channel::<Command>(COMMANDS);
        let span = tracing::info_span!("client", server = %address);
        let Self { headers, reconnect, heartbeat, learned, .. } = self;
        let setup = Setup { address, client_id, headers, reconnect, heartbeat, learned, http: http.clone() };
        runtime.spawn(task::run(setup, wanted, publisher, Ending::of(&registry)).instrument(span));
        Ok(Client::of(super::Handle { commands, registry, connection, progress, http }))
    }
}
