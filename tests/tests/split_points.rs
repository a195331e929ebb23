//! Wherever a message is cut in two, and byte by byte, the decoder tells the same events and parts as of the whole.

use comfyglow_tests::{
    ServerMessage, bench_messages, bench_session,
    strategies::messages::{any_message, binary, mutated},
    told::{Teller, Told},
    vectors,
};
use proptest::prelude::*;

/// Bytes that a test reads of one message at most, in all splits of it together. Only of `x_progress_state200`, whose
/// 39,681 split points would take a minute, just each 15th is tried, and all of the first and last.
const BUDGET: usize = 100_000_000;
/// How many of the first and last split points are always tried.
const EDGE: usize = 300;

/// The split points to try of a message of `len` bytes.
fn split_points(len: usize) -> impl Iterator<Item = usize> {
    // Odd, so that over the entries, which are alike, all places in one are met.
    let stride = (len * len / BUDGET) | 1;
    (0..=len).filter(move |at| at % stride == 0 || *at < EDGE || *at > len.saturating_sub(EDGE))
}

/// Reads `message` in all of these splits.
fn check(name: &str, message: &ServerMessage) -> Told {
    let mut teller = Teller::default();
    let all = message.bytes();
    let whole = teller.whole(message);
    assert_eq!(whole.events.len(), 1, "{name}");
    assert_eq!(teller.read(message, all.chunks(1)), whole, "{name}, byte by byte");
    for at in split_points(all.len()) {
        let (first, second) = all.split_at(at);
        assert_eq!(teller.read(message, [first, second]), whole, "{name}, split at {at}");
    }
    whole
}

#[test]
fn every_message_of_the_benchmarks() {
    let messages = bench_messages();
    assert_eq!(messages.len(), 15);
    for (name, text) in messages {
        let told = check(&name, &ServerMessage::Text(text));
        assert!(!told.events[0].starts_with("Malformed"), "{name}: {told:?}");
    }
}

#[test]
fn every_message_of_a_session() {
    for (n, text) in bench_session().into_iter().enumerate() {
        // The long ones differ in an entry from line to line.
        if n % 30 == 0 || text.len() < 1_000 {
            check(&format!("line {n}"), &ServerMessage::Text(text));
        }
    }
}

#[test]
fn every_message_of_the_worked_examples() {
    for vector in vectors() {
        for (n, message) in vector.wire.iter().enumerate() {
            check(&format!("{}, message {n}", vector.name), message);
        }
    }
}

proptest! {
    #[test]
    fn any_message_broken_ones_too(
        message in prop_oneof![
            4 => mutated().prop_map(ServerMessage::Text).boxed(),
            1 => any_message().prop_map(ServerMessage::Text).boxed(),
            1 => binary().boxed(),
        ],
    ) {
        // Splits of long ones cost too much here.
        if message.bytes().len() < 2_000 {
            check("it", &message);
        }
    }
}
