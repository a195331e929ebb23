//! The delivery queue.

use std::collections::BTreeMap;

use comfyglow_core::{
    queue::{Class, Kind, Note, Queue},
    state::{ConnectionStatus, PromptState},
};

/// Notes pushed and taken, in any order, of a queue with room for 4 and one with room for 16: every note is told, merged
/// or counted as lost; of errors and ends none goes unsaid; the most urgent comes first, of one class the oldest; nothing
/// tells of progress behind an end that was pushed after it.
///
/// # Panics
///
/// Where that doesn't hold.
pub fn queue(data: &[u8]) {
    check::<4>(data);
    check::<16>(data);
}

const KINDS: [Kind; 10] = [
    Kind::Progress,
    Kind::Status,
    Kind::Executing,
    Kind::Executed,
    Kind::ExecutionStart,
    Kind::ExecutionCached,
    Kind::Warning,
    Kind::Connection(ConnectionStatus::Connected),
    Kind::End(PromptState::Success),
    Kind::End(PromptState::Error),
];

/// What came of the notes.
#[derive(Default)]
struct Tally {
    pushed: u32,
    told: u32,
    ends_pushed: u32,
    ends_told: u32,
    /// The serial number last told, by generation and kind.
    last: BTreeMap<(u32, String), u32>,
}

fn check<const N: usize>(data: &[u8]) {
    let (mut queue, mut tally) = (Queue::<N>::new(), Tally::default());
    for byte in data {
        // 4 bits for what, 2 for the generation, and 2 to take notes out.
        let (what, generation) = (usize::from(byte & 15), u32::from(byte >> 4 & 3));
        if let Some(kind) = KINDS.get(what) {
            push(&mut queue, &mut tally, *kind, generation);
        } else if let Some(note) = queue.pop() {
            tell(&mut tally, &note);
        }
        assert!(queue.len() <= N, "it has its bounds");
    }
    let rest: Vec<Note> = std::iter::from_fn(|| queue.pop()).collect();
    let urgency = |note: &Note| (note.generation(), note.kind().class());
    assert!(rest.is_sorted_by_key(urgency), "the most urgent comes first: {rest:?}");
    for note in &rest {
        tell(&mut tally, note);
    }
    assert_eq!(tally.pushed, tally.told + queue.dropped() + queue.merged(), "all notes are accounted for");
    assert_eq!(tally.ends_pushed, tally.ends_told, "no end goes unsaid");
}

fn push<const N: usize>(queue: &mut Queue<N>, tally: &mut Tally, kind: Kind, generation: u32) {
    // A serial number, to tell them apart.
    queue.push(Note::new(generation, kind).with_count(tally.pushed));
    tally.pushed += 1;
    tally.ends_pushed += u32::from(kind.class() == Class::End);
    if matches!(kind, Kind::End(_)) {
        let mut waiting = queue.clone();
        let progress = std::iter::from_fn(|| waiting.pop()).find(|note| is_progress_of(note, generation));
        assert!(progress.is_none(), "an end takes its prompt's progress away");
    }
}

fn is_progress_of(note: &Note, generation: u32) -> bool {
    note.kind() == Kind::Progress && note.generation() == generation
}

fn tell(tally: &mut Tally, note: &Note) {
    if note.kind() == Kind::Lagged {
        tally.ends_told += note.count().expect("it tells how many");
        return;
    }
    tally.told += 1;
    tally.ends_told += u32::from(note.kind().class() == Class::End);
    if let Some(serial) = note.count() {
        let class = (note.generation(), format!("{:?}", note.kind().class()));
        let before = tally.last.insert(class, serial);
        assert!(before.is_none_or(|before| before < serial), "of one class the oldest comes first: {note:?}");
    }
}

/// All kinds, with few and many taken out.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let strides = [1_u8, 7, 17, 31, 97];
    strides.map(|stride| (0..=255_u8).map(|n| n.wrapping_mul(stride)).collect()).into()
}
