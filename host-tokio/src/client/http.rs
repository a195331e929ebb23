//! Requests over HTTP: one connection each, no redirects, limited in time and size.

use std::{fmt, io, pin::pin, sync::OnceLock, time::Duration};

use comfyglow_core::state::{Blame, Fault, FaultKind};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::time;

use super::{
    closed::fmt_fault,
    stream::{Dialer, is_untrusted},
};
use crate::address::Address;

/// The longest answer that is read, in bytes: a queue with hundreds of browser workflows fits.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Why a request failed: whose fault it is, what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    pub(super) fault: Fault,
    pub(super) detail: Option<String>,
    /// The server may have got it.
    pub(super) was_sent: bool,
}

impl RequestError {
    pub(super) fn new(kind: FaultKind, was_sent: bool, detail: impl Into<Option<String>>) -> Self {
        Self { fault: Fault::new(kind), detail: detail.into(), was_sent }
    }

    /// What happened.
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// Who has to act on it.
    pub const fn blame(&self) -> Blame {
        self.fault.blame()
    }

    /// What the system or the server said of it.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Whether the server may have acted upon the request, though its answer wasn't heard.
    pub const fn was_sent(&self) -> bool {
        self.was_sent
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_fault(f, self.fault, self.detail.as_deref())
    }
}

impl std::error::Error for RequestError {}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer, where the server did what was asked.
    pub(crate) fn ok(self) -> Result<Bytes, RequestError> {
        if self.status.is_success() { Ok(self.body) } else { Err(self.refusal()) }
    }

    /// What the status says, and the body's first line.
    pub(crate) fn refusal(&self) -> RequestError {
        const LINE: usize = 120;
        let body = String::from_utf8_lossy(&self.body);
        let line = body.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('<'));
        let line = line.map(|line| line.chars().take(LINE).filter(|c| !c.is_control()).collect::<String>());
        let detail = match line {
            Some(line) if line.starts_with(self.status.as_str()) => line,
            Some(line) => format!("{}: {line}", self.status),
            None => self.status.to_string(),
        };
        // A proxy may have passed it on.
        let was_sent = self.status.is_server_error();
        RequestError::new(FaultKind::Refused(self.status.as_u16()), was_sent, detail)
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, RequestError> {
        let body = self.ok()?;
        serde_json::from_slice(&body).map_err(|error| RequestError::new(FaultKind::NotComfyUi, true, error.to_string()))
    }
}

/// What a server does on request, over HTTP: submitting, interrupting, telling its queue.
///
/// [`Client`](super::Client) has the same; this needs no connection of a client's own.
pub struct Http {
    address: Address,
    headers: HeaderMap,
    timeout: Duration,
    /// Made with the first request.
    dialer: OnceLock<Dialer>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("address", &self.address).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Http {
    /// Requests to the server at `address`, each with `own` headers, and limited to `timeout` from dialling to the answer's
    /// end. A header that can't be sent is left out.
    pub fn new(address: Address, own: &[(String, String)], timeout: Duration) -> Self {
        let mut headers = HeaderMap::new();
        let login = address.headers();
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in login.into_iter().chain(own) {
            if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        Self { address, headers, timeout, dialer: OnceLock::new() }
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, RequestError> {
        self.request(Method::GET, path, Bytes::new()).await
    }

    pub(super) async fn post(&self, path: &str, body: Bytes) -> Result<Answer, RequestError> {
        self.request(Method::POST, path, body).await
    }

    pub(crate) async fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, RequestError> {
        tracing::debug!(%method, path, bytes = body.len(), "asking");
        let mut was_sent = false;
        match time::timeout(self.timeout, self.exchange(method, path, body, &mut was_sent)).await {
            Ok(result) => result,
            Err(_) => Err(RequestError::new(FaultKind::TimedOut, was_sent, None)),
        }
    }

    fn dialer(&self) -> io::Result<Dialer> {
        if let Some(dialer) = self.dialer.get() {
            return Ok(dialer.clone());
        }
        let made = Dialer::new(&self.address)?;
        Ok(self.dialer.get_or_init(|| made).clone())
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        was_sent: &mut bool,
    ) -> Result<Answer, RequestError> {
        let unreachable = |error: io::Error| {
            let kind = if is_untrusted(&error) { FaultKind::Untrusted } else { FaultKind::Unreachable };
            RequestError::new(kind, false, error.to_string())
        };
        let stream = self.dialer().map_err(unreachable)?.dial().await.map_err(unreachable)?;
        let broken = |was_sent: bool| {
            move |error: hyper::Error| {
                let kind = if error.is_parse() { FaultKind::NotComfyUi } else { FaultKind::Broken };
                RequestError::new(kind, was_sent, error.to_string())
            }
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken(false))?;
        let mut request = Request::builder().method(method).uri(self.address.target(path));
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers.clone());
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            if !body.is_empty() {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
        }
        let config = |error: &dyn fmt::Display| RequestError::new(FaultKind::Config, false, error.to_string());
        let mut request = request.body(Full::new(body)).map_err(|error| config(&error))?;
        let host = HeaderValue::from_str(self.address.authority()).map_err(|error| config(&error))?;
        request.headers_mut().insert(header::HOST, host);
        *was_sent = true;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(broken(true))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| {
                let kind = if error.is::<LengthLimitError>() { FaultKind::NotComfyUi } else { FaultKind::Broken };
                RequestError::new(kind, true, error.to_string())
            })?;
            Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
        };
        let mut exchange = pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            // A server that closes behind its answer ends the connection first.
            _ = connection => exchange.await,
        }
    }
}

/// Waits for a request's end; for ever where there is none.
///
/// # Cancel safety
///
/// As the request's.
pub async fn awaited<F: Future + Unpin>(request: &mut Option<F>) -> F::Output {
    match request {
        Some(request) => request.await,
        None => std::future::pending().await,
    }
}
