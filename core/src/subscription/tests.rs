use std::{string::String, vec::Vec};

use super::{Subscription, Topics};
use crate::{
    capacity::GadgetCapacity,
    queue::{Note, NoteKind},
    session::{Config, End, Link},
    state::{ConnectionStatus, PromptState},
    text::Id,
    time::Instant,
    wire::{Input, Wire},
};

/// A session that is connected, and how it tells a subscriber of messages.
struct Desk<const N: usize> {
    session: Wire<'static, GadgetCapacity>,
    subscription: Subscription<N>,
}

impl<const N: usize> Desk<N> {
    fn new(topics: Topics) -> Self {
        let mut session = Wire::<GadgetCapacity>::new(Config::new("desk"), 0);
        session.attach(Instant::ZERO);
        Self { session, subscription: Subscription::new(topics) }
    }

    fn hears(&mut self, message: &str) {
        let mut frame = std::vec![0x81_u8];
        match u8::try_from(message.len()) {
            Ok(len) if len < 126 => frame.push(len),
            _ => {
                frame.push(126);
                frame.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend(message.as_bytes());
        let input = Input::Bytes(Link::Socket, &frame);
        self.session.handle_input_with(Instant::ZERO, input, &mut self.subscription);
    }

    fn hears_of(&mut self, kind: &str, data: &str) {
        self.hears(&std::format!(r#"{{"type": "{kind}", "data": {{"prompt_id": "p", {data}}}}}"#));
    }

    fn told(&mut self) -> Vec<Note> {
        core::iter::from_fn(|| self.subscription.next()).collect()
    }

    fn kinds(&mut self) -> Vec<NoteKind> {
        self.told().iter().map(Note::kind).collect()
    }
}

const STATUS: &str = r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 3}}}}"#;

