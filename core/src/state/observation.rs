//! What the server's log and its queue report of prompts that the socket does not report. Neither names a prompt, so
//! all of this is inferred.

use super::{ObserveMode, Outcome, PromptEnd};
use crate::{
    log::{Bar, Log, Logged},
    time::Instant,
};

/// What the log and the queue have reported, and what they have yet to report.
#[derive(Debug)]
pub(crate) struct Observation {
    log: Log,
    /// The outcome of the end that the log reports next.
    outcome: Option<Outcome>,
    /// The log is still to report the end of the record's prompt.
    log_due: bool,
    /// The queue is still to report it.
    queue_due: bool,
    /// The log may still report the end of the prompt of the record before.
    owed: bool,
    /// Ends of prompts without a record, whose outcomes are still to be requested: the last of those that ended.
    unseen: u8,
    /// Ends of prompts without a record that the queue reported. The log is to report them, too.
    queue_only: u8,
    /// Ends, modulo 256, that may be those of the record's prompt while it runs by a better source.
    doubtful: u8,
    /// When the prompt that runs began, by the queue or the log, if either showed it.
    busy_since: Option<Instant>,
}

/// Whether the record's prompt runs, and what reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It ended, or there is no record.
    Over,
    /// It runs, and the socket reports it.
    OnSocket,
    /// It runs, and the socket does not report it.
    OffSocket,
}

impl Observation {
    pub(in crate::state) const fn new() -> Self {
        Self {
            log: Log::new(),
            outcome: None,
            log_due: false,
            queue_due: false,
            owed: false,
            unseen: 0,
            queue_only: 0,
            doubtful: 0,
            busy_since: None,
        }
    }

    /// Ends of prompts without a record, whose outcomes are still to be requested.
    pub(in crate::state) const fn unseen(&self) -> u8 {
        self.unseen
    }

    /// Ends of prompts without a record that the queue reported, and the log did not.
    pub(in crate::state) const fn queue_only(&self) -> u8 {
        self.queue_only
    }

    /// Ends, modulo 256, after which another prompt may run than the record's.
    pub(in crate::state) const fn doubtful(&self) -> u8 {
        self.doubtful
    }

    /// When the prompt that runs began, by the queue or the log.
    pub(in crate::state) const fn busy_since(&self) -> Option<Instant> {
        self.busy_since
    }

    /// The bar that the log reported last; `None` if it is full or there is none.
    pub(in crate::state) fn bar(&self) -> Option<Bar> {
        self.log.bar()
    }

    /// Whether prompts ended without a record.
    pub(in crate::state) const fn is_behind(&self) -> bool {
        self.unseen > 0 || self.queue_only > 0
    }

    /// A record begins: log and queue will report its prompt's end.
    pub(in crate::state) const fn expect_end(&mut self) {
        self.log_due = true;
        self.queue_due = true;
    }

    /// There is no record, or log and queue have reported its prompt's end by now.
    pub(in crate::state) const fn expect_no_end(&mut self) {
        self.log_due = false;
        self.queue_due = false;
    }

    /// A record is about to begin, and the log may still report the end of the one before.
    pub(in crate::state) const fn owe_end(&mut self) {
        self.owed |= self.log_due;
    }

    /// Others' prompts are observed from now on. Whatever ended before, the log reported then.
    pub(in crate::state) const fn observe(&mut self, record: Activity) {
        self.log.cut();
        self.queue_only = 0;
        self.owed = false;
        if matches!(record, Activity::Over) {
            self.expect_no_end();
        }
    }

    /// The connection is gone.
    pub(in crate::state) const fn disconnect(&mut self) {
        self.busy_since = None;
        self.queue_only = 0;
        self.outcome = None;
        self.log.cut();
    }

    /// The queue had `before` prompts and has `remaining` now.
    pub(in crate::state) const fn queue_changed(
        &mut self,
        now: Instant,
        before: u32,
        remaining: u32,
        mode: Option<ObserveMode>,
        record: Activity,
    ) {
        if before == 0 && remaining > 0 {
            self.busy_since = Some(now);
        }
        if remaining >= before {
            return;
        }
        let has_log = match mode {
            Some(ObserveMode::Logs) => true,
            Some(ObserveMode::Polling) => false,
            Some(ObserveMode::Extension) | None => return,
        };
        // The end is that of the record's prompt, or of one that began and ended between two requests. Or a waiting
        // prompt was removed.
        if core::mem::replace(&mut self.queue_due, false) {
            if remaining > 0 && !has_log && !matches!(record, Activity::Over) {
                self.doubtful = self.doubtful.wrapping_add(1);
            }
        } else if has_log {
            // The log usually reports it soon after.
            self.queue_only = self.queue_only.saturating_add(1);
        } else {
            self.unseen = self.unseen.saturating_add(1);
        }
    }

    /// The log did not report what the queue did: a server that logs warnings only writes no ends.
    pub(in crate::state) const fn log_silent(&mut self) {
        self.unseen = self.unseen.saturating_add(self.queue_only);
        self.queue_only = 0;
    }

    /// The outcome of a prompt without a record was requested.
    pub(in crate::state) const fn outcome_requested(&mut self) {
        self.unseen = self.unseen.saturating_sub(1);
    }

    /// Reads the next byte of the log. Returns the item that it completes, if any.
    pub(in crate::state) fn next(&mut self, byte: u8) -> Option<Logged> {
        self.log.next(byte)
    }

