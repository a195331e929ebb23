//! The core, fed whole messages and pieces of any size, says after each message what the model says.

use comfyglow_tests::{
    compare,
    lockstep::{Core, compare_all},
    strategies::sessions,
    vectors,
};
use proptest::prelude::*;

#[test]
fn the_worked_examples_in_every_piece_size() {
    for vector in vectors() {
        let nodes_total: Vec<_> = vector.nodes_total.into_iter().collect();
        for pieces in (1..=64).chain([usize::MAX]) {
            let mut core = Core::new(&nodes_total);
            for (t_ms, wire) in (0..).zip(&vector.wire) {
                core.hear(t_ms, wire, pieces);
            }
            if let Some(difference) = compare::mismatch(&vector.expect, &core.snapshot()) {
                panic!("{} in pieces of {pieces}: {difference}", vector.name);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_session(session in sessions::any_session(), pieces in prop::collection::vec(1_usize..200, 1..8)) {
        compare_all(&session.nodes_total, &session.wire, &pieces);
    }

    #[test]
    fn hostile_sessions(session in sessions::hostile()) {
        compare_all(&session.nodes_total, &session.wire, &[usize::MAX, 1, 13]);
    }
}
