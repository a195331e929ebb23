//! Streams of what the server says.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    closed::Closed,
    event::EventType,
    mailbox::{Letter, Mailbox, Taken},
    registry::{Registry, Wants},
};

/// Letters that wait for a subscriber unless it wants it otherwise.
pub(super) const ROOM: usize = 256;

/// What a stream tells beside its items.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventsError {
    /// This reader came so late that so many items before the next one gave way. Errors and ends give way last.
    Lagged(u64),
    /// A message is not of the type asked for; what `serde_json` says of it.
    Undecodable(String),
    /// The client has ended, and so does the stream.
    Closed(Closed),
}

impl fmt::Display for EventsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lagged(lost) => {
                write!(f, "{lost} events were lost, as this reader is too slow. Read faster, or subscribe to less.")
            }
            Self::Undecodable(error) => write!(f, "a message is not of the type asked for: {error}"),
            Self::Closed(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for EventsError {}

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Arc<[u8]>),
    /// A binary message.
    Binary(Arc<[u8]>),
}

/// A stream of events, messages or types of one's own, from the moment of subscribing on.
///
/// It has room for 256 items that wait. Where one comes later than that, progress, previews and queue lengths are
/// replaced by later ones of their kind; then the oldest item of the least urgent kind gives way, which is counted and
/// told ([`EventsError::Lagged`]): first what passes, then starts, nodes and outputs, errors and ends last. Neither the
/// client nor other subscribers ever wait for it. After the last item comes [`EventsError::Closed`], then nothing.
///
/// It doesn't keep the client alive. Dropping it ends the subscription.
#[derive(Debug)]
#[must_use = "a stream that nobody reads tells nothing"]
pub struct Events<T> {
    registry: Arc<Registry>,
    mailbox: Arc<Mailbox>,
    open: fn(Letter) -> Option<Result<T, EventsError>>,
    is_over: bool,
}

impl<T> Events<T> {
    fn new(
        registry: &Arc<Registry>,
        wants: Wants,
        room: usize,
        open: fn(Letter) -> Option<Result<T, EventsError>>,
    ) -> Self {
        Self { mailbox: registry.subscribe(wants, room), registry: registry.clone(), open, is_over: false }
    }

    /// The next item; `None` behind the last one, [`EventsError::Closed`].
    ///
    /// # Errors
    ///
    /// [`EventsError`]; reading may go on after each.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<T, EventsError>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// Items that gave way so far, those of [`EventsError::Lagged`].
    pub fn lost(&self) -> u64 {
        self.mailbox.counts().0
    }

    /// Items that were not told, as a later one of their kind was.
    pub fn merged(&self) -> u64 {
        self.mailbox.counts().1
    }

    fn poll_item(&mut self, context: &Context<'_>) -> Poll<Option<Result<T, EventsError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        loop {
            let item = match ready!(self.mailbox.poll_take(context)) {
                // A type of the user's own is read here, in its own task.
                Taken::Letter(letter) => (self.open)(letter),
                Taken::Lost(lost) => Some(Err(EventsError::Lagged(lost))),
                Taken::Ended(reason) => {
                    self.is_over = true;
                    Some(Err(EventsError::Closed(reason)))
                }
            };
            if item.is_some() {
                return Poll::Ready(item);
            }
        }
    }
}

impl<T> Stream for Events<T> {
    type Item = Result<T, EventsError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }
}

impl<T> Drop for Events<T> {
    fn drop(&mut self) {
        self.registry.unsubscribe(&self.mailbox);
    }
}

/// Events of the types `wants`, as `E`.
pub(super) fn events<E: EventType>(registry: &Arc<Registry>, wants: Wants, room: usize) -> Events<E> {
    Events::new(registry, wants, room, |letter| match letter {
        Letter::Event(event) => E::of(Arc::unwrap_or_clone(event)).map(Ok),
        Letter::Message(..) => None,
    })
}

/// Each message as it came.
pub(super) fn messages(registry: &Arc<Registry>, room: usize) -> Events<Message> {
    Events::new(registry, Wants::Messages, room, |letter| match letter {
        Letter::Message(bytes, true) => Some(Ok(Message::Text(bytes))),
        Letter::Message(bytes, false) => Some(Ok(Message::Binary(bytes))),
        Letter::Event(_) => None,
    })
}

/// A text message's `data`, whatever stands beside it.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// Text messages whose `type` is `event_type`, as `T`.
pub(super) fn decoded<T: DeserializeOwned>(registry: &Arc<Registry>, event_type: &str, room: usize) -> Events<T> {
    Events::new(registry, Wants::Type(event_type.to_owned()), room, |letter| match letter {
        Letter::Message(bytes, _) => Some(
            serde_json::from_slice::<Envelope<T>>(&bytes)
                .map(|envelope| envelope.data)
                .map_err(|error| EventsError::Undecodable(error.to_string())),
        ),
        Letter::Event(_) => None,
    })
}
