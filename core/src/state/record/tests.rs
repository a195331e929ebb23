use std::{boxed::Box, string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{
    event::Event,
    reducer::{Action, apply},
    text::Id,
};

crate::capacity! {
    struct SmallCapacity { id: 24, message: 32, nodes: 8, names: 64, durations: 4, history: 100, request: 512 }
}

crate::capacity! {
    struct LargeCapacity { id: 24, message: 32, nodes: 8, names: 64, durations: 9, history: 100, request: 512 }
}

type Small = State<SmallCapacity>;

fn start(state: &mut Small, now: u64, id: &str) {
    let event = Event::ExecutionStart { prompt_id: Id::from(id), timestamp: None };
    apply(state, Instant::from_millis(now), Action::Text(&event), &mut ());
}

/// A graph of one node that has run for a while.
fn run(state: &mut Small, from: u64, millis: u64, prompt: &str, node: &str, class: &str) {
    let (prompt_id, node, now) = (Id::from(prompt), Id::from(node), Instant::from_millis);
    start(state, from, prompt);
    apply(state, now(from), Action::GraphNode { prompt_id, node, class }, &mut ());
    apply(state, now(from), Action::Graph { prompt_id, nodes: 1 }, &mut ());
    let executing = Event::Executing { node: Some(node), display_node: None, prompt_id: Some(prompt_id) };
    apply(state, now(from), Action::Text(&executing), &mut ());
    let success = Event::ExecutionSuccess { prompt_id, timestamp: None };
    apply(state, now(from + millis), Action::Text(&success), &mut ());
}

fn failed(id: &str, message: &str) -> Box<Small> {
    let mut state = Box::new(Small::new());
    run(&mut state, 0, 1_500, "before", "3", "KSampler");
    start(&mut state, 2_000, id);
    let error = Event::ExecutionError {
        prompt_id: Id::from(id),
        node_id: Some(Id::from("3")),
        node_type: Some(Id::from("KSampler")),
        exception_type: Id::from("ValueError"),
        exception_message: Id::from(message),
        timestamp: None,
    };
    apply(&mut state, Instant::from_millis(5_000), Action::Text(&error), &mut ());
    state
}

fn exported(state: &Small, now: Instant) -> Vec<u8> {
    let mut out = vec![0; Small::RECORD_BYTES];
    let len = state.export(now, &mut out).unwrap();
    out.truncate(len);
    out
}

fn view(state: &Small, now: Instant) -> std::string::String {
    std::format!("{:?} {:?}", state.view(now).prompt, state.learned())
}

#[test]
fn import_after_export_restores_the_state() {
    let late = Instant::from_millis(90_000);
    for (id, message) in
        [("p", "short"), ("an id that is longer than what is kept of it", "and a message that is cut at its end too")]
    {
        let state = failed(id, message);
        let record = exported(&state, late);
        let mut again = Small::new();
        again.import(&record).unwrap();
        assert_eq!(view(&again, Instant::ZERO), view(&state, late));
        assert_eq!(again.prompt().unwrap().prompt_id(), state.prompt().unwrap().prompt_id(), "compared whole");
        assert_eq!(again.learned().len(), 1);
        // A flash page may be larger.
        let mut page = record.clone();
        page.extend([0xff; 9]);
        assert_eq!(Small::new().import(&page), Ok(()));
    }
}

#[test]
fn import_learned_restores_durations_only() {
    let state = failed("p", "m");
    let mut again = failed("q", "n");
    again.learned = Learned::new();
    again.import_learned(&exported(&state, Instant::ZERO)).unwrap();
    assert_eq!(again.learned(), state.learned());
    assert_eq!(again.prompt().unwrap().prompt_id(), Some(&Text::from("q")));
}

#[test]
fn import_of_running_prompt_has_no_times() {
    let mut state = Small::new();
    start(&mut state, 1_000, "p");
    let record = exported(&state, Instant::from_millis(9_000));
    let mut again = Small::new();
    again.import(&record).unwrap();
    let prompt = again.prompt().unwrap();
    assert_eq!((prompt.state(), prompt.elapsed(Instant::from_millis(5))), (PromptState::Running, None));
}

#[test]
fn export_at_below_and_above_the_limit_of_a_buffer() {
    let state = failed("p", "m");
    let len = exported(&state, Instant::ZERO).len();
    for room in 0..len {
        let mut out = vec![0; room];
        assert_eq!(state.export(Instant::ZERO, &mut out), Err(TooSmall { needed: Small::RECORD_BYTES }));
        assert!(Small::new().import(&out).is_err(), "no record in {room} bytes");
    }
    assert_eq!(state.export(Instant::ZERO, &mut vec![0; len]), Ok(len));
    assert_eq!(state.export(Instant::ZERO, &mut vec![0; len + 1]), Ok(len));
}

#[test]
fn export_of_largest_record_takes_record_bytes() {
    let long = "x".repeat(100);
    let mut state = failed(&long, &long);
    let text = |n: usize| Text::<[u8; 24]>::from("y".repeat(n).as_str());
    state.learned = Learned::new();
    for n in 0_u64..4 {
        run(&mut state, n << 40, 1 << 39, "q", &n.to_string(), &std::format!("class {n}"));
    }
    let prompt = state.prompt.as_mut().unwrap();
    prompt.shown = text(99);
    prompt.current = Some(text(99).as_id().key());
    let max = Milli::from_thousandths(i64::MAX);
    prompt.steps = Steps::new(Milli::from_thousandths(i64::MIN), max);
    (prompt.started, prompt.ended) = (Some(Instant::ZERO), Some(Instant::from_micros(u64::MAX)));
    (prompt.nodes_total, prompt.nodes_cached) = (Some(u32::MAX), Some(u32::MAX));
    prompt.percentage = Percentage::FULL;
    for count in [
        &mut prompt.nodes_finished,
        &mut prompt.outputs,
        &mut prompt.previews,
        &mut prompt.text_updates,
        &mut prompt.warnings,
    ] {
        *count = u32::MAX;
    }
    let error = ErrorRecord {
        node_id: Some(text(99)),
        node_type: Some(text(98)),
        exception_type: text(97),
        exception_message: Text::from(long.as_str()),
    };
    prompt.end = PromptEnd::restored(PromptState::Error);
    prompt.error = error;
    let len = exported(&state, Instant::ZERO).len();
    assert!(len <= Small::RECORD_BYTES && len + 96 > Small::RECORD_BYTES, "{len} of {}", Small::RECORD_BYTES);
}

#[test]
fn import_from_larger_build_keeps_newest_durations() {
    let mut large = Box::new(State::<LargeCapacity>::new());
    for n in 0..9 {
        large.learned.learn(
            crate::progress::NodeName::new(Id::from("1").key(), &n.to_string()),
            crate::progress::NodeDuration::without_steps(n),
        );
    }
    let mut out = vec![0; 500];
    large.export(Instant::ZERO, &mut out).unwrap();
    let mut small = Small::new();
    small.import(&out).unwrap();
    assert_eq!(small.learned().len(), 4);
    assert!(small.learned.entries().eq(large.learned.entries().take(4)));
}

#[test]
fn import_of_other_bytes_is_an_error_and_changes_nothing() {
    let state = failed("p", "m");
    let record = exported(&state, Instant::ZERO);
    let with = |at: usize, byte: u8| {
        let mut bytes = record.clone();
        bytes[at] = byte;
        bytes
    };
    let cases: [(Vec<u8>, RecordError); 12] = [
        (vec![], RecordError::Empty),
        (vec![0xff; 3], RecordError::Empty),
        (vec![0xff; 4_096], RecordError::Empty),
        (vec![0; 64], RecordError::Foreign),
        (b"{}".to_vec(), RecordError::Foreign),
        (b"Cf".to_vec(), RecordError::Truncated),
        (with(0, b'c'), RecordError::Foreign),
        (with(4, 0), RecordError::Older { version: 0 }),
        (with(4, 2), RecordError::Newer { version: 2 }),
        (record[..record.len() - 1].to_vec(), RecordError::Truncated),
        (record[..10].to_vec(), RecordError::Truncated),
        (with(20, !record[20]), RecordError::Damaged),
    ];
    for (bytes, error) in cases {
        let mut other = failed("another", "message");
        let before = view(&other, Instant::ZERO);
        assert_eq!(other.import(&bytes), Err(error));
        assert_eq!(view(&other, Instant::ZERO), before, "{error}");
    }
    // The checksum matches, but the body is not a record.
    let mut odd = head(3).to_vec();
    odd.extend(checksum(&head(3), &[9, 9, 9]).to_le_bytes());
    odd.extend([9, 9, 9]);
    assert_eq!(Small::new().import(&odd), Err(RecordError::Foreign));
}

#[test]
fn import_with_flipped_bit_is_refused() {
    let record = exported(&failed("prompt", "message"), Instant::ZERO);
    let mut state = Small::new();
    for at in 0..record.len() {
        for bit in 0..8 {
            let mut bytes = record.clone();
            bytes[at] ^= 1 << bit;
            assert!(state.import(&bytes).is_err(), "bit {bit} of byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn import_with_changed_byte_is_refused(at in any::<prop::sample::Index>(), byte: u8, id in ".{0,40}", message in ".{0,60}") {
        let record = exported(&failed(&id, &message), Instant::ZERO);
        let mut changed = record.clone();
        let at = at.index(record.len());
        changed[at] = byte;
        prop_assert_eq!(Small::new().import(&changed).is_ok(), changed == record);
    }

    #[test]
    fn arbitrary_bytes_are_no_record(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Small::new().import(&bytes).is_err());
    }

    #[test]
    fn an_arbitrary_body_panics_never(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let len = u32::try_from(body.len()).unwrap();
        let mut bytes = head(len).to_vec();
        bytes.extend(checksum(&head(len), &body).to_le_bytes());
        bytes.extend(&body);
        let mut state = Small::new();
        if state.import(&bytes).is_ok() {
            let now = Instant::from_millis(5);
            let record = exported(&state, now);
            let mut again = Small::new();
            prop_assert_eq!(again.import(&record), Ok(()));
            prop_assert_eq!(view(&again, now), view(&state, now));
        }
    }
}
