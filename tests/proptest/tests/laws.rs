//! The laws hold of the core, of the smallest capacities that a server's messages need, so that each overflows; and they
//! are broken by a reducer that breaks them.

use comfyglow_core::{
    capacity::GadgetCapacity,
    event::Event,
    reducer::{Action, apply},
    state::Changes,
    state::State,
    time::{Duration, Instant},
};
use comfyglow_proptest::{
    actions::{Act, Said},
    capacities::{SmallCapacity, TinyCapacity},
    laws::{Laws, Reducer, check_reducer},
};

#[test]
fn they_hold_of_what_the_smallest_state_hears() {
    Laws::new().heard::<SmallCapacity>();
}

#[test]
fn they_hold_of_a_gadget() {
    Laws::new().check::<GadgetCapacity>();
}

#[test]
fn they_hold_of_the_smallest_state() {
    Laws::new().cases(700).reducer::<TinyCapacity>();
}

/// Forgets malformed messages.
struct Forgetful(State<SmallCapacity>);

impl Reducer<SmallCapacity> for Forgetful {
    fn reduce(&mut self, now: Instant, action: Action<'_>) -> Changes {
        match action {
            Action::Text(Event::Malformed(_)) => Changes::NONE,
            action => apply(&mut self.0, now, action, &mut ()),
        }
    }

    fn state(&self) -> &State<SmallCapacity> {
        &self.0
    }
}

#[test]
#[should_panic(expected = "the messages are counted")]
fn they_are_broken_by_what_breaks_them() {
    let actions = [(Act::Message(Said::Malformed), Duration::from_secs(1))];
    check_reducer(&mut Forgetful(State::new()), &actions);
}
