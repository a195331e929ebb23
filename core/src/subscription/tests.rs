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

/// A connected session with a subscriber.
struct Subscribed<const N: usize> {
    session: Wire<'static, GadgetCapacity>,
    subscription: Subscription<N>,
}

impl<const N: usize> Subscribed<N> {
    fn new(topics: Topics) -> Self {
        let mut session = Wire::<GadgetCapacity>::new(Config::new("desk"), 0);
        session.attach(Instant::ZERO);
        Self { session, subscription: Subscription::new(topics) }
    }

    fn receive(&mut self, message: &str) {
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

    fn receive_event(&mut self, kind: &str, data: &str) {
        self.receive(&std::format!(r#"{{"type": "{kind}", "data": {{"prompt_id": "p", {data}}}}}"#));
    }

    fn take(&mut self) -> Vec<Note> {
        core::iter::from_fn(|| self.subscription.next()).collect()
    }

    fn kinds(&mut self) -> Vec<NoteKind> {
        self.take().iter().map(Note::kind).collect()
    }
}

const STATUS: &str = r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 3}}}}"#;

#[test]
fn subscription_during_a_prompt_has_its_start_nodes_progress_and_end() {
    let mut subscribed = Subscribed::<16>::new(Topics::ALL);
    subscribed.receive(STATUS);
    let notes = subscribed.take();
    assert_eq!(notes[0].kind(), NoteKind::Connection(ConnectionStatus::Connected));
    assert_eq!((notes[1].kind(), notes[1].count()), (NoteKind::Status, Some(3)));

    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    subscribed.receive_event("execution_cached", r#""nodes": ["1", "2"]"#);
    let notes = subscribed.take();
    assert_eq!(notes[0].kind(), NoteKind::ExecutionStart);
    assert_eq!((notes[1].kind(), notes[1].count()), (NoteKind::ExecutionCached, Some(2)));
    assert!(notes[2..].iter().all(|note| note.kind() == NoteKind::Progress));

    subscribed.receive_event("executing", r#""node": "3""#);
    subscribed.receive_event("progress", r#""value": 5, "max": 20, "node": "3""#);
    let notes = subscribed.take();
    let three = Some(Id::from("3").key());
    assert_eq!((notes[0].kind(), notes[0].node()), (NoteKind::Executing, three));
    let last = notes.last().unwrap();
    assert_eq!((last.kind(), last.node(), last.percentage()), (NoteKind::Progress, three, None));
    assert_eq!(last.steps().unwrap().value.thousandths(), 5_000);

    subscribed.receive_event("executed", r#""node": "3", "output": {}"#);
    assert_eq!(subscribed.take()[0].node(), three);
    subscribed.receive_event("execution_success", r#""timestamp": 1"#);
    let notes = subscribed.take();
    assert_eq!((notes.len(), notes[0].kind()), (1, NoteKind::End(PromptState::Success)));
    assert_eq!(notes[0].generation(), 1);
}

#[test]
fn waiting_end_removes_progress_and_comes_first() {
    let mut subscribed = Subscribed::<16>::new(Topics::ALL);
    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    subscribed.receive_event("progress", r#""value": 5, "max": 20, "node": "3""#);
    subscribed.receive_event("execution_success", r#""timestamp": 1"#);
    let kinds = subscribed.kinds();
    assert_eq!(kinds[0], NoteKind::Connection(ConnectionStatus::Connected));
    assert_eq!(kinds[1..], [NoteKind::End(PromptState::Success), NoteKind::ExecutionStart, NoteKind::Executing]);
}

#[test]
fn blocked_node_is_a_warning_and_error_is_an_end() {
    let mut subscribed = Subscribed::<16>::new(Topics::WARNING.union(Topics::END));
    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    let error = |class| {
        std::format!(r#""node_id": "7", "node_type": "K", "exception_type": "{class}", "exception_message": "no""#)
    };
    subscribed.receive_event("execution_error", &error("ExecutionBlocked"));
    let notes = subscribed.take();
    assert_eq!((notes[0].kind(), notes[0].node()), (NoteKind::Warning, Some(Id::from("7").key())));
    subscribed.receive_event("execution_error", &error("RuntimeError"));
    assert_eq!(subscribed.kinds(), [NoteKind::End(PromptState::Error)]);
}

#[test]
fn connection_change_by_any_input_is_a_note() {
    let mut session = Wire::<GadgetCapacity>::new(Config::new("desk"), 0);
    let mut lamp = Subscription::<4>::new(Topics::CONNECTION);
    let _ = session.poll_output_with(Instant::ZERO, &mut lamp);
    assert_eq!(lamp.next().unwrap().kind(), NoteKind::Connection(ConnectionStatus::Connecting));
    session.handle_input_with(Instant::ZERO, Input::Closed(Link::Socket, End::Unreachable), &mut lamp);
    assert_eq!(lamp.next().unwrap().kind(), NoteKind::Connection(ConnectionStatus::Disconnected));
    assert!(lamp.next().is_none());
}

#[test]
fn subscription_to_one_topic_has_only_its_notes() {
    let mut subscribed = Subscribed::<2>::new(Topics::STATUS);
    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    subscribed.receive(STATUS);
    assert_eq!(subscribed.kinds(), [NoteKind::Status]);
    assert!(Topics::NONE.contains(NoteKind::Lagged), "every subscriber learns of lost notes");
}

#[test]
fn subscription_begun_during_a_prompt_has_its_start_and_node() {
    let mut subscribed = Subscribed::<16>::new(Topics::ALL);
    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    subscribed.receive_event("executing", r#""node": "3""#);
    subscribed.subscription = Subscription::new(Topics::START.union(Topics::EXECUTING));
    subscribed.receive_event("progress", r#""value": 5, "max": 20, "node": "3""#);
    assert_eq!(subscribed.kinds(), [NoteKind::ExecutionStart, NoteKind::Executing]);
}

#[test]
fn prompt_that_ended_before_the_subscription_has_no_notes() {
    let mut subscribed = Subscribed::<16>::new(Topics::ALL);
    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    subscribed.receive_event("execution_success", r#""timestamp": 1"#);
    subscribed.subscription = Subscription::new(Topics::ALL);
    subscribed.receive(STATUS);
    assert_eq!(subscribed.kinds(), [NoteKind::Connection(ConnectionStatus::Connected), NoteKind::Status]);
    // A prompt that begins and ends with one message is news.
    let success = r#"{"type": "execution_success", "data": {"prompt_id": "other", "timestamp": 1}}"#;
    subscribed.receive(success);
    assert_eq!(subscribed.kinds(), [NoteKind::End(PromptState::Success), NoteKind::ExecutionStart]);
    subscribed.subscription = Subscription::new(Topics::END);
    subscribed.receive(&success.replace("other", "third"));
    assert_eq!(subscribed.kinds(), [NoteKind::End(PromptState::Success)]);
}

#[cfg(feature = "record")]
#[test]
fn imported_end_of_an_earlier_session_has_no_note() {
    let mut subscribed = Subscribed::<16>::new(Topics::ALL);
    subscribed.receive_event("execution_start", r#""timestamp": 1"#);
    subscribed.receive_event("execution_success", r#""timestamp": 1"#);
    let mut record = [0; 1_024];
    let len = subscribed.session.state().export(Instant::ZERO, &mut record).unwrap();
    let mut next = Subscribed::<16>::new(Topics::ALL);
    next.session.import(&record[..len]).unwrap();
    next.receive(STATUS);
    assert_eq!(next.kinds(), [NoteKind::Connection(ConnectionStatus::Connected), NoteKind::Status]);
}

#[test]
fn two_observers_have_the_same_notes() {
    let mut session = Wire::<GadgetCapacity>::new(Config::new("desk"), 0);
    let (mut one, mut other) = (Subscription::<4>::new(Topics::ALL), Subscription::<2>::new(Topics::ALL));
    let _ = session.poll_output_with(Instant::ZERO, &mut (&mut one, &mut other));
    let told: [Option<String>; 2] = [one.next(), other.next()].map(|note| Some(std::format!("{:?}", note?.kind())));
    assert!(told[0].is_some());
    assert_eq!(told[0], told[1]);
}
