use std::vec::Vec;

use super::{Note, NoteKind, Priority, Queue, QueueItem, rank};
use crate::number::Milli;
use crate::state::{Percentage, PromptState, Steps};
use crate::text::Id;

const END: NoteKind = NoteKind::End(PromptState::Success);

fn steps_at(value: i64) -> Option<Steps> {
    Steps::new(Milli::from_thousandths(value), Milli::from_thousandths(20_000))
}

fn progress(generation: u32, value: i64) -> Note {
    Note::new(generation, NoteKind::Progress).with_progress(steps_at(value), None)
}

fn drain<const N: usize>(queue: &mut Queue<Note, N>) -> Vec<(u32, NoteKind)> {
    core::iter::from_fn(|| queue.pop()).map(|note| (note.generation(), note.kind())).collect()
}

#[test]
fn queue_orders_by_prompt_then_priority_then_arrival() {
    let mut queue = Queue::<Note, 16>::new();
    let pushed = [
        (1, NoteKind::Status),
        (1, NoteKind::Executing),
        (1, NoteKind::Warning),
        (1, NoteKind::Executed),
        (2, NoteKind::ExecutionStart),
        (2, NoteKind::Warning),
        (1, NoteKind::ExecutionCached),
    ];
    for (generation, kind) in pushed {
        queue.push(Note::new(generation, kind));
    }
    let expected = [
        (1, NoteKind::Warning),
        (1, NoteKind::Executing),
        (1, NoteKind::Executed),
        (1, NoteKind::ExecutionCached),
        (1, NoteKind::Status),
        (2, NoteKind::Warning),
        (2, NoteKind::ExecutionStart),
    ];
    assert_eq!(drain(&mut queue), expected);
    assert_eq!((queue.dropped(), queue.merged()), (0, 0));
}

#[test]
fn queue_at_end_removes_progress_of_that_prompt_only() {
    let mut queue = Queue::<Note, 8>::new();
    for note in [progress(1, 1), progress(2, 1), progress(2, 2), Note::new(2, END)] {
        queue.push(note);
    }
    assert_eq!(drain(&mut queue), [(1, NoteKind::Progress), (2, END)]);
    assert_eq!((queue.dropped(), queue.merged()), (0, 2));
}

#[test]
fn queue_when_full_merges_progress_into_the_latest() {
    let mut queue = Queue::<Note, 3>::new();
    for value in 1..=9 {
        queue.push(progress(1, value));
    }
    assert_eq!((queue.merged(), queue.dropped()), (6, 0));
    // Another note replaces progress that later progress supersedes.
    queue.push(Note::new(1, NoteKind::Executing));
    let popped: Vec<_> = core::iter::from_fn(|| queue.pop()).map(|note| (note.kind(), note.steps())).collect();
    assert_eq!(
        popped,
        [(NoteKind::Executing, None), (NoteKind::Progress, steps_at(2)), (NoteKind::Progress, steps_at(9))]
    );
    assert_eq!((queue.merged(), queue.dropped()), (7, 0));
}

#[test]
fn queue_when_full_drops_oldest_of_lowest_priority() {
    let mut queue = Queue::<Note, 3>::new();
    for kind in [NoteKind::Status, NoteKind::Executing, NoteKind::Executed] {
        queue.push(Note::new(1, kind));
    }
    queue.push(Note::new(1, NoteKind::ExecutionStart)); // status goes
    queue.push(Note::new(1, NoteKind::Warning)); // the oldest change goes
    queue.push(progress(1, 1)); // is the lowest itself
    queue.push(Note::new(1, NoteKind::Status)); // as well
    assert_eq!(drain(&mut queue), [(1, NoteKind::Warning), (1, NoteKind::Executed), (1, NoteKind::ExecutionStart)]);
    assert_eq!((queue.dropped(), queue.merged()), (4, 0));

    let mut queue = Queue::<Note, 2>::new();
    for kind in [NoteKind::Executing, NoteKind::Executed, NoteKind::ExecutionCached] {
        queue.push(Note::new(1, kind)); // the third is also of the lowest priority, but not the oldest
    }
    assert_eq!(drain(&mut queue), [(1, NoteKind::Executed), (1, NoteKind::ExecutionCached)]);
}

#[test]
fn queue_full_of_ends_merges_them_into_lagged_with_count() {
    // At the least capacity, and above it.
    let mut queue = Queue::<Note, 2>::new();
    for generation in 1..=5 {
        queue.push(Note::new(generation, END));
    }
    queue.push(progress(5, 1));
    let first = queue.pop().unwrap();
    assert_eq!((first.kind(), first.count(), first.generation()), (NoteKind::Lagged, Some(4), 4));
    assert_eq!(drain(&mut queue), [(5, END)]);
    assert_eq!(queue.dropped(), 5, "four ends and the progress");

    let mut queue = Queue::<Note, 3>::new();
    for generation in 1..=5 {
        queue.push(Note::new(generation, END));
    }
    let first = queue.pop().unwrap();
    assert_eq!((first.kind(), first.count()), (NoteKind::Lagged, Some(3)));
    assert_eq!(drain(&mut queue), [(4, END), (5, END)]);
}

