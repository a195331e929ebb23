//! One unbounded queue of messages and one loop that sends them, socket after socket.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{frames, sockets::Sockets};
use crate::recording::Frame;

/// Whom a message is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Recipients {
    /// Every socket.
    Everyone,
    /// The socket of this `clientId`; lost where there is none.
    Client(String),
    /// No socket: a prompt whose client is the empty string or no string at all.
    Nobody,
}

impl Recipients {
    /// Whom `send(..., sid=client_id)` reaches: `None` is everyone.
    pub(super) fn of(client_id: Option<&Value>) -> Self {
        match client_id {
            None | Some(Value::Null) => Self::Everyone,
            Some(Value::String(id)) if !id.is_empty() => Self::Client(id.clone()),
            Some(_) => Self::Nobody,
        }
    }
}

enum Item {
    Frame { frame: Vec<u8>, to: Recipients, mirrored: bool, life: u64 },
    Flush(oneshot::Sender<()>),
}

/// The queue's entrance.
#[derive(Clone)]
pub(super) struct Publisher {
    items: mpsc::UnboundedSender<Item>,
    /// Counts the server's restarts: what was queued before one is never sent.
    life: Arc<AtomicU64>,
}

/// The queue's exit and the loop over it.
pub(super) struct Publishing {
    items: mpsc::UnboundedReceiver<Item>,
    life: Arc<AtomicU64>,
    mirror: Option<String>,
}

/// A queue; events to one client are copied to the clients whose id starts with `mirror`.
pub(super) fn queue(mirror: Option<String>) -> (Publisher, Publishing) {
    let (sender, items) = mpsc::unbounded_channel();
    let life = Arc::new(AtomicU64::new(0));
    (Publisher { items: sender, life: life.clone() }, Publishing { items, life, mirror })
}

impl Publisher {
    /// Queues a text message.
    pub(super) fn text(&self, text: &str, to: Recipients) {
        self.frame(frames::frame(frames::TEXT, text.as_bytes()), to, true);
    }

    /// Queues a binary message.
    pub(super) fn binary(&self, payload: &[u8], to: Recipients) {
        self.frame(frames::frame(frames::BINARY, payload), to, false);
    }

    /// Queues a frame as it is.
    pub(super) fn raw(&self, frame: &Frame, to: Recipients) {
        self.frame(frames::raw(frame), to, false);
    }

    /// Waits until everything queued before has been sent.
    pub(super) async fn flush(&self) {
        let (sender, receiver) = oneshot::channel();
        self.put(Item::Flush(sender));
        // An error means that the loop has ended with the simulator.
        let _ = receiver.await;
    }

    /// Forgets what is queued.
    pub(super) fn forget(&self) {
        self.life.fetch_add(1, Ordering::Relaxed);
    }

    fn frame(&self, frame: Vec<u8>, to: Recipients, mirrored: bool) {
        self.put(Item::Frame { frame, to, mirrored, life: self.life.load(Ordering::Relaxed) });
    }

    fn put(&self, item: Item) {
        // When the loop has ended with the simulator, nobody is left to hear it.
        let _ = self.items.send(item);
    }
}

impl Publishing {
    /// Sends what is queued. The receivers are looked up when a message's turn comes; a socket that doesn't take its
    /// message holds up all that come after it.
    pub(super) async fn run(mut self, sockets: Arc<Sockets>) {
        while let Some(item) = self.items.recv().await {
            match item {
                Item::Flush(done) => {
                    let _ = done.send(());
                }
                Item::Frame { life, .. } if life != self.life.load(Ordering::Relaxed) => {}
                Item::Frame { frame, to, mirrored, .. } => {
                    let mirror = self.mirror.as_deref().filter(|_| mirrored);
                    let receivers = sockets.all(|sid| match &to {
                        Recipients::Everyone => true,
                        Recipients::Client(id) => id == sid || mirror.is_some_and(|prefix| sid.starts_with(prefix)),
                        Recipients::Nobody => false,
                    });
                    for socket in receivers {
                        socket.send(&frame).await;
                    }
                }
            }
        }
    }
}
