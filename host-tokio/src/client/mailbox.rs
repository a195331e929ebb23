//! What waits for one subscriber, in bounded memory.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use comfyglow_core::event::EventKind;

use super::{closed::Closed, event::Event};

/// Bytes of messages' own texts and images that wait for a subscriber.
const BYTES: usize = 32 * 1024 * 1024;

/// Something to tell.
#[derive(Clone, Debug)]
pub(super) enum Letter {
    /// An event.
    Event(Arc<Event>),
    /// A whole message, and whether it is a text.
    Message(Arc<[u8]>, bool),
}

/// A letter that waits, and what decides whether it gives way.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) letter: Letter,
    pub(super) urgency: Urgency,
    /// Bytes beyond its own size.
    pub(super) bytes: usize,
}

/// What gives way in a full mailbox: the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Errors and ends.
    End,
    /// Starts, changes of the node, outputs, and what isn't known.
    Change,
    /// What the next of its kind replaces.
    Passing(Kind),
}

/// What replaces what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Status,
    Logs,
    Progress,
    ProgressState,
    Preview,
}

impl Urgency {
    /// That of an event; `is_end`: an `executing` without a node.
    pub(super) const fn of(kind: EventKind, is_end: bool) -> Self {
        match kind {
            EventKind::ExecutionError | EventKind::ExecutionSuccess | EventKind::ExecutionInterrupted => Self::End,
            EventKind::Executing if is_end => Self::End,
            EventKind::Status => Self::Passing(Kind::Status),
            EventKind::Logs => Self::Passing(Kind::Logs),
            EventKind::Progress => Self::Passing(Kind::Progress),
            EventKind::ProgressState => Self::Passing(Kind::ProgressState),
            EventKind::PreviewImage | EventKind::PreviewImageWithMetadata => Self::Passing(Kind::Preview),
            _ => Self::Change,
        }
    }

    /// Whether a later one says all that an earlier one did.
    const fn is_superseded(self) -> bool {
        matches!(self, Self::Passing(Kind::Status | Kind::Progress | Kind::ProgressState | Kind::Preview))
    }
}

/// What comes out of a mailbox.
#[derive(Debug)]
pub(super) enum Taken {
    Letter(Letter),
    /// So many were lost since it was last told.
    Lost(u64),
    /// Nothing will come any more.
    Ended(Closed),
}

/// A subscriber's mailbox. Whoever fills it never waits.
#[derive(Debug)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    room: usize,
    counts: Arc<Counts>,
}

/// What all mailboxes of a client did since somebody looked.
#[derive(Debug, Default)]
pub(super) struct Counts {
    queued: AtomicU32,
    lost: AtomicU32,
    merged: AtomicU32,
}

impl Counts {
    /// Letters taken in, lost, and replaced by later ones, since this was asked last; `None` where there were none.
    pub(super) fn take(&self) -> Option<(u32, u32, u32)> {
        let take = |count: &AtomicU32| count.swap(0, Ordering::Relaxed);
        let (queued, lost, merged) = (take(&self.queued), take(&self.lost), take(&self.merged));
        (queued > 0 || lost > 0).then_some((queued, lost, merged))
    }
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    lost: u64,
    merged: u64,
    /// What was lost and not told yet.
    untold: u64,
    ended: Option<Closed>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// A mailbox for `room` letters, 1 or more.
    pub(super) fn new(room: usize, counts: Arc<Counts>) -> Self {
        Self { state: Mutex::default(), room: room.max(1), counts }
    }

    /// Puts a letter in, where need be instead of another one.
    pub(super) fn put(&self, waiting: Waiting) {
        let mut state = self.lock();
        let (lost, merged) = (state.lost, state.merged);
        state.make_room(&waiting, self.room);
        if state.waiting.len() < self.room {
            state.bytes = state.bytes.saturating_add(waiting.bytes);
            state.waiting.push_back(waiting);
        } else {
            state.lose();
        }
        let count = |counter: &AtomicU32, number: u64| {
            counter.fetch_add(u32::try_from(number).unwrap_or(u32::MAX), Ordering::Relaxed);
        };
        count(&self.counts.queued, 1);
        count(&self.counts.lost, state.lost.saturating_sub(lost));
        count(&self.counts.merged, state.merged.saturating_sub(merged));
        wake(state);
    }

    /// A letter was lost before it could be put in.
    pub(super) fn lose(&self) {
        let mut state = self.lock();
        state.lose();
        self.counts.lost.fetch_add(1, Ordering::Relaxed);
        wake(state);
    }

    /// Nothing will come any more.
    pub(super) fn end(&self, reason: &Closed) {
        let mut state = self.lock();
        state.ended.get_or_insert_with(|| reason.clone());
        wake(state);
    }

