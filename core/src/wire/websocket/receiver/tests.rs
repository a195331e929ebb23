//! Frames that a server may and may not send, in every split, at and beside each limit.

use super::*;
use proptest::prelude::*;
use std::{format, string::String, vec, vec::Vec};

/// A received message, with its pieces joined, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

use Item::{Message as Whole, Ping, Pong};
use MessageKind::{Binary, Text};

/// All items received from `pieces`, and the error if there was one.
fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Item>, Result<(), ProtocolError>) {
    let mut receiver = Receiver::new();
    let mut items = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for mut piece in pieces {
        loop {
            match receiver.next(&mut piece) {
                Ok(None) => break,
                Ok(Some(Received::Data { kind, bytes, first, last })) => {
                    assert_eq!(first, open.is_none(), "only the first piece is the first");
                    assert!(!bytes.is_empty() || last, "only the last piece may be empty");
                    let mut message = open.take().unwrap_or_default();
                    message.extend_from_slice(bytes);
                    if last {
                        items.push(Whole(kind, message));
                    } else {
                        open = Some(message);
                    }
                }
                Ok(Some(Received::Ping(payload))) => items.push(Ping(payload.into())),
                Ok(Some(Received::Pong(payload))) => items.push(Pong(payload.into())),
                Ok(Some(Received::Close { code, reason })) => items.push(Item::Close(code, reason.into())),
                Err(error) => {
                    assert!(receiver.is_finished());
                    assert_eq!(receiver.next(&mut &b"\x81\x00"[..]), Err(error), "an error stays");
                    return (items, Err(error));
                }
            }
        }
        assert!(piece.is_empty(), "the input is used up");
    }
    (items, Ok(()))
}

/// Asserts that every split of `bytes` in two, and pieces of 1 to 9 bytes, give the same as the whole. Returns that.
fn in_every_split(bytes: &[u8]) -> (Vec<Item>, Result<(), ProtocolError>) {
    let whole = receive([bytes]);
    for at in 0..=bytes.len() {
        let (left, right) = bytes.split_at(at);
        assert_eq!(receive([left, right]), whole, "split at {at}");
    }
    for size in 1..10 {
        assert_eq!(receive(bytes.chunks(size)), whole, "pieces of {size}");
    }
    whole
}

fn accepted(bytes: &[u8]) -> Vec<Item> {
    let (items, end) = in_every_split(bytes);
    assert_eq!(end, Ok(()), "{bytes:x?}");
    items
}

fn refused(bytes: &[u8]) -> ProtocolError {
    let (_, end) = in_every_split(bytes);
    // The last byte is the first wrong one.
    assert_eq!(receive([bytes.split_last().unwrap().1]).1, Ok(()), "{bytes:x?}");
    end.expect_err("refused")
}

/// Writes a frame as a server does, apart from the code under test.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        short @ 0..126 => vec![u8::try_from(short).unwrap()],
        middle @ 126..65_536 => [&[126], &u16::try_from(middle).unwrap().to_be_bytes()[..]].concat(),
        long => [&[127], &u64::try_from(long).unwrap().to_be_bytes()[..]].concat(),
    };
    [&[first][..], &length, payload].concat()
}

#[test]
fn next_frame_of_each_kind_is_received() {
    let bytes = [
        frame(0x81, "grün".as_bytes()),
        frame(0x89, b"are you there"),
        frame(0x82, &[0, 0xFF, 0x80]),
        frame(0x8A, b""),
        frame(0x88, b"\x03\xE8bye"),
    ]
    .concat();
    let expected = [
        Whole(Text, "grün".into()),
        Ping(b"are you there".into()),
        Whole(Binary, vec![0, 0xFF, 0x80]),
        Pong(vec![]),
        Item::Close(Some(1000), "bye".into()),
    ];
    assert_eq!(accepted(&bytes), expected);
}

#[test]
fn next_payload_of_any_length_is_received() {
    for length in [0, 1, 125, 126, 127, 255, 256] {
        let payload = vec![b'x'; length];
        assert_eq!(accepted(&frame(0x82, &payload)), [Whole(Binary, payload.clone())], "{length} bytes");
        assert_eq!(accepted(&frame(0x81, &payload)), [Whole(Text, payload)], "{length} bytes");
    }
    for length in [65_534, 65_535, 65_536, 65_537] {
        let (payload, expected) = (vec![7; length], (vec![Whole(Binary, vec![7; length])], Ok(())));
        let bytes = frame(0x82, &payload);
        for size in [1, 9, 1460, bytes.len()] {
            assert!(receive(bytes.chunks(size)) == expected, "{length} bytes in pieces of {size}");
        }
    }
}

#[test]
fn next_longest_frame_is_returned_in_pieces() {
    let mut receiver = Receiver::new();
    let mut input: &[u8] = b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFabc";
    let piece = receiver.next(&mut input);
    assert_eq!(piece, Ok(Some(Received::Data { kind: Binary, bytes: b"abc", first: true, last: false })));
    for _ in 0..100 {
        let piece = receiver.next(&mut &[1; 1460][..]);
        assert_eq!(piece, Ok(Some(Received::Data { kind: Binary, bytes: &[1; 1460], first: false, last: false })));
    }
}

