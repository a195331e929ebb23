//! Finds out step by step what is wrong between here and a server, or could be better, and what to do about it.
//!
//! ```no_run
//! # async fn example() {
//! use std::time::Duration;
//!
//! use comfyglow::doctor::Doctor;
//!
//! let mut doctor = Doctor::new("http://127.0.0.1:8188", Duration::from_secs(10));
//! let verdict = doctor.examine(|finding| println!("{:?}: {}", finding.step, finding.message)).await;
//! println!("{}", verdict.message);
//! # }
//! ```
//!
//! It changes nothing at the server: what it subscribes to it ends again, it submits nothing, and its client id, which
//! begins with `comfyglow-doctor-`, is its own.

mod finding;
mod service;
mod socket;
mod stream;
mod verdict;
mod way;

use std::{future::Future, io, time::Duration};

use hyper::Method;
use serde_json::json;
use tokio::time;

pub use finding::{Finding, Mark, Step};
pub use verdict::{Follows, Verdict};

use crate::{
    address::{Address, fresh_client_id},
    client::{Http, stream::Dialer},
};
use finding::Report;
use socket::Socket;

/// How long taking leave may take.
const LEAVING: Duration = Duration::from_secs(2);

/// Examines a server and the way to it.
#[derive(Debug)]
pub struct Doctor {
    url: String,
    patience: Duration,
    visit: Option<Visit>,
}

/// What an examination has to do with one server.
#[derive(Debug)]
struct Visit {
    address: Address,
    client_id: String,
    patience: Duration,
    dialer: Dialer,
    http: Http,
    socket: Option<Socket>,
    /// What the socket said of the queue's length last.
    remaining: Option<u64>,
    /// The server may be about to tell us its log.
    is_subscribed: bool,
}

impl Doctor {
    /// A doctor for the server at `url`, as a person writes it; no step takes longer than `patience`.
    pub fn new(url: impl Into<String>, patience: Duration) -> Self {
        Self { url: url.into(), patience, visit: None }
    }

    /// Examines the server; `tell` is told of each step as it ends, in the order of [`Step::ALL`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, [`leave`](Self::leave) takes leave of the server.
    pub async fn examine(&mut self, mut tell: impl FnMut(&Finding) + Send) -> Verdict {
        let mut report = Report::new(&mut tell);
        self.go_through(&mut report).await;
        self.leave().await;
        report.skip_rest();
        verdict::of(&report)
    }

    async fn go_through(&mut self, report: &mut Report<'_>) {
        let Some(address) = way::address(&self.url, report) else { return };
        let visit = match Visit::new(address, self.patience) {
            Ok(visit) => self.visit.insert(visit),
            Err(error) => {
                let advice = "TLS needs a name or number that a certificate can be for; without TLS write http://.";
                return report.wrong(Step::Address, format!("nothing can be set up for this address: {error}"), advice);
            }
        };
        if !way::reach(visit, report).await {
            return;
        }
        let Some(greets) = service::examine(visit, &self.url, report).await else { return };
        stream::examine(visit, greets, report).await;
    }

    /// Takes leave of the server: ends what was subscribed to, and closes the connection in good order. Waits for that no
    /// longer than a moment.
    pub async fn leave(&mut self) {
        let Some(mut visit) = self.visit.take() else { return };
        if visit.is_subscribed {
            // The server ends it with the socket anyway.
            let _ = time::timeout(LEAVING, visit.subscribe(false)).await;
        }
        if let Some(socket) = visit.socket.take() {
            let _ = time::timeout(LEAVING, socket.close()).await;
        }
    }
}

impl Visit {
    fn new(address: Address, patience: Duration) -> io::Result<Self> {
        Ok(Self {
            client_id: fresh_client_id().map_err(io::Error::other)?.replacen('-', "-doctor-", 1),
            patience,
            dialer: Dialer::new(&address)?,
            http: Http::new(address.clone(), &[], patience),
            socket: None,
            remaining: None,
            is_subscribed: false,
            address,
        })
    }

    /// Waits for `future`, but no longer than a step may take; `None`: it took longer.
    async fn in_time<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        time::timeout(self.patience, future).await.ok()
    }

    /// Begins or ends being told the server's log; the answer's status.
    async fn subscribe(&mut self, enabled: bool) -> Result<u16, crate::client::RequestError> {
        // An answer that is lost leaves it open whether it was done.
        self.is_subscribed |= enabled;
        let body = json!({"clientId": self.client_id, "enabled": enabled}).to_string().into();
        let status = self.http.request(Method::PATCH, "/internal/logs/subscribe", body).await?.status;
        // What a server in trouble has done is as open.
        if enabled != status.is_success() && !status.is_server_error() {
            self.is_subscribed = false;
        }
        Ok(status.as_u16())
    }
}