    /// Takes the next letter out.
    pub(super) fn poll_take(&self, context: &Context<'_>) -> Poll<Taken> {
        let mut state = self.lock();
        if state.untold > 0 {
            return Poll::Ready(Taken::Lost(std::mem::take(&mut state.untold)));
        }
        if let Some(waiting) = state.waiting.pop_front() {
            state.bytes = state.bytes.saturating_sub(waiting.bytes);
            return Poll::Ready(Taken::Letter(waiting.letter));
        }
        if let Some(reason) = &state.ended {
            return Poll::Ready(Taken::Ended(reason.clone()));
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// How many were lost, and how many were not told as a later one was.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.lost, state.merged)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of a subscriber's runs while it is locked, so there is nothing half done to fear.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes who waits, once the lock is free: it may look at once.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl State {
    fn lose(&mut self) {
        self.lost = self.lost.saturating_add(1);
        self.untold = self.untold.saturating_add(1);
    }

    /// Makes room for `coming`, where what waits is no more urgent.
    fn make_room(&mut self, coming: &Waiting, room: usize) {
        while self.waiting.len() >= room
            || (self.bytes.saturating_add(coming.bytes) > BYTES && !self.waiting.is_empty())
        {
            if coming.urgency.is_superseded()
                && let Some(at) = self.waiting.iter().rposition(|waiting| waiting.urgency == coming.urgency)
            {
                self.remove(at);
                self.merged = self.merged.saturating_add(1);
                continue;
            }
            let Some(least) = self.waiting.iter().map(|waiting| waiting.urgency).max() else { return };
            if coming.urgency > least {
                return;
            }
            let oldest = self.waiting.iter().position(|waiting| waiting.urgency == least);
            self.remove(oldest.unwrap_or_default());
            self.lose();
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(gone) = self.waiting.remove(at) {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::event::Unknown;

    fn put(mailbox: &Mailbox, name: &str, urgency: Urgency) {
        let event = Unknown { event_type: name.to_owned() };
        mailbox.put(Waiting { letter: Letter::Event(Arc::new(event.into())), urgency, bytes: 0 });
    }

    /// What comes out, up to where nothing waits.
    fn taken(mailbox: &Mailbox) -> Vec<String> {
        let mut taken = Vec::new();
        while let Poll::Ready(next) = mailbox.poll_take(&Context::from_waker(Waker::noop())) {
            taken.push(match next {
                Taken::Letter(Letter::Event(event)) => match Arc::unwrap_or_clone(event) {
                    Event::Unknown(event) => event.event_type,
                    other => panic!("nobody put {other:?} in"),
                },
                Taken::Letter(Letter::Message(bytes, _)) => bytes.len().to_string(),
                Taken::Lost(lost) => format!("lost {lost}"),
                Taken::Ended(_) => return taken,
            });
        }
        taken
    }

    const PROGRESS: Urgency = Urgency::Passing(Kind::Progress);
    const LOGS: Urgency = Urgency::Passing(Kind::Logs);

    #[test]
    fn progress_is_replaced_by_later_progress() {
        let mailbox = Mailbox::new(3, Arc::default());
        put(&mailbox, "start", Urgency::Change);
        for step in ["1", "2", "3", "4"] {
            put(&mailbox, step, PROGRESS);
        }
        assert_eq!(taken(&mailbox), ["start", "1", "4"]);
        assert_eq!(mailbox.counts(), (0, 2));
    }

    #[test]
    fn the_oldest_of_the_least_urgent_gives_way_and_ends_stay() {
        let mailbox = Mailbox::new(3, Arc::default());
        put(&mailbox, "log", LOGS);
        put(&mailbox, "node", Urgency::Change);
        put(&mailbox, "end", Urgency::End);
        put(&mailbox, "second end", Urgency::End);
        put(&mailbox, "third end", Urgency::End);
        put(&mailbox, "late log", LOGS);
        assert_eq!(taken(&mailbox), ["lost 3", "end", "second end", "third end"]);
        put(&mailbox, "next", LOGS);
        assert_eq!(taken(&mailbox), ["next"], "what was lost is told once");
        for end in ["1", "2", "3", "4"] {
            put(&mailbox, end, Urgency::End);
        }
        assert_eq!(taken(&mailbox), ["lost 1", "2", "3", "4"], "an end is never lost unsaid");
        assert_eq!(mailbox.counts(), (4, 0));
    }

    #[test]
    fn large_messages_wait_within_a_budget() {
        let mailbox = Mailbox::new(100, Arc::default());
        let message: Arc<[u8]> = vec![0; BYTES / 4].into();
        for _ in 0..6 {
            let letter = Letter::Message(message.clone(), true);
            mailbox.put(Waiting { letter, urgency: Urgency::Change, bytes: message.len() });
        }
        assert_eq!(taken(&mailbox).len(), 5, "that two were lost, and four");
    }
}