#[test]
fn next_fragments_with_control_frames_between_are_one_message() {
    let bytes = [
        frame(0x01, b"\xC3"),
        frame(0x89, b"1"),
        frame(0x00, b""),
        frame(0x00, b"\xBCb"),
        frame(0x8A, b"2"),
        frame(0x80, b""),
        frame(0x02, b""),
        frame(0x80, b"c"),
        frame(0x01, b""),
        frame(0x00, b""),
        frame(0x80, b""),
    ]
    .concat();
    let expected = [
        Ping(b"1".into()),
        Pong(b"2".into()),
        Whole(Text, "üb".into()),
        Whole(Binary, b"c".into()),
        Whole(Text, vec![]),
    ];
    assert_eq!(accepted(&bytes), expected);
}

#[test]
fn next_empty_message_is_one_piece() {
    let mut receiver = Receiver::new();
    let mut input: &[u8] = b"\x81\x00";
    let piece = receiver.next(&mut input);
    assert_eq!(piece, Ok(Some(Received::Data { kind: Text, bytes: b"", first: true, last: true })));
    assert_eq!(receiver.next(&mut input), Ok(None));
}

#[test]
fn next_reserved_bit_on_any_frame_is_an_error() {
    for bit in [0x40, 0x20, 0x10] {
        for first in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8A] {
            assert_eq!(refused(&[first | bit]), ProtocolError::ReservedBits);
        }
        assert_eq!(refused(&[0x01, 0x00, 0x80 | bit]), ProtocolError::ReservedBits, "on a continuation");
    }
}

#[test]
fn next_undefined_opcode_is_an_error() {
    for opcode in 0..16 {
        match opcode {
            0 => assert_eq!(refused(&[0x80]), ProtocolError::StrayContinuation),
            1 | 2 | 8..=10 => assert_eq!(receive([&[0x80 | opcode][..]]).1, Ok(())),
            _ => assert_eq!(refused(&[0x80 | opcode]), ProtocolError::Opcode),
        }
    }
    assert_eq!(refused(&[0x01, 0x00, 0x83]), ProtocolError::Opcode, "inside a message too");
}

#[test]
fn next_masked_frame_is_an_error_before_its_mask() {
    for first in [0x81, 0x82, 0x88, 0x89, 0x8A] {
        for length in [0x80, 0xFD, 0xFE, 0xFF] {
            assert_eq!(refused(&[first, length]), ProtocolError::Masked);
        }
    }
}

#[test]
fn next_fragmented_or_long_control_frame_is_an_error() {
    for opcode in [8, 9, 10] {
        assert_eq!(refused(&[opcode]), ProtocolError::FragmentedControl);
        for length in [126, 127] {
            assert_eq!(refused(&[0x80 | opcode, length]), ProtocolError::LongControl);
        }
    }
    assert_eq!(accepted(&frame(0x89, &[9; 125])), [Ping(vec![9; 125])]);
    assert_eq!(accepted(&frame(0x8A, &[9; 125])), [Pong(vec![9; 125])]);
    let reason = "r".repeat(123);
    let close = frame(0x88, &[&1000_u16.to_be_bytes(), reason.as_bytes()].concat());
    assert_eq!(accepted(&close), [Item::Close(Some(1000), reason)]);
}

#[test]
fn next_fragments_out_of_order_are_an_error() {
    assert_eq!(refused(b"\x00"), ProtocolError::StrayContinuation);
    assert_eq!(refused(b"\x80"), ProtocolError::StrayContinuation);
    assert_eq!(refused(b"\x81\x01a\x80"), ProtocolError::StrayContinuation, "after a whole message");
    assert_eq!(refused(b"\x01\x01a\x80\x01b\x00"), ProtocolError::StrayContinuation, "after the last fragment");
    for begin in [0x01, 0x02, 0x81, 0x82] {
        assert_eq!(refused(&[0x01, 0x01, b'a', begin]), ProtocolError::InterruptedMessage);
        assert_eq!(refused(&[0x02, 0x00, 0x00, 0x01, b'a', begin]), ProtocolError::InterruptedMessage);
    }
}

#[test]
fn next_length_not_in_shortest_form_is_an_error() {
    for length in [0, 1, 125_u16] {
        let bytes = [&[0x82, 126], &length.to_be_bytes()[..]].concat();
        assert_eq!(refused(&bytes), ProtocolError::LengthForm, "{length}");
    }
    for length in [0, 125, 126, 65_535_u64] {
        let bytes = [&[0x82, 127], &length.to_be_bytes()[..]].concat();
        assert_eq!(refused(&bytes), ProtocolError::LengthForm, "{length}");
    }
    assert_eq!(receive([&b"\x82\x7E\x00\x7E"[..]]).1, Ok(()));
    assert_eq!(receive([&b"\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"[..]]).1, Ok(()));
}

