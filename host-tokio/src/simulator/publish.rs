//! One unbounded queue of messages and one loop that sends them, socket after socket.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{frames, observers::Message, sockets::Sockets};
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
    /// Those who watch by the extension, where it is installed: what others aren't told of a prompt without a client.
    Observers,
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
    Frame { message: Payload, to: Recipients, life: u64 },
    Submits(String),
    Flush(oneshot::Sender<()>),
}

/// A message, by what others than its receivers are told of it.
enum Payload {
    /// An event.
    Event(String),
    /// An event about the receiver's own connection.
    Private(String),
    Binary(Vec<u8>),
    /// A frame as it is.
    Raw(Vec<u8>),
}

impl Payload {
    fn frame(&self) -> Vec<u8> {
        match self {
            Self::Event(text) | Self::Private(text) => frames::frame(frames::TEXT, text.as_bytes()),
            Self::Binary(payload) => frames::frame(frames::BINARY, payload),
            Self::Raw(frame) => frame.clone(),
        }
    }
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
        self.message(Payload::Event(text.to_owned()), to);
    }

    /// Queues a text message that is nobody else's business.
    pub(super) fn private(&self, text: &str, to: Recipients) {
        self.message(Payload::Private(text.to_owned()), to);
    }

    /// Queues a binary message.
    pub(super) fn binary(&self, payload: &[u8], to: Recipients) {
        self.message(Payload::Binary(payload.to_vec()), to);
    }

    /// Queues a frame as it is.
    pub(super) fn raw(&self, frame: &Frame, to: Recipients) {
        self.message(Payload::Raw(frames::raw(frame)), to);
    }

    /// A prompt of `client` begins: the client is none that only watches.
    pub(super) fn submits(&self, client: String) {
        self.put(Item::Submits(client));
    }

    /// Waits until everything queued before has been sent, or put where it waits for an observer.
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

    fn message(&self, message: Payload, to: Recipients) {
        self.put(Item::Frame { message, to, life: self.life.load(Ordering::Relaxed) });
    }

    fn put(&self, item: Item) {
        // When the loop has ended with the simulator, nobody is left to hear it.
        let _ = self.items.send(item);
    }
}

impl Publishing {
    /// Sends what is queued. The receivers are looked up when a message's turn comes; a socket that doesn't take its
    /// message holds up all that come after it, unless it is an observer's.
    pub(super) async fn run(mut self, sockets: Arc<Sockets>) {
        while let Some(item) = self.items.recv().await {
            match item {
                Item::Flush(done) => {
                    let _ = done.send(());
                }
                Item::Submits(client) => sockets.submits(&client).await,
                Item::Frame { life, .. } if life != self.life.load(Ordering::Relaxed) => {}
                Item::Frame { message, to, .. } => self.send(&message, &to, &sockets).await,
            }
        }
    }

    async fn send(&self, message: &Payload, to: &Recipients, sockets: &Sockets) {
        let mirror = self.mirror.as_deref().filter(|_| matches!(message, Payload::Event(_)));
        // A client that submitted nothing is told something of its own; a broadcast reaches observers as all others.
        let to_observers = match to {
            Recipients::Client(id) => sockets.has_submitted(id),
            Recipients::Nobody | Recipients::Observers => true,
            Recipients::Everyone => false,
        } && matches!(message, Payload::Event(_) | Payload::Binary(_));
        let receivers = sockets.all(|sid, is_observer| {
            let is_meant = match to {
                Recipients::Everyone => true,
                Recipients::Client(id) => id == sid || mirror.is_some_and(|prefix| sid.starts_with(prefix)),
                Recipients::Nobody | Recipients::Observers => false,
            };
            is_meant || (to_observers && is_observer)
        });
        let frame = message.frame();
        for socket in receivers {
            let copy = || match message {
                Payload::Event(text) | Payload::Private(text) => Some(Message::text(text, &frame)),
                Payload::Binary(payload) => Some(Message::binary(payload, &frame)),
                Payload::Raw(_) => None,
            };
            match socket.outbox().and_then(|outbox| Some((outbox, copy()?))) {
                Some((outbox, message)) => {
                    if !outbox.put(message) {
                        socket.end();
                    }
                }
                None => socket.send(&frame).await,
            }
        }
    }
}
