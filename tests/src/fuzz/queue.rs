//! The delivery queue.

use std::collections::BTreeMap;

use comfyglow_core::{
    queue::{Note, NoteKind, Priority, Queue, QueueItem as _},
    state::{ConnectionStatus, PromptState},
};

/// Pushes notes to a queue and takes them out, in any order, with room for 4 and for 16. Every note is delivered,
/// merged or counted as dropped. No error or end is lost silently. The most urgent note comes first, and within a
/// priority the oldest. No progress follows an end that was pushed after it.
///
/// # Panics
///
/// If that does not hold.
pub fn queue(data: &[u8]) {
    check::<4>(data);
    check::<16>(data);
}

const KINDS: [NoteKind; 10] = [
    NoteKind::Progress,
    NoteKind::Status,
    NoteKind::Executing,
    NoteKind::Executed,
    NoteKind::ExecutionStart,
    NoteKind::ExecutionCached,
    NoteKind::Warning,
    NoteKind::Connection(ConnectionStatus::Connected),
    NoteKind::End(PromptState::Success),
    NoteKind::End(PromptState::Error),
];

/// What became of the notes.
#[derive(Default)]
struct Tally {
    pushed: u32,
    told: u32,
    ends_pushed: u32,
    ends_told: u32,
    /// The serial number last told, by generation and priority.
    last: BTreeMap<(u32, String), u32>,
}

fn check<const N: usize>(data: &[u8]) {
    let (mut queue, mut tally) = (Queue::<Note, N>::new(), Tally::default());
    for byte in data {
        // 4 bits for what, 2 for the generation, and 2 to take notes out.
        let (what, generation) = (usize::from(byte & 15), u32::from(byte >> 4 & 3));
        if let Some(kind) = KINDS.get(what) {
            push(&mut queue, &mut tally, *kind, generation);
        } else if let Some(note) = queue.pop() {
            tell(&mut tally, &note);
        }
    }
    let rest: Vec<Note> = std::iter::from_fn(|| queue.pop()).collect();
    let urgency = |note: &Note| (note.generation(), note.priority());
    assert!(rest.is_sorted_by_key(urgency), "the most urgent comes first: {rest:?}");
    for note in &rest {
        tell(&mut tally, note);
    }
    assert_eq!(tally.pushed, tally.told + queue.dropped() + queue.merged(), "all notes are accounted for");
    assert_eq!(tally.ends_pushed, tally.ends_told, "no end is lost silently");
}

fn push<const N: usize>(queue: &mut Queue<Note, N>, tally: &mut Tally, kind: NoteKind, generation: u32) {
    // A serial number, to tell them apart.
    queue.push(Note::new(generation, kind).with_count(tally.pushed));
    tally.pushed += 1;
    tally.ends_pushed += u32::from(kind.priority() == Priority::End);
    if matches!(kind, NoteKind::End(_)) {
        let mut waiting = queue.clone();
        let progress = std::iter::from_fn(|| waiting.pop()).find(|note| is_progress_of(note, generation));
        assert!(progress.is_none(), "an end removes its prompt's progress");
    }
}

fn is_progress_of(note: &Note, generation: u32) -> bool {
    note.kind() == NoteKind::Progress && note.generation() == generation
}

fn tell(tally: &mut Tally, note: &Note) {
    if note.kind() == NoteKind::Lagged {
        tally.ends_told += note.count().expect("it tells how many");
        return;
    }
    tally.told += 1;
    tally.ends_told += u32::from(note.priority() == Priority::End);
    if let Some(serial) = note.count() {
        let rank = (note.generation(), format!("{:?}", note.priority()));
        let before = tally.last.insert(rank, serial);
        assert!(before.is_none_or(|before| before < serial), "within a priority the oldest comes first: {note:?}");
    }
}

/// All kinds, with few and many taken out.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let strides = [1_u8, 7, 17, 31, 97];
    strides.map(|stride| (0..=255_u8).map(|n| n.wrapping_mul(stride)).collect()).into()
}
