//! Binary messages, in pieces of any size.

use super::*;

fn read_binary(interest: Interest, bytes: &[u8], size: usize) -> Told {
    let (mut told, mut decoder) = (Told::default(), Decoder::<Small>::new(interest));
    bytes.chunks(size.max(1)).for_each(|piece| decoder.binary(piece, &mut told));
    decoder.end_binary(&mut told);
    // The next message is read as if this one had not been.
    let next = message("status", r#"{"status": {"exec_info": {"queue_remaining": 3}}}"#);
    let mut after = Told::default();
    decoder.text(next.as_bytes(), &mut after);
    decoder.end_text(&mut after);
    assert_eq!(after.events, [format!("{:?}", Event::Status { queue_remaining: 3, sid: None })]);
    told
}

/// What the bytes say to who wants all of it, and, without the pieces, to who wants nothing.
#[track_caller]
fn binary(bytes: &[u8]) -> Told {
    let whole = read_binary(Interest::ALL, bytes, bytes.len());
    for size in 1..=bytes.len() {
        assert_eq!(read_binary(Interest::ALL, bytes, size), whole, "pieces of {size}");
    }
    let unwanted = read_binary(Interest::NONE, bytes, 5);
    assert_eq!((unwanted.events.len(), unwanted.parts.len(), unwanted.bytes.len()), (1, 0, 0));
    let name = |told: &Told| told.events[0].split(' ').next().map(str::to_string);
    assert_eq!(name(&unwanted), name(&whole), "checked and counted though nobody subscribed");
    whole
}

#[track_caller]
fn assert_says_binary(parts: &[&[u8]], expected: Event<'_>, body: &[u8]) {
    let told = binary(&parts.concat());
    assert_eq!(told.events, [format!("{expected:?}")]);
    assert_eq!(told.bytes, body);
}

const fn number(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

#[test]
fn previews_and_texts_hand_on_their_bytes() {
    let image: Vec<u8> = (0..=255).collect();
    for (format, meant) in
        [(1, ImageFormat::Jpeg), (2, ImageFormat::Png), (0, ImageFormat::Jpeg), (u32::MAX, ImageFormat::Jpeg)]
    {
        let expected = Event::PreviewImage { format: meant, len: 256 };
        assert_says_binary(&[&number(1), &number(format), &image], expected, &image);
    }
    assert_says_binary(&[&number(1), &number(2)], Event::PreviewImage { format: ImageFormat::Png, len: 0 }, b"");
    let text = "τext\n".as_bytes();
    assert_says_binary(&[&number(3), &number(3), b"4.1", text], Event::ProgressText { node: id("4.1") }, text);
    assert_says_binary(&[&number(3), &number(0), text], Event::ProgressText { node: id("") }, text);
    let long = "é".repeat(ID);
    let cut = id(&long[..ID]);
    assert_says_binary(&[&number(3), &number(64), long.as_bytes()], Event::ProgressText { node: cut }, b"");
}

#[test]
fn a_preview_with_metadata_names_its_node() {
    let named =
        |json: &str, expected: (ImageFormat, Option<&'static str>, Option<&'static str>, Option<&'static str>)| {
            let (format, prompt_id, node_id, display_node_id) = expected;
            let event = Event::PreviewImageWithMetadata {
                format,
                len: 3,
                prompt_id: prompt_id.map(id),
                node_id: node_id.map(id),
                display_node_id: display_node_id.map(id),
            };
            let len = number(u32::try_from(json.len()).unwrap());
            assert_says_binary(&[&number(4), &len, json.as_bytes(), &[1, 2, 3]], event, &[1, 2, 3]);
        };
    let nobody = (ImageFormat::Jpeg, None, None, None);
    named(
        r#"{"node_id": "2.0", "prompt_id": "p", "display_node_id": 2, "parent_node_id": null, "image_type": "image/png"}"#,
        (ImageFormat::Png, Some("p"), Some("2.0"), Some("2")),
    );
    named(r#"{"image_type": "image/jpeg", "node_id": null, "prompt_id": 4}"#, nobody);
    named(r#"{"image_type": "image/pngx", "more": {"node_id": "no"}}"#, nobody);
    // The JSON is not looked into for whether the message is malformed; where it is none, it names nothing.
    for broken in
        ["", "{}", "[]", "null", "{\"node_id\": \"2", "{\"node_id\": \"2\"", "{\"node_id\": \"2\"} x", "\u{0}"]
    {
        named(broken, nobody);
    }
}

#[test]
fn what_is_shorter_than_its_header_is_malformed_and_other_kinds_are_unknown() {
    let whole = [&number(4)[..], &number(5), b"{}"].concat();
    for short in [&b""[..], &[0], &[0, 0, 0], &number(1), &number(3), &number(4), &whole, &whole[..6]] {
        let malformed = Event::Malformed(Malformed { at: short.len() as u64, reason: Reason::Short });
        assert_says_binary(&[short], malformed, b"");
    }
    let text = [&number(3)[..], &number(4), b"abc"].concat();
    assert_says_binary(&[&text], Event::Malformed(Malformed { at: 11, reason: Reason::Short }), b"");
    let lie = [&number(3)[..], &number(u32::MAX), b"abc"].concat();
    assert_says_binary(&[&lie], Event::Malformed(Malformed { at: 11, reason: Reason::Short }), b"");
    for kind in [0, 2, 5, 256, u32::MAX] {
        assert_says_binary(&[&number(kind)], Event::UnknownBinary { kind }, b"");
        assert_says_binary(&[&number(kind), b"what follows"], Event::UnknownBinary { kind }, b"");
    }
}
