//! Who is subscribed.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use comfyglow_core::event::{EventKind, Interest};

use super::{
    closed::Closed,
    event::Topics,
    mailbox::{Counts, Mailbox},
};

/// What a subscriber is told.
#[derive(Clone, Debug)]
pub(super) enum Wants {
    /// Events of these types.
    Events(Topics),
    /// Each message as it came.
    Messages,
    /// Text messages of this `type`.
    Type(String),
}

#[derive(Clone, Debug)]
pub(super) struct Subscriber {
    pub(super) wants: Wants,
    pub(super) mailbox: Arc<Mailbox>,
}

/// All subscribers, and what they want together.
#[derive(Clone, Debug)]
pub(super) struct Subscribers {
    version: u64,
    pub(super) all: Vec<Subscriber>,
    /// Events that somebody wants.
    pub(super) wire: Interest,
    /// Somebody wants text messages whole, besides what their events say.
    pub(super) texts: bool,
    /// Somebody wants each message whole.
    pub(super) messages: bool,
    /// Somebody wants messages rather than events.
    pub(super) whole: bool,
}

impl Subscribers {
    /// Whether somebody wants the previews' images.
    pub(super) const fn want_previews(&self) -> bool {
        self.wire.contains(EventKind::PreviewImage) || self.wire.contains(EventKind::PreviewImageWithMetadata)
    }

    fn of(version: u64, all: Vec<Subscriber>) -> Self {
        let wire = all.iter().fold(Interest::NONE, |wire, subscriber| match &subscriber.wants {
            Wants::Events(topics) => wire.union(topics.wire),
            Wants::Messages | Wants::Type(_) => wire,
        });
        let messages = all.iter().any(|subscriber| matches!(subscriber.wants, Wants::Messages));
        let whole = messages || all.iter().any(|subscriber| matches!(subscriber.wants, Wants::Type(_)));
        Self { version, all, wire, messages, whole, texts: whole || wire.contains(EventKind::Executed) }
    }
}

/// Where subscribers come and go, at any time and from any thread.
#[derive(Debug)]
pub(super) struct Registry {
    /// That of the subscribers, so that it costs little to see that they are the same still.
    version: AtomicU64,
    state: Mutex<State>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct State {
    subscribers: Arc<Subscribers>,
    ended: Option<Closed>,
}

impl Registry {
    pub(super) fn new() -> Self {
        let subscribers = Arc::new(Subscribers::of(0, Vec::new()));
        Self {
            version: AtomicU64::new(0),
            state: Mutex::new(State { subscribers, ended: None }),
            counts: Arc::default(),
        }
    }

    /// Takes a subscriber in, whose mailbox has room for `room` letters.
    pub(super) fn subscribe(&self, wants: Wants, room: usize) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::new(room, self.counts.clone()));
        let mut state = self.lock();
        if let Some(reason) = &state.ended {
            mailbox.end(reason);
        } else {
            let mut all = state.subscribers.all.clone();
            all.push(Subscriber { wants, mailbox: mailbox.clone() });
            self.replace(&mut state, all);
        }
        mailbox
    }

    /// Lets the subscriber with this mailbox go.
    pub(super) fn unsubscribe(&self, mailbox: &Arc<Mailbox>) {
        let mut state = self.lock();
        let mut all = state.subscribers.all.clone();
        all.retain(|subscriber| !Arc::ptr_eq(&subscriber.mailbox, mailbox));
        self.replace(&mut state, all);
    }

    /// What all mailboxes did.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Who is subscribed now.
    pub(super) fn subscribers(&self) -> Arc<Subscribers> {
        self.lock().subscribers.clone()
    }

    /// Brings `known` up to date.
    pub(super) fn refresh(&self, known: &mut Arc<Subscribers>) {
        if self.version.load(Ordering::Acquire) != known.version {
            *known = self.subscribers();
        }
    }

    /// Tells everybody that it is over.
    pub(super) fn end(&self, reason: &Closed) {
        let mut state = self.lock();
        state.ended.get_or_insert_with(|| reason.clone());
        let subscribers = state.subscribers.clone();
        self.replace(&mut state, Vec::new());
        drop(state);
        for subscriber in &subscribers.all {
            subscriber.mailbox.end(reason);
        }
    }

    /// Why it is over; `None` while it isn't.
    pub(super) fn ended(&self) -> Option<Closed> {
        self.lock().ended.clone()
    }

    fn replace(&self, state: &mut State, all: Vec<Subscriber>) {
        let version = state.subscribers.version.wrapping_add(1);
        state.subscribers = Arc::new(Subscribers::of(version, all));
        self.version.store(version, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
