//! The faults that a simulator has at the moment, and how they come about.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot, watch},
    time,
};

use super::{
    fault::{Fault, Kind},
    frames,
    server::not_found,
    state::Shared,
    wire::{Ailment, GARBAGE},
};

/// Somebody who waits until the server has begun anew.
pub(super) type Restart = oneshot::Sender<()>;

/// What a simulator's faults are.
pub(super) struct Faults {
    /// In the order in which they were given.
    active: Mutex<Vec<Fault>>,
    struck: watch::Sender<usize>,
    refusing: watch::Sender<bool>,
    restarts: mpsc::UnboundedSender<Restart>,
}

impl Faults {
    pub(super) fn new(restarts: mpsc::UnboundedSender<Restart>) -> Self {
        Self { active: Mutex::default(), struck: watch::Sender::new(0), refusing: watch::Sender::new(false), restarts }
    }

    /// How often a fault has struck.
    pub(super) fn struck(&self) -> &watch::Sender<usize> {
        &self.struck
    }

    /// Whether nobody listens.
    pub(super) fn refusing(&self) -> watch::Receiver<bool> {
        self.refusing.subscribe()
    }

    /// Ends all faults; what they did to connections stays done.
    pub(super) fn mend(&self) {
        self.lock().clear();
        self.refusing.send_replace(false);
    }

    /// Has the server begin anew.
    pub(super) fn restart(&self) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        // When the simulator is ending, there is nothing to begin.
        let _ = self.restarts.send(done);
        wait
    }

    /// The faults that are `wanted`, `most` of them, each of which strikes once more by that.
    fn take(&self, most: usize, wanted: impl Fn(&Fault) -> bool) -> Vec<Fault> {
        let mut active = self.lock();
        let coming = active.iter_mut().filter(|fault| fault.times != Some(0) && wanted(fault)).take(most);
        coming
            .map(|fault| {
                fault.times = fault.times.map(|times| times - 1);
                fault.clone()
            })
            .collect()
    }

    fn strike(&self) {
        self.struck.send_modify(|struck| *struck += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Has one fault more from now on.
    pub(super) fn add_fault(self: &Arc<Self>, fault: Fault) {
        let Kind::Refuse(span) = fault.kind else {
            self.faults.lock().push(fault);
            return;
        };
        self.faults.refusing.send_replace(true);
        self.faults.strike();
        if let Some(span) = span {
            let shared = self.clone();
            self.spawn(async move {
                time::sleep(span).await;
                shared.faults.refusing.send_replace(false);
            });
        }
    }
}

/// Plays the faults that strike before a request is answered, and hands a socket those that strike later.
pub(super) async fn play(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (socket, jobs) = (path.ends_with("/ws"), path.contains("/api/jobs"));
    let faults = &shared.faults;
    let ailment = request.extensions().get::<Ailment>().cloned().unwrap_or_default();
    let before = |fault: &Fault| fault.after.is_none() && fault.on.concerns(socket);

    for _ in faults.take(usize::MAX, |fault| before(fault) && fault.kind == Kind::Drip) {
        faults.strike();
        ailment.drip();
    }
    let is_answer = |fault: &Fault| before(fault) && fault.kind != Kind::Drip && (jobs || fault.kind != Kind::NoJobs);
    let answer = faults.take(1, is_answer).pop();
    if socket && answer.is_none() {
        let coming = faults.take(usize::MAX, |fault| fault.after.is_some());
        if !coming.is_empty() {
            let faults = faults.clone();
            request.extensions_mut().insert(Script { coming, sent: 0, is_deaf: false, ailment, faults });
        }
        return next.run(request).await;
    }
    let Some(fault) = answer else { return next.run(request).await };
    faults.strike();
    match fault.kind {
        Kind::Mute => std::future::pending().await,
        Kind::Reset => ailment.reset(),
        Kind::End => ailment.end(),
        Kind::Garbage => ailment.garble(),
        Kind::AcceptKey => {
            let mut response = next.run(request).await;
            let of_another_key = HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, of_another_key);
            return response;
        }
        Kind::AnswerLost => {
            drop(next.run(request).await);
            ailment.reset();
        }
        Kind::Redirect(url) => return (StatusCode::FOUND, [(header::LOCATION, url)]).into_response(),
        Kind::Status(code, seconds) => {
            let mut response = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY).into_response();
            if let Some(seconds) = seconds {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            return response;
        }
        Kind::NoJobs => return not_found().into_response(),
        // These strike amid a socket or before a connection.
        _ => {}
    }
    // Nobody reads it: the connection ends with it.
    [(header::CONNECTION, "close")].into_response()
}

/// What will go wrong with a socket.
#[derive(Clone)]
pub(super) struct Script {
    coming: Vec<Fault>,
    /// Messages that were sent.
    sent: u32,
    is_deaf: bool,
    ailment: Ailment,
    faults: Arc<Faults>,
}

impl Script {
    /// Sends `frame`, and what goes wrong behind it.
    ///
    /// # Errors
    ///
    /// Where the connection is gone, or is to end.
    pub(super) async fn send(&mut self, writer: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
        let is_message = frames::is_message(frame);
        if is_message && self.is_deaf {
            return Ok(());
        }
        writer.write_all(frame).await?;
        if is_message {
            self.sent += 1;
            self.strike(writer).await?;
        }
        Ok(())
    }

    /// Whatever is to go wrong now does.
    ///
    /// # Errors
    ///
    /// Where the connection is to end.
    pub(super) async fn strike(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let sent = self.sent;
        for fault in self.coming.extract_if(.., |fault| fault.after == Some(sent)) {
            self.faults.strike();
            match fault.kind {
                Kind::Mute => self.ailment.mute(),
                Kind::Drip => self.ailment.drip(),
                Kind::Deaf => self.is_deaf = true,
                Kind::Restart => drop(self.faults.restart()),
                Kind::Garbage => writer.write_all(GARBAGE).await?,
                Kind::Masked => writer.write_all(&frames::masked(b"{}")).await?,
                Kind::Huge(bytes) => writer.write_all(&frames::head(bytes)).await?,
                Kind::Close(code) => {
                    writer.write_all(&frames::close(code)).await?;
                    // Whoever closes sends nothing more.
                    self.ailment.mute();
                }
                Kind::Truncated => {
                    writer.write_all(&frames::head(100)).await?;
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Kind::Reset => {
                    self.ailment.reset();
                    writer.write_all(&[0]).await?;
                }
                // Those that strike before the handshake is answered are none of these.
                _ => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
        Ok(())
    }
}