#[test]
fn a_prompt_is_told_from_start_to_end() {
    let mut desk = Desk::<16>::new(Topics::ALL);
    desk.hears(STATUS);
    let notes = desk.told();
    assert_eq!(notes[0].kind(), NoteKind::Connection(ConnectionStatus::Connected));
    assert_eq!((notes[1].kind(), notes[1].count()), (NoteKind::Status, Some(3)));

    desk.hears_of("execution_start", r#""timestamp": 1"#);
    desk.hears_of("execution_cached", r#""nodes": ["1", "2"]"#);
    let notes = desk.told();
    assert_eq!(notes[0].kind(), NoteKind::ExecutionStart);
    assert_eq!((notes[1].kind(), notes[1].count()), (NoteKind::ExecutionCached, Some(2)));
    assert!(notes[2..].iter().all(|note| note.kind() == NoteKind::Progress));

    desk.hears_of("executing", r#""node": "3""#);
    desk.hears_of("progress", r#""value": 5, "max": 20, "node": "3""#);
    let notes = desk.told();
    let three = Some(Id::from("3").key());
    assert_eq!((notes[0].kind(), notes[0].node()), (NoteKind::Executing, three));
    let last = notes.last().unwrap();
    assert_eq!((last.kind(), last.node(), last.percentage()), (NoteKind::Progress, three, None));
    assert_eq!(last.steps().unwrap().value.thousandths(), 5_000);

    desk.hears_of("executed", r#""node": "3", "output": {}"#);
    assert_eq!(desk.told()[0].node(), three);
    desk.hears_of("execution_success", r#""timestamp": 1"#);
    let notes = desk.told();
    assert_eq!((notes.len(), notes[0].kind()), (1, NoteKind::End(PromptState::Success)));
    assert_eq!(notes[0].generation(), 1);
}

#[test]
fn an_end_that_waits_takes_the_progress_away_and_comes_first() {
    let mut desk = Desk::<16>::new(Topics::ALL);
    desk.hears_of("execution_start", r#""timestamp": 1"#);
    desk.hears_of("progress", r#""value": 5, "max": 20, "node": "3""#);
    desk.hears_of("execution_success", r#""timestamp": 1"#);
    let kinds = desk.kinds();
    assert_eq!(kinds[0], NoteKind::Connection(ConnectionStatus::Connected));
    assert_eq!(kinds[1..], [NoteKind::End(PromptState::Success), NoteKind::ExecutionStart, NoteKind::Executing]);
}

#[test]
fn a_blocked_node_is_a_warning_and_an_error_an_end() {
    let mut desk = Desk::<16>::new(Topics::WARNING.union(Topics::END));
    desk.hears_of("execution_start", r#""timestamp": 1"#);
    let error = |class| {
        std::format!(r#""node_id": "7", "node_type": "K", "exception_type": "{class}", "exception_message": "no""#)
    };
    desk.hears_of("execution_error", &error("ExecutionBlocked"));
    let notes = desk.told();
    assert_eq!((notes[0].kind(), notes[0].node()), (NoteKind::Warning, Some(Id::from("7").key())));
    desk.hears_of("execution_error", &error("RuntimeError"));
    assert_eq!(desk.kinds(), [NoteKind::End(PromptState::Error)]);
}

#[test]
fn a_lost_connection_and_its_attempts_are_told_whatever_input_brought_them() {
    let mut session = Wire::<GadgetCapacity>::new(Config::new("desk"), 0);
    let mut lamp = Subscription::<4>::new(Topics::CONNECTION);
    let _ = session.poll_output_with(Instant::ZERO, &mut lamp);
    assert_eq!(lamp.next().unwrap().kind(), NoteKind::Connection(ConnectionStatus::Connecting));
    session.handle_input_with(Instant::ZERO, Input::Closed(Link::Socket, End::Unreachable), &mut lamp);
    assert_eq!(lamp.next().unwrap().kind(), NoteKind::Connection(ConnectionStatus::Disconnected));
    assert!(lamp.next().is_none());
}

#[test]
fn only_what_is_asked_for_is_told() {
    let mut desk = Desk::<2>::new(Topics::STATUS);
    desk.hears_of("execution_start", r#""timestamp": 1"#);
    desk.hears(STATUS);
    assert_eq!(desk.kinds(), [NoteKind::Status]);
    assert!(Topics::NONE.contains(NoteKind::Lagged), "a loss is told to everybody");
}

#[test]
fn who_subscribes_amid_a_prompt_is_told_of_its_start_and_node() {
    let mut desk = Desk::<16>::new(Topics::ALL);
    desk.hears_of("execution_start", r#""timestamp": 1"#);
    desk.hears_of("executing", r#""node": "3""#);
    desk.subscription = Subscription::new(Topics::START.union(Topics::EXECUTING));
    desk.hears_of("progress", r#""value": 5, "max": 20, "node": "3""#);
    assert_eq!(desk.kinds(), [NoteKind::ExecutionStart, NoteKind::Executing]);
}

#[test]
fn what_was_over_before_is_no_news() {
    let mut desk = Desk::<16>::new(Topics::ALL);
    desk.hears_of("execution_start", r#""timestamp": 1"#);
    desk.hears_of("execution_success", r#""timestamp": 1"#);
    desk.subscription = Subscription::new(Topics::ALL);
    desk.hears(STATUS);
    assert_eq!(desk.kinds(), [NoteKind::Connection(ConnectionStatus::Connected), NoteKind::Status]);
    // But of one that begins and ends by one message, its end is told.
    let success = r#"{"type": "execution_success", "data": {"prompt_id": "other", "timestamp": 1}}"#;
    desk.hears(success);
    assert_eq!(desk.kinds(), [NoteKind::End(PromptState::Success), NoteKind::ExecutionStart]);
    desk.subscription = Subscription::new(Topics::END);
    desk.hears(&success.replace("other", "third"));
    assert_eq!(desk.kinds(), [NoteKind::End(PromptState::Success)]);
}

#[cfg(feature = "record")]
#[test]
fn an_end_of_an_earlier_session_is_not_told_again() {
    let mut desk = Desk::<16>::new(Topics::ALL);
    desk.hears_of("execution_start", r#""timestamp": 1"#);
    desk.hears_of("execution_success", r#""timestamp": 1"#);
    let mut record = [0; 1_024];
    let len = desk.session.state().export(Instant::ZERO, &mut record).unwrap();
    let mut next = Desk::<16>::new(Topics::ALL);
    next.session.import(&record[..len]).unwrap();
    next.hears(STATUS);
    assert_eq!(next.kinds(), [NoteKind::Connection(ConnectionStatus::Connected), NoteKind::Status]);
}

#[test]
fn two_observers_are_told_the_same() {
    let mut session = Wire::<GadgetCapacity>::new(Config::new("desk"), 0);
    let (mut one, mut other) = (Subscription::<4>::new(Topics::ALL), Subscription::<2>::new(Topics::ALL));
    let _ = session.poll_output_with(Instant::ZERO, &mut (&mut one, &mut other));
    let told: [Option<String>; 2] = [one.next(), other.next()].map(|note| Some(std::format!("{:?}", note?.kind())));
    assert!(told[0].is_some());
    assert_eq!(told[0], told[1]);
}
