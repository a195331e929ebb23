//! Predicting the server's spelling and looking at every byte mean the same: the same events and parts, in the same
//! order, whatever the message and however it is cut.

use comfyglow_tests::{
    ServerMessage, fixtures,
    prediction::assert_same,
    strategies::{messages, sessions},
};
use proptest::prelude::*;

#[test]
fn the_benchmarks_messages_in_pieces_of_every_size() {
    let session = std::fs::read(fixtures().join("bench-messages/session.ndjson")).expect("it is in the repository");
    for message in session.split(|byte| *byte == b'\n') {
        for pieces in 1..=70 {
            assert_same(&[message], &[pieces]);
        }
    }
}

/// Every byte of every kind of message, spoiled in some ways, ends in the same for both.
#[test]
fn each_byte_spoiled() {
    for kind in [
        "progress",
        "progress_state5",
        "executing",
        "executing_null",
        "status",
        "status_sid",
        "execution_start",
        "execution_cached20",
        "executed4",
        "feature_flags",
    ] {
        let file = fixtures().join(format!("bench-messages/{kind}.json"));
        let message = std::fs::read(file).expect("it is in the repository");
        for at in 0..message.len() {
            for spoiled in [b'"', b' ', b'0', b'}', b'{', b',', b'x', b'\\', b'-'] {
                let mut spoiled_message = message.clone();
                spoiled_message[at] = spoiled;
                assert_same(&[&spoiled_message, &message], &[usize::MAX]);
            }
            assert_same(&[&message[..at], &message], &[usize::MAX]);
            assert_same(&[&message[at..], &message], &[7]);
        }
    }
}

/// The same for entries of `nodes` that another program than the server spelled.
#[test]
fn each_byte_of_other_spellings_spoiled() {
    for message in [
        r#"{"type":"progress_state","data":{"prompt_id":"p","nodes":{"3":{"value":1.0,"max":2,"state":"running","x":null},"4":{"max":1.0,"value":1.0,"display_node_id":"4","node_id":"4","state":"finished"}}}}"#,
        r#"{"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"3" : { "state" : "odd" , "max" : 20 ,"value":	0.5 , "parent_node_id": "1"} , "4": {"value": 1, "value": 2, "max": -1, "state": "running"}}}}"#,
    ] {
        for at in 0..message.len() {
            for spoiled in [b'"', b' ', b'0', b'}', b'{', b',', b'x', b'\\', b'-'] {
                let mut spoiled_message = message.as_bytes().to_vec();
                spoiled_message[at] = spoiled;
                assert_same(&[&spoiled_message, message.as_bytes()], &[usize::MAX]);
                assert_same(&[&spoiled_message, message.as_bytes()], &[11]);
            }
            assert_same(&[&message.as_bytes()[..at], message.as_bytes()], &[at.max(1)]);
        }
    }
}

proptest! {
    #[test]
    fn any_messages(
        wire in prop::collection::vec(prop_oneof![messages::any_message(), messages::mutated()], 1..4),
        pieces in prop::collection::vec(1_usize..80, 1..6),
    ) {
        let wire: Vec<&[u8]> = wire.iter().map(String::as_bytes).collect();
        assert_same(&wire, &pieces);
        assert_same(&wire, &[usize::MAX]);
    }

    #[test]
    fn sessions(session in sessions::any_session(), pieces in prop::collection::vec(1_usize..200, 1..6)) {
        let texts: Vec<&[u8]> = session.wire.iter().filter_map(|wire| match wire {
            ServerMessage::Text(text) => Some(text.as_bytes()),
            ServerMessage::Binary(_) => None,
        }).collect();
        assert_same(&texts, &pieces);
    }

    /// The server's spelling with edits, which breaks predictions in the middle.
    #[test]
    fn edited(edits in messages::edits(), pieces in prop::collection::vec(1_usize..200, 1..4)) {
        for kind in ["progress", "progress_state5", "executing", "status_sid"] {
            let file = fixtures().join(format!("bench-messages/{kind}.json"));
            let message = std::fs::read(file).expect("it is in the repository");
            let edited = messages::mutate(message, &edits);
            assert_same(&[&edited], &pieces);
            assert_same(&[&edited], &[usize::MAX]);
        }
    }
}

/// Found by the fuzz target `prediction`: what stood before a fault was told only where a piece's end stood between.
#[test]
fn a_text_is_told_up_to_its_fault_however_it_is_cut() {
    let message = b"{\"type\": \"logs\", \"data\": {\"entries\": [{\"t\": \"x\", \"m\": \"pace\x15\"}]}}";
    for size in 1..=message.len() {
        assert_same(&[message], &[size]);
    }
}
