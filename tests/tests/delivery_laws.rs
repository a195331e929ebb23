//! What holds of delivery, whatever is heard: subscribers change nothing, and no end is kept from them unsaid.

use comfyglow_core::{
    capacity::DesktopCapacity,
    queue::{Note, NoteKind, Priority},
    reducer::Observer,
    session::{Config, Link},
    subscription::{Subscription, Topics},
    time::Instant,
    wire::{Input, Wire},
};
use comfyglow_tests::{
    frame, settle,
    strategies::sessions::{Session as Heard, any_session},
};
use proptest::{collection, prelude::*};

const CONFIG: Config<'static> = Config::attached();

/// Plays what was heard and returns the snapshot after each message; `between` is told of each message's number.
fn play<O: Observer<DesktopCapacity>>(
    heard: &Heard,
    observer: &mut O,
    mut between: impl FnMut(usize, &mut O),
) -> Vec<String> {
    let mut session = Box::new(Wire::<DesktopCapacity>::new(CONFIG, 0));
    session.attach(Instant::ZERO);
    let snapshots = heard.wire.iter().enumerate().map(|(number, wire)| {
        session.handle_input_with(Instant::ZERO, Input::Bytes(Link::Socket, &frame(wire)), observer);
        settle(&mut session, Instant::ZERO, observer);
        between(number, observer);
        serde_json::to_string(&session.state().snapshot(Instant::ZERO)).expect("it is JSON")
    });
    snapshots.collect()
}

/// What a subscriber with room for `N` notes is told, who takes as many after each message as `drains` says, in a circle,
/// and all in the end; and the snapshots.
fn subscribed<const N: usize>(heard: &Heard, drains: &[usize]) -> (Vec<Note>, u32, Vec<String>) {
    let (mut subscription, mut told) = (Subscription::<N>::new(Topics::ALL), Vec::new());
    let snapshots = play(heard, &mut subscription, |number, subscription| {
        let takes = drains[number % drains.len()];
        told.extend(std::iter::from_fn(|| subscription.next()).take(takes));
    });
    told.extend(std::iter::from_fn(|| subscription.next()));
    (told, subscription.queue().dropped(), snapshots)
}

/// Errors and ends that were told, or told to be lost.
fn ends(notes: &[Note]) -> u32 {
    let of = |note: &Note| match note.kind() {
        NoteKind::Lagged => note.count().expect("it tells how many"),
        kind => u32::from(kind.priority() == Priority::End),
    };
    notes.iter().map(of).sum()
}

proptest! {
    #[test]
    fn the_state_is_the_same_with_any_capacity_and_any_drain_schedule(
        heard in any_session(),
        drains in collection::vec(0_usize..6, 1..5),
    ) {
        let alone = play(&heard, &mut (), |_, ()| {});
        let (all, dropped, snapshots) = subscribed::<1_024>(&heard, &[usize::MAX]);
        prop_assert_eq!(&snapshots, &alone);
        prop_assert_eq!(dropped, 0);
        for (told, _, snapshots) in
            [subscribed::<2>(&heard, &drains), subscribed::<3>(&heard, &[0]), subscribed::<16>(&heard, &drains)]
        {
            prop_assert_eq!(&snapshots, &alone);
            prop_assert_eq!(ends(&told), ends(&all), "no end is lost unsaid");
        }
    }

    #[test]
    fn who_keeps_up_hears_what_the_state_says(heard in any_session()) {
        let (told, _, snapshots) = subscribed::<1_024>(&heard, &[usize::MAX]);
        let last: serde_json::Value = snapshots.last().map_or_else(Default::default, |last| {
            serde_json::from_str(last).expect("it is JSON")
        });
        let prompt = &last["prompt"];
        let starts = told.iter().filter(|note| note.kind() == NoteKind::ExecutionStart).count();
        prop_assert_eq!(starts == 0, prompt.is_null());
        let generations = told.iter().map(Note::generation);
        prop_assert!(generations.is_sorted(), "no prompt overtakes another");
        let final_end = told.iter().rev().find_map(|note| match note.kind() {
            NoteKind::End(state) if state.is_final() => Some((note.generation(), state.name())),
            _ => None,
        });
        let is_final = ["success", "error", "interrupted"].iter().any(|state| prompt["state"] == *state);
        if is_final {
            let (generation, state) = final_end.expect("the end was told");
            prop_assert_eq!(usize::try_from(generation).ok(), Some(starts));
            prop_assert_eq!(state, prompt["state"].as_str().unwrap());
        }
    }
}