#[test]
fn next_complete_text_in_one_piece_is_checked_like_its_bytes() {
    let ended = |bytes: &[u8]| in_every_split(bytes).1;
    for length in [0, 1, 125_u16] {
        let bytes = [&[0x81, 126], &length.to_be_bytes()[..], &vec![b'a'; usize::from(length)]].concat();
        assert_eq!(ended(&bytes), Err(ProtocolError::LengthForm), "{length}");
    }
    let interrupting = [&b"\x01\x01a"[..], &frame(0x81, &[b'b'; 40])].concat();
    assert_eq!(ended(&interrupting), Err(ProtocolError::InterruptedMessage));
    for length in [1, 15, 16, 17, 125, 126, 127, 300] {
        let mut text = vec![b'a'; length];
        for at in 0..length {
            text[at] = 0xFF;
            assert_eq!(receive([&frame(0x81, &text)[..]]).1, Err(ProtocolError::Utf8), "{at} of {length}");
            text[at] = b'a';
        }
    }
}

#[test]
fn next_length_of_two_to_the_63_is_an_error() {
    assert_eq!(refused(b"\x82\x7F\x80"), ProtocolError::LengthRange);
    assert_eq!(refused(b"\x81\x7F\xFF"), ProtocolError::LengthRange);
    assert_eq!(receive([&b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..]]).1, Ok(()));
}

#[test]
fn next_close_code_that_is_not_allowed_is_an_error() {
    for code in 0..=u16::MAX {
        let bytes = frame(0x88, &code.to_be_bytes());
        let may = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let expected = if may {
            (vec![Item::Close(Some(code), String::new())], Ok(()))
        } else {
            (vec![], Err(ProtocolError::CloseCode))
        };
        assert_eq!(receive([&bytes[..]]), expected, "{code}");
    }
    assert_eq!(accepted(b"\x88\x00"), [Item::Close(None, String::new())]);
    assert_eq!(refused(b"\x88\x01\x03"), ProtocolError::ClosePayload);
    assert_eq!(refused(b"\x88\x03\x03\xE8\xFF"), ProtocolError::Utf8);
    assert_eq!(refused(b"\x88\x03\x03\xE8\xC3"), ProtocolError::Utf8, "cut off");
    assert_eq!(accepted(b"\x88\x04\x03\xE8\xC3\xBC"), [Item::Close(Some(1000), "ü".into())]);
}

#[test]
fn next_after_a_close_is_none() {
    let mut receiver = Receiver::new();
    let mut input: &[u8] = b"\x88\x02\x03\xE8\x81\x01a";
    assert_eq!(receiver.next(&mut input), Ok(Some(Received::Close { code: Some(1000), reason: "" })));
    assert!(receiver.is_finished());
    assert_eq!((receiver.next(&mut input), input), (Ok(None), &b""[..]));
    assert_eq!(receiver.next(&mut &b"\xFF"[..]), Ok(None));
}

#[test]
fn next_text_that_is_not_utf8_is_an_error_at_its_first_wrong_byte() {
    // Autobahn 6.4: in one frame, in two, and cut inside the character.
    assert_eq!(refused(b"\x81\x15\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90"), ProtocolError::Utf8);
    assert_eq!(refused(b"\x01\x01\xF4\x80\x01\x90"), ProtocolError::Utf8);
    assert_eq!(refused(b"\x01\x02\xED\x9F\x89\x00\x80\x01\x20"), ProtocolError::Utf8);
    assert_eq!(refused(b"\x81\x01\xC3"), ProtocolError::Utf8, "cut off at the message's end");
    assert_eq!(refused(b"\x01\x01\xC3\x80\x00"), ProtocolError::Utf8, "seen at the last fragment, an empty one");
    // A binary message is not checked, and the next message starts anew.
    assert_eq!(accepted(b"\x82\x01\xC3\x81\x01a").len(), 2);
}

#[test]
fn protocol_error_has_a_close_code_and_names_the_server() {
    assert_eq!(ProtocolError::Utf8.close_code(), 1007);
    assert_eq!(ProtocolError::Masked.close_code(), 1002);
    assert!(format!("{}", ProtocolError::ReservedBits).starts_with("the server or a proxy broke"));
}

fn any_payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..8),
        3 => "\\PC{0,5}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 120..132),
    ]
}

proptest! {
    #[test]
    fn next_any_frames_in_any_pieces_are_as_the_whole(
        frames in prop::collection::vec((prop_oneof![8 => Just(0x80_u8), 1 => any::<u8>()], 0..11_u8, any_payload()), 1..5),
        cuts in prop::collection::vec(1..20_usize, 1..8),
    ) {
        let bytes = frames.iter().flat_map(|(flags, opcode, payload)| frame(flags & 0xF0 | opcode, payload)).collect::<Vec<_>>();
        let mut rest = &bytes[..];
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(receive(pieces), receive([&bytes[..]]));
    }
}
