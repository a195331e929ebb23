//! Very many messages, of every kind, in any order: constant memory, right counts, no panic.

use comfyglow_core::{
    capacity::GadgetCapacity,
    session::{Config, Link},
    state::{Messages, Percentage, PromptState},
    time::Instant,
    wire::{Input, Wire},
};
use comfyglow_tests::{
    ServerMessage, frame,
    model::Model,
    settle,
    strategies::{
        messages::{any_message, binary, mutated},
        sessions::legal_session,
    },
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

/// A message as bytes, and how it counts.
struct Message {
    frame: Vec<u8>,
    counts: Messages,
}

/// Some thousand messages, the same at each run: a server's, others, spoiled and damaged ones.
fn messages() -> Vec<Message> {
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut make =
        |strategy: &BoxedStrategy<Vec<ServerMessage>>| strategy.new_tree(&mut runner).expect("it makes one").current();
    let legal = legal_session().prop_map(|session| session.wire).boxed();
    let any = prop_oneof![
        4 => any_message().prop_map(ServerMessage::Text),
        2 => mutated().prop_map(ServerMessage::Text),
        1 => binary(),
    ];
    let any = any.prop_map(|wire| vec![wire]).boxed();
    let mut all: Vec<ServerMessage> = (0..40).flat_map(|_| make(&legal)).collect();
    all.extend((0..3_000).flat_map(|_| make(&any)));
    all.iter().filter_map(judged).collect()
}

/// How the model counts the message; `None` where SNAPSHOT.md leaves that open.
fn judged(wire: &ServerMessage) -> Option<Message> {
    let mut model = Model::new();
    match wire {
        ServerMessage::Text(text) => model.text(0.0, text),
        ServerMessage::Binary(bytes) => model.binary(0.0, bytes),
    }
    let counted = &model.snapshot(0.0)["messages"];
    let count = |field: &str| counted[field].as_u64().and_then(|n| u32::try_from(n).ok()).expect("it is a count");
    let [text, binary, malformed, unknown] = ["text", "binary", "malformed", "unknown"].map(count);
    (!model.is_open()).then(|| Message { frame: frame(wire), counts: Messages { text, binary, malformed, unknown } })
}

/// Plays so many of them, picked at random, cut in pieces of any size.
fn play(count: u32) {
    let messages = messages();
    let config = Config::attached();
    let mut session = Wire::<GadgetCapacity>::new(config, 1);
    session.attach(Instant::ZERO);
    let mut expected = Messages::default();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |end: usize| {
        // Marsaglia's xorshift: all that is needed is that it goes everywhere.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % end as u64).expect("it is less than a usize")
    };
    let measured = allocation_counter::measure(|| {
        let mut at = 0;
        for n in 0..u64::from(count) {
            // Mostly the next one, so that prompts run to their ends.
            at = if below(20) == 0 { below(messages.len()) } else { (at + 1) % messages.len() };
            let message = &messages[at];
            let now = Instant::from_millis(n);
            for piece in message.frame.chunks(1 + below(1_460)) {
                session.handle_input(now, Input::Bytes(Link::Socket, piece));
            }
            settle(&mut session, now, &mut ());
            expected.text += message.counts.text;
            expected.binary += message.counts.binary;
            expected.malformed += message.counts.malformed;
            expected.unknown += message.counts.unknown;
            assert_eq!(session.state().messages(), expected, "message {n}");
            if let Some(prompt) = session.view(now).prompt {
                let most = if prompt.state == PromptState::Success { Percentage::FULL } else { Percentage::ALMOST };
                assert!(prompt.percentage <= Some(most));
            }
        }
    });
    assert_eq!(measured.count_total, 0, "allocations");
    assert!(!session.is_over());
    println!("{expected:?}");
}

#[test]
fn thirty_thousand_random_messages() {
    play(30_000);
}

#[test]
#[ignore = "half a minute long"]
fn a_million_random_messages() {
    play(1_000_000);
}
