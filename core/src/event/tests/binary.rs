//! Binary messages, in pieces of any size.

use super::*;

fn read_binary(interest: Interest, bytes: &[u8], size: usize) -> Recorder {
    let (mut recorded, mut decoder) = (Recorder::default(), Decoder::<Small>::new(interest));
    bytes.chunks(size.max(1)).for_each(|piece| decoder.binary(piece, &mut recorded));
    decoder.end_binary(&mut recorded);
    // The next message must not be affected.
    let next = message("status", r#"{"status": {"exec_info": {"queue_remaining": 3}}}"#);
    let mut after = Recorder::default();
    decoder.text(next.as_bytes(), &mut after);
    decoder.end_text(&mut after);
    assert_eq!(after.events, [format!("{:?}", Event::Status { queue_remaining: 3, sid: None })]);
    recorded
}

/// What the message reports with [`Interest::ALL`]; asserts that pieces of any size report the same, and that
/// [`Interest::NONE`] gets the event alone.
#[track_caller]
fn binary(bytes: &[u8]) -> Recorder {
    let whole = read_binary(Interest::ALL, bytes, bytes.len());
    for size in 1..=bytes.len() {
        assert_eq!(read_binary(Interest::ALL, bytes, size), whole, "pieces of {size}");
    }
    let unwanted = read_binary(Interest::NONE, bytes, 5);
    assert_eq!((unwanted.events.len(), unwanted.parts.len(), unwanted.bytes.len()), (1, 0, 0));
    let name = |recorded: &Recorder| recorded.events[0].split(' ').next().map(str::to_string);
    assert_eq!(name(&unwanted), name(&whole), "the event does not depend on the interest");
    whole
}

#[track_caller]
fn assert_binary_event(parts: &[&[u8]], expected: Event<'_>, body: &[u8]) {
    let recorded = binary(&parts.concat());
    assert_eq!(recorded.events, [format!("{expected:?}")]);
    assert_eq!(recorded.bytes, body);
}

const fn number(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

#[test]
fn binary_preview_and_text_report_their_bytes() {
    let image: Vec<u8> = (0..=255).collect();
    for (format, meant) in
        [(1, ImageFormat::Jpeg), (2, ImageFormat::Png), (0, ImageFormat::Jpeg), (u32::MAX, ImageFormat::Jpeg)]
    {
        let expected = Event::PreviewImage { format: meant, len: 256 };
        assert_binary_event(&[&number(1), &number(format), &image], expected, &image);
    }
    assert_binary_event(&[&number(1), &number(2)], Event::PreviewImage { format: ImageFormat::Png, len: 0 }, b"");
    let text = "τext\n".as_bytes();
    assert_binary_event(&[&number(3), &number(3), b"4.1", text], Event::ProgressText { node: id("4.1") }, text);
    assert_binary_event(&[&number(3), &number(0), text], Event::ProgressText { node: id("") }, text);
    let long = "é".repeat(ID);
    let cut = id(&long[..ID]);
    assert_binary_event(&[&number(3), &number(64), long.as_bytes()], Event::ProgressText { node: cut }, b"");
}

#[test]
fn preview_with_metadata_names_prompt_and_node() {
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
            assert_binary_event(&[&number(4), &len, json.as_bytes(), &[1, 2, 3]], event, &[1, 2, 3]);
        };
    let nothing_named = (ImageFormat::Jpeg, None, None, None);
    named(
        r#"{"node_id": "2.0", "prompt_id": "p", "display_node_id": 2, "parent_node_id": null, "image_type": "image/png"}"#,
        (ImageFormat::Png, Some("p"), Some("2.0"), Some("2")),
    );
    named(r#"{"image_type": "image/jpeg", "node_id": null, "prompt_id": 4}"#, nothing_named);
    named(r#"{"image_type": "image/pngx", "more": {"node_id": "no"}}"#, nothing_named);
    // Invalid metadata doesn't make the message malformed. It names nothing then.
    for broken in
        ["", "{}", "[]", "null", "{\"node_id\": \"2", "{\"node_id\": \"2\"", "{\"node_id\": \"2\"} x", "\u{0}"]
    {
        named(broken, nothing_named);
    }
}

#[test]
fn binary_message_shorter_than_header_is_malformed() {
    let whole = [&number(4)[..], &number(5), b"{}"].concat();
    for short in [&b""[..], &[0], &[0, 0, 0], &number(1), &number(3), &number(4), &whole, &whole[..6]] {
        let malformed = Event::Malformed(Malformed { at: short.len() as u64, reason: Reason::Short });
        assert_binary_event(&[short], malformed, b"");
    }
    let text = [&number(3)[..], &number(4), b"abc"].concat();
    assert_binary_event(&[&text], Event::Malformed(Malformed { at: 11, reason: Reason::Short }), b"");
    let endless = [&number(3)[..], &number(u32::MAX), b"abc"].concat();
    assert_binary_event(&[&endless], Event::Malformed(Malformed { at: 11, reason: Reason::Short }), b"");
}

#[test]
fn binary_message_of_other_kind_is_unknown() {
    for kind in [0, 2, 5, 256, u32::MAX] {
        assert_binary_event(&[&number(kind)], Event::UnknownBinary { kind }, b"");
        assert_binary_event(&[&number(kind), b"what follows"], Event::UnknownBinary { kind }, b"");
    }
}
