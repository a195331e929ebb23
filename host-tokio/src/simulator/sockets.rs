//! The open sockets by `clientId`, with both traps that ComfyUI's map of them has.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncWriteExt, WriteHalf},
    sync::{Mutex as AsyncMutex, Notify, watch},
};

use super::{faults::Script, observers::Outbox};

/// How many submitters the extension remembers: those of the events that may still be queued.
const SUBMITTERS: usize = 64;

/// A socket's sending side.
pub(super) struct Socket {
    writer: AsyncMutex<Writer>,
    ended: watch::Sender<bool>,
    /// Of a client that only watches, where the extension is installed.
    outbox: Option<Outbox>,
}

/// Where the bytes go out, and what goes wrong with them.
struct Writer {
    io: WriteHalf<TokioIo<Upgraded>>,
    script: Option<Script>,
}

impl Writer {
    async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        match &mut self.script {
            Some(script) => script.send(&mut self.io, frame).await,
            None => self.io.write_all(frame).await,
        }
    }
}

impl Socket {
    pub(super) fn new(io: WriteHalf<TokioIo<Upgraded>>, script: Option<Script>, outbox: Option<Outbox>) -> Self {
        Self { writer: AsyncMutex::new(Writer { io, script }), ended: watch::Sender::new(false), outbox }
    }

    /// Where messages are put for it that go out by themselves; of who doesn't only watch there is none.
    pub(super) fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref().filter(|outbox| outbox.is_open())
    }

    /// It submits: from now on it's told like all others, after what waits for it.
    pub(super) async fn is_no_observer(&self) {
        if let Some(outbox) = self.outbox() {
            tokio::select! {
                biased;
                () = self.ended() => {}
                () = outbox.release() => {}
            }
        }
    }

    /// Sends what waits for it, as long as it only watches; completes when it has ended.
    pub(super) async fn deliver(&self) {
        if let Some(outbox) = &self.outbox {
            outbox.deliver(self).await;
        }
    }

    /// What goes wrong with the socket before anything is sent does.
    pub(super) async fn begin(&self) {
        let mut writer = self.writer.lock().await;
        let Writer { io, script } = &mut *writer;
        if let Some(script) = script
            && script.strike(io).await.is_err()
        {
            self.end();
        }
    }

    /// Sends `frame` and waits until the kernel has taken it whole, or the socket has ended: like ComfyUI's send,
    /// which awaits the drain, so that a reader who stops reading holds up whoever sends.
    pub(super) async fn send(&self, frame: &[u8]) {
        let mut ended = self.ended.subscribe();
        tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => {}
            written = async { self.writer.lock().await.send(frame).await } => {
                if written.is_err() {
                    self.end();
                }
            }
        }
    }

    /// Ends the socket: sends in progress are given up, and its reader stops.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Completes when the socket has ended.
    pub(super) async fn ended(&self) {
        // An error would mean that the sender is gone, which `self` holds.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Ends the socket and closes the connection from this side.
    pub(super) async fn finish(&self) {
        self.end();
        // The peer may be gone; then there is nothing to close.
        let _ = self.writer.lock().await.io.shutdown().await;
    }
}

struct Entry {
    sid: String,
    socket: Arc<Socket>,
    supports_preview_metadata: bool,
}

/// The open sockets by `clientId`, in order of opening.
pub(super) struct Sockets {
    entries: Mutex<Vec<Entry>>,
    /// The clients that submitted last, the newest last.
    submitters: Mutex<VecDeque<String>>,
    open: watch::Sender<usize>,
    lost: Notify,
}

impl Sockets {
    pub(super) fn new() -> Self {
        Self {
            entries: Mutex::default(),
            submitters: Mutex::default(),
            open: watch::Sender::new(0),
            lost: Notify::new(),
        }
    }

    /// Enters `socket` under `sid`. A socket that was there before stays open and hears nothing any more.
    pub(super) fn insert(&self, sid: &str, socket: Arc<Socket>) {
        let mut entries = self.lock();
        entries.retain(|entry| entry.sid != sid);
        entries.push(Entry { sid: sid.to_owned(), socket, supports_preview_metadata: false });
        self.open.send_modify(|open| *open += 1);
    }

    /// Removes whatever is entered under `sid`, as ComfyUI does when a socket closes: if it was displaced before,
    /// that is the new socket, which from then on is deaf.
    pub(super) fn remove(&self, sid: &str) {
        self.lock().retain(|entry| entry.sid != sid);
    }

    /// Forgets all sockets, and has them end.
    pub(super) fn lose(&self) {
        for entry in self.lock().drain(..) {
            entry.socket.end();
        }
        self.submitters().clear();
        self.lost.notify_waiters();
    }

    /// Completes when all sockets that there are now are [lost](Self::lose).
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// Counts a socket whose reader has stopped.
    pub(super) fn closed(&self) {
        self.open.send_modify(|open| *open -= 1);
    }

    /// How many sockets are open, the displaced and the deaf ones too.
    pub(super) fn open(&self) -> &watch::Sender<usize> {
        &self.open
    }

    /// The socket of `sid`.
    pub(super) fn get(&self, sid: &str) -> Option<Arc<Socket>> {
        self.lock().iter().find(|entry| entry.sid == sid).map(|entry| entry.socket.clone())
    }

    /// The sockets that are chosen, by their `sid` and whether they are observers'.
    pub(super) fn all(&self, chosen: impl Fn(&str, bool) -> bool) -> Vec<Arc<Socket>> {
        let is_chosen = |entry: &&Entry| chosen(&entry.sid, entry.socket.outbox().is_some());
        self.lock().iter().filter(is_chosen).map(|entry| entry.socket.clone()).collect()
    }

    /// A prompt of the client `sid` begins: it is none that only watches.
    pub(super) async fn submits(&self, sid: &str) {
        self.note_submitter(sid);
        if let Some(socket) = self.get(sid) {
            socket.is_no_observer().await;
        }
    }

    fn note_submitter(&self, sid: &str) {
        let mut submitters = self.submitters();
        submitters.retain(|other| other != sid);
        submitters.push_back(sid.to_owned());
        if submitters.len() > SUBMITTERS {
            submitters.pop_front();
        }
    }

    /// Whether the client `sid` is one of those that submitted last.
    pub(super) fn has_submitted(&self, sid: &str) -> bool {
        self.submitters().iter().any(|other| other == sid)
    }

    fn submitters(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.submitters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all that waits for observers has gone out.
    pub(super) async fn observers_told(&self) {
        for socket in self.all(|_, is_observer| is_observer) {
            if let Some(outbox) = socket.outbox() {
                tokio::select! {
                    biased;
                    () = socket.ended() => {}
                    () = outbox.emptied() => {}
                }
            }
        }
    }

    /// How many sockets are told by the extension.
    pub(super) fn observers(&self) -> usize {
        self.all(|_, is_observer| is_observer).len()
    }

    /// The clients that hear something.
    pub(super) fn clients(&self) -> Vec<String> {
        self.lock().iter().map(|entry| entry.sid.clone()).collect()
    }

    /// Takes down what `sid` said that it supports.
    pub(super) fn set_preview_metadata(&self, sid: &str, supported: bool) {
        for entry in self.lock().iter_mut().filter(|entry| entry.sid == sid) {
            entry.supports_preview_metadata = supported;
        }
    }

    /// Whether `sid` takes previews with metadata.
    pub(super) fn preview_metadata(&self, sid: &str) -> bool {
        self.lock().iter().any(|entry| entry.sid == sid && entry.supports_preview_metadata)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