#[test]
fn note_has_the_numbers_it_was_given_and_no_others() {
    let (node, half) = (Id::from("7").key(), Percentage::from_millionths(50_000_000));
    let plain = Note::new(1, NoteKind::Status);
    assert_eq!((plain.node(), plain.count(), plain.steps(), plain.percentage()), (None, None, None, None));
    let status = plain.with_count(3);
    assert_eq!((status.count(), status.percentage()), (Some(3), None));
    let moved = Note::new(1, NoteKind::Progress).with_node(Some(node)).with_progress(steps_at(5_000), Some(half));
    assert_eq!((moved.node(), moved.count(), moved.steps()), (Some(node), None, steps_at(5_000)));
    assert_eq!(moved.percentage(), Some(half));
    assert_eq!((progress(1, 1).count(), progress(1, 1).percentage()), (None, None));
}

#[test]
fn note_size_is_at_most_40_bytes() {
    assert!(size_of::<Note>() <= 40, "{}", size_of::<Note>());
    assert!(size_of::<Queue<Note, 16>>() <= 16 * 40 + 24);
}

proptest::proptest! {
    /// At any capacity and with any drain schedule, no end is lost silently and every note is accounted for. Within a
    /// priority of a prompt the order is that of arrival. Of the waiting notes the one with the least rank comes first.
    #[test]
    fn queue_with_any_notes_accounts_for_all(steps in proptest::collection::vec((0_u8..13, 0_u32..2), 0..200)) {
        check_queue::<2>(&steps)?;
        check_queue::<3>(&steps)?;
        check_queue::<16>(&steps)?;
    }
}

fn counted<'a>(notes: impl Iterator<Item = &'a Note>) -> u32 {
    u32::try_from(notes.count()).unwrap()
}

fn check_queue<const N: usize>(steps: &[(u8, u32)]) -> Result<(), proptest::test_runner::TestCaseError> {
    use proptest::{prop_assert, prop_assert_eq};
    let kinds = [
        NoteKind::Progress,
        NoteKind::Progress,
        NoteKind::Progress,
        NoteKind::Progress,
        NoteKind::Status,
        NoteKind::Executing,
        NoteKind::Executed,
        NoteKind::ExecutionStart,
        NoteKind::Warning,
        END,
    ];
    let mut queue = Queue::<Note, N>::new();
    let (mut generation, mut pushed, mut ends) = (1, 0_u32, 0_u32);
    let mut last_progress = None;
    let mut popped = Vec::new();
    let mut popped_since_push = None;
    for (number, (kind, newer)) in (1_u32..).zip(steps) {
        let Some(kind) = kinds.get(usize::from(*kind)) else {
            // Without a push in between, a later note must not be more urgent.
            let Some(note) = queue.pop() else { continue };
            prop_assert!(popped_since_push.is_none_or(|before| before <= rank(&note)));
            popped_since_push = Some(rank(&note));
            popped.push(note);
            continue;
        };
        popped_since_push = None;
        generation += newer;
        pushed += 1;
        ends += u32::from(kind.priority() == Priority::End);
        match kind {
            NoteKind::Progress => last_progress = Some((generation, number)),
            NoteKind::End(_) => last_progress = last_progress.filter(|(of, _)| *of != generation),
            _ => {}
        }
        // The count numbers the notes, so that their order can be checked when they come out.
        let note = Note::new(generation, *kind);
        let note = if *kind == NoteKind::Progress {
            note.with_progress(
                Steps::new(Milli::from_thousandths(i64::from(number)), Milli::from_thousandths(1_000)),
                None,
            )
        } else {
            note.with_count(number)
        };
        queue.push(note);
    }
    popped.extend(core::iter::from_fn(|| queue.pop()));
    let lagged: u32 =
        popped.iter().filter(|note| note.kind() == NoteKind::Lagged).map(|note| note.count().unwrap()).sum();
    let delivered = popped.iter().filter(|note| note.kind() != NoteKind::Lagged);
    prop_assert_eq!(counted(delivered.clone()) + queue.merged() + queue.dropped(), pushed);
    prop_assert_eq!(counted(delivered.clone().filter(|note| note.priority() == Priority::End)) + lagged, ends);
    for priority in [Priority::End, Priority::Change, Priority::Status, Priority::Progress] {
        let of_priority = delivered.clone().filter(|note| note.priority() == priority);
        let numbers: Vec<_> = of_priority
            .map(|note| {
                (note.generation(), note.count().map(i64::from).or(note.steps().map(|s| s.value.thousandths())))
            })
            .collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        prop_assert_eq!(numbers, sorted);
    }
    // Only later progress, an end, or a full queue removes progress.
    let delivered_last = delivered.filter_map(|note| note.steps().map(|steps| steps.value.thousandths())).next_back();
    if queue.dropped() == 0
        && let Some((_, last)) = last_progress
    {
        prop_assert_eq!(delivered_last, Some(i64::from(last)));
    }
    Ok(())
}
