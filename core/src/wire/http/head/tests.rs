use proptest::prelude::*;
use std::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::*;

/// ComfyUI 0.33's response to `/nope`, as recorded.
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Security-Policy: default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' data:; frame-src 'self'; object-src 'self';\r\nTransfer-Encoding: chunked\r\nContent-Type: application/octet-stream\r\nDate: Sun, 22 Nov 2026 17:56:28 GMT\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";

/// A head's status code (0 before its end), its elements, and the number of bytes left after it.
type Outcome = (u16, Vec<(Field, Option<Vec<u8>>)>, usize);

fn read(text: &[u8], size: usize) -> Result<Outcome, HeadError> {
    let (mut head, mut elements, mut left) = (Head::new(), Vec::new(), text.len());
    for mut piece in text.chunks(size) {
        left -= piece.len();
        loop {
            match head.next(&mut piece) {
                Ok(Some(HeadItem::Element(field, element))) => elements.push((field, element.map(<[u8]>::to_vec))),
                Ok(Some(HeadItem::End { status })) => assert_eq!(status, head.status()),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(head.next(&mut &b"more"[..]), Err(error), "an error stays");
                    assert_eq!(head.status(), 0);
                    return Err(error);
                }
            }
        }
        left += piece.len();
    }
    Ok((head.status(), elements, left))
}

fn is(field: Field, element: &str) -> (Field, Option<Vec<u8>>) {
    (field, Some(element.as_bytes().to_vec()))
}

#[test]
fn next_pieces_of_any_size_read_the_same_and_leave_the_body() {
    let whole = format!("{NOT_FOUND}0\r\n\r\n");
    for size in 1..=whole.len() {
        let expected = (404, [is(Field::TransferEncoding, "chunked")].to_vec(), 5);
        assert_eq!(read(whole.as_bytes(), size), Ok(expected), "pieces of {size}");
    }
}

#[test]
fn next_repeated_header_returns_every_element() {
    let text =
        b"HTTP/1.1 200 OK\r\nUpgrade: x , y z\t\r\nCONNECTION:\r\nA: b\r\nuPgRaDe:, ,z,\nContent-Length:\r\n\r\n";
    let elements =
        [is(Field::Upgrade, "x"), is(Field::Upgrade, "y z"), is(Field::Upgrade, "z"), is(Field::ContentLength, "")];
    for size in 1..=text.len() {
        assert_eq!(read(text, size), Ok((200, elements.to_vec(), 0)));
    }
}

#[test]
fn next_folded_value_has_a_space() {
    let text = b"HTTP/1.1 200 OK\r\nUpgrade: a\r\n b,\n\tc \r\n\t \r\n \t, d\r\nConnection:\r\n \r\n  x\r\nContent-Length: 5\r\n \r\n\r\n 1";
    let elements = [
        is(Field::Upgrade, "a b"),
        is(Field::Upgrade, "c"),
        is(Field::Upgrade, "d"),
        is(Field::Connection, "x"),
        is(Field::ContentLength, "5"),
    ];
    for size in 1..=text.len() {
        assert_eq!(read(text, size), Ok((200, elements.to_vec(), 2)), "pieces of {size}");
    }
}

#[test]
fn next_element_of_more_than_32_bytes_is_none() {
    for (value, element) in [
        ("x".repeat(32), Some("x".repeat(32))),
        ("x".repeat(33), None),
        (format!("{}x{}", " ".repeat(99), " ".repeat(99)), Some("x".to_string())),
        (format!("x{}x", " ".repeat(99)), None),
    ] {
        let text = format!("HTTP/1.1 200 OK\r\nLocation: {value}, y\r\n\r\n");
        let elements = [(Field::Location, element.map(String::into_bytes)), is(Field::Location, "y")];
        assert_eq!(read(text.as_bytes(), 7), Ok((200, elements.to_vec(), 0)), "{value:?}");
    }
    let name = format!("HTTP/1.1 200 OK\r\nUpgrade{}: x\r\n\r\n", "-upgrade".repeat(9));
    assert_eq!(read(name.as_bytes(), 7), Ok((200, Vec::new(), 0)));
}