    /// The log reported how the prompt will end.
    pub(in crate::state) const fn ends_with(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// The log reported the end of a prompt. Returns how the record's prompt ended, if it ran until now.
    pub(in crate::state) const fn executed(&mut self, now: Instant, record: Activity) -> Option<PromptEnd> {
        self.busy_since = Some(now);
        self.queue_only = 0;
        let outcome = self.outcome.take();
        if core::mem::replace(&mut self.owed, false) {
            return None;
        }
        if !self.log_due {
            self.unseen = self.unseen.saturating_add(1);
            return None;
        }
        if matches!(record, Activity::OnSocket) {
            // The socket may report another prompt by now.
            self.doubtful = self.doubtful.wrapping_add(1);
            return None;
        }
        self.log_due = false;
        if matches!(record, Activity::OffSocket) { Some(PromptEnd::logged(outcome)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_000);

    fn observing(mode: ObserveMode) -> impl FnMut(&mut Observation, u32, u32, Activity) {
        move |observation, before, remaining, record| {
            observation.queue_changed(NOW, before, remaining, Some(mode), record);
        }
    }

    fn counts(observation: &Observation) -> [u8; 3] {
        [observation.unseen(), observation.queue_only(), observation.doubtful()]
    }

    #[test]
    fn executed_without_record_counts_an_unseen_end() {
        let mut observation = Observation::new();
        assert_eq!(observation.executed(NOW, Activity::Over), None);
        assert_eq!((counts(&observation), observation.busy_since()), ([1, 0, 0], Some(NOW)));
        observation.outcome_requested();
        observation.outcome_requested();
        assert!(!observation.is_behind());
    }

    #[test]
    fn executed_ends_the_records_prompt_once_with_the_reported_outcome() {
        let mut observation = Observation::new();
        for outcome in [None, Some(Outcome::Error), Some(Outcome::Interrupted)] {
            observation.expect_end();
            if let Some(outcome) = outcome {
                observation.ends_with(outcome);
            }
            assert_eq!(observation.executed(NOW, Activity::OffSocket), Some(PromptEnd::logged(outcome)));
            assert!(!observation.is_behind());
        }
        assert_eq!(observation.executed(NOW, Activity::Over), None);
        assert_eq!(counts(&observation), [1, 0, 0], "of a prompt after it");
    }

    #[test]
    fn executed_while_the_socket_reports_leaves_the_end_pending() {
        let mut observation = Observation::new();
        observation.expect_end();
        assert_eq!(observation.executed(NOW, Activity::OnSocket), None);
        assert_eq!(counts(&observation), [0, 0, 1]);
        assert_eq!(observation.executed(NOW, Activity::OffSocket), Some(PromptEnd::Guessed));
    }

    #[test]
    fn executed_first_pays_the_owed_end_of_the_record_before() {
        let mut observation = Observation::new();
        observation.owe_end();
        observation.expect_end();
        assert_eq!(observation.executed(NOW, Activity::OffSocket), Some(PromptEnd::Guessed), "nothing came before");
        observation.expect_end();
        observation.owe_end();
        observation.expect_end();
        observation.ends_with(Outcome::Error);
        assert_eq!(observation.executed(NOW, Activity::OffSocket), None);
        assert_eq!(observation.executed(NOW, Activity::OffSocket), Some(PromptEnd::Guessed), "its outcome went along");
    }

    #[test]
    fn observe_expects_no_end_that_came_before() {
        for (record, unseen) in [(Activity::Over, 1), (Activity::OnSocket, 0)] {
            let mut observation = Observation::new();
            observation.expect_end();
            observation.owe_end();
            observation.observe(record);
            assert_eq!(observation.executed(NOW, record), None);
            assert_eq!(observation.unseen(), unseen, "{record:?}");
        }
    }

    #[test]
    fn queue_fall_is_first_the_end_of_the_records_prompt() {
        let mut fall = observing(ObserveMode::Logs);
        let mut observation = Observation::new();
        observation.expect_end();
        fall(&mut observation, 2, 1, Activity::OffSocket);
        assert_eq!(counts(&observation), [0, 0, 0]);
        fall(&mut observation, 1, 0, Activity::OffSocket);
        assert_eq!(counts(&observation), [0, 1, 0]);
        observation.log_silent();
        assert_eq!(counts(&observation), [1, 0, 0]);
    }

    #[test]
    fn queue_fall_without_log_makes_a_running_record_doubtful() {
        let mut fall = observing(ObserveMode::Polling);
        for (record, remaining, doubtful) in [
            (Activity::OffSocket, 1, 1),
            (Activity::OnSocket, 1, 1),
            (Activity::OffSocket, 0, 0),
            (Activity::Over, 1, 0),
        ] {
            let mut observation = Observation::new();
            observation.expect_end();
            fall(&mut observation, 2, remaining, record);
            assert_eq!(counts(&observation), [0, 0, doubtful], "{record:?}, {remaining} left");
            fall(&mut observation, 2, remaining, record);
            assert_eq!(counts(&observation), [1, 0, doubtful]);
        }
    }

    #[test]
    fn queue_fall_that_the_extension_explains_counts_nothing() {
        let mut observation = Observation::new();
        for mode in [None, Some(ObserveMode::Extension)] {
            observation.queue_changed(NOW, 2, 1, mode, Activity::Over);
        }
        assert_eq!((counts(&observation), observation.busy_since()), ([0, 0, 0], None));
        observation.queue_changed(NOW, 0, 1, None, Activity::Over);
        assert_eq!(observation.busy_since(), Some(NOW));
        observation.disconnect();
        assert_eq!(observation.busy_since(), None);
    }
}
