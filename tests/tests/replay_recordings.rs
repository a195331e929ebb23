//! Every recording, replayed through the core, ends in what the model pinned: whole, cut at rows, and in pieces.

use comfyglow::{recording::Recording, replay::Replay};
use comfyglow_tests::{compare, expected, name_of, pinned, traces};
use serde_json::Value;

/// Recordings up to this size are played at every pinned cut, in every piece size.
const SMALL: u64 = 300_000;

fn snapshot(recording: &Recording, replay: &Replay) -> Value {
    let replayed = replay.play(recording).expect("the recording is sound");
    serde_json::to_value(replayed.session.state().snapshot(replayed.now)).expect("it is JSON")
}

#[test]
fn every_recording_ends_as_pinned_whole_cut_and_in_pieces() {
    let mut played = 0;
    for file in traces() {
        let name = name_of(&file);
        let recording = Recording::read(&file).expect("the recording can be read");
        let small = std::fs::metadata(&file).is_ok_and(|m| m.len() <= SMALL);
        // A recording of your own is not pinned: what it means, the model says.
        let results = || pinned::results(&recording).expect("the model plays it");
        for connection in expected(&name).unwrap_or_else(results) {
            for cut in &connection.cuts {
                let whole = cut.rows == recording.rows.len();
                let pieces: &[usize] = if whole { &[usize::MAX, 1460, 64, 7, 1] } else { &[usize::MAX, 7] };
                for &pieces in if small || whole { pieces } else { &[] } {
                    let replay = Replay { conn: connection.conn, rows: cut.rows, pieces };
                    if let Some(difference) = compare::mismatch(&cut.snapshot, &snapshot(&recording, &replay)) {
                        panic!("{name}, {replay:?}: {difference}");
                    }
                    played += 1;
                }
            }
        }
    }
    assert!(played > 1_000, "only {played} replays");
}