#[test]
fn next_interim_responses_are_skipped() {
    let text =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLocation: /\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    for size in 1..=text.len() {
        assert_eq!(read(text, size), Ok((204, Vec::new(), 0)));
    }
    assert_eq!(read(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 7), Ok((101, Vec::new(), 0)));
}

#[test]
fn next_after_the_head_takes_nothing() {
    assert_eq!(read(b"HTTP/1.0 200 OK\n\nHTTP/1.1 500 X\r\n\r\n", 99), Ok((200, Vec::new(), 18)));
}

#[test]
fn next_other_protocol_is_an_error_at_its_first_byte() {
    for text in [&b"\x15\x03\x01"[..], b"SSH-2.0-OpenSSH", b"\r\nHTTP/1.1 200 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n"] {
        assert_eq!(read(text, 1), Err(HeadError::NotHttp), "{text:?}");
    }
    assert_eq!(read(b"HTTP/", 1), Ok((0, Vec::new(), 0)));
    assert_eq!(read(b"HTTP/2", 1), Err(HeadError::NotHttp));
}

#[test]
fn next_malformed_line_is_an_error() {
    let mut texts: Vec<String> = [
        "A b\r\n",
        ": b\r\n",
        " A: b\r\n",
        "A: b\r\n\0\r\n",
        "A: b\r\n : c\r\n\x0b\r\n",
        "A: \0\r\n",
        "A: b\rc\r\n",
        "\r",
    ]
    .iter()
    .map(|line| format!("HTTP/1.1 200 OK\r\n{line}\r\n"))
    .collect();
    texts.extend(
        ["200", " x", " 099 Low", " 20", " 2000", "  200 OK", " 200 \x7f"]
            .map(|text| format!("HTTP/1.1{text}\r\n\r\n")),
    );
    for text in texts {
        assert_eq!(read(text.as_bytes(), 5), Err(HeadError::Malformed), "{text:?}");
    }
}

/// The outcome of httparse for a head.
fn as_httparse(text: &[u8]) -> Option<Outcome> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    let httparse::Status::Complete(len) = config.parse_response(&mut response, text).ok()? else {
        return Some((0, Vec::new(), 0));
    };
    let mut elements = Vec::new();
    for header in &*response.headers {
        let name = header.name.to_ascii_lowercase();
        let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name.as_bytes()) else { continue };
        // httparse keeps the line breaks of folded values.
        let value: Vec<u8> = header.value.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
        for element in value.split(|byte| *byte == b',') {
            let element = element.trim_ascii();
            if element.is_empty() && *field != Field::ContentLength {
                continue;
            }
            elements.push((*field, (element.len() <= TEXT).then(|| element.to_vec())));
        }
    }
    Some((response.code?, elements, text.len() - len))
}

fn line() -> impl Strategy<Value = String> {
    let name =
        prop_oneof!["[A-Za-z-]{1,12}", Just("upgRade".to_string()), Just("Content-Length".to_string()), "[ -~]{0,3}"];
    let value = prop_oneof!["[ -~\t,]{0,40}", "[a-z ,]{0,8}", any::<String>()];
    let end = prop_oneof![9 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 2 => Just("\r\n fold, x\r\n"), 1 => Just("\n\t\n")];
    let colon = prop_oneof![9 => Just(":"), 1 => Just(" "), 1 => Just(" :")];
    (name, colon, value, end).prop_map(|(name, colon, value, end)| format!("{name}{colon}{value}{end}"))
}

proptest! {
    #[test]
    fn next_any_head_agrees_with_httparse(
        status in prop_oneof![9 => Just("200 OK".to_string()), 1 => "[2-9]{1,4}[ -~]{0,3}"],
        lines in prop::collection::vec(line(), 0..5),
        body in "[ -~]{0,5}",
        size in 1_usize..40,
    ) {
        let text = format!("HTTP/1.1 {status}\r\n{}\r\n{body}", lines.concat());
        match (read(text.as_bytes(), size), as_httparse(text.as_bytes())) {
            (Ok((0, ..)), Some((0, ..))) => {}
            (ours, theirs) => prop_assert_eq!(ours.ok(), theirs, "{:?}", text),
        }
    }
}
