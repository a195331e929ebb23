use super::*;
use crate::wire::http::{Head, HeadItem};
use std::{format, vec::Vec};

fn body(headers: &str) -> Result<Body, BodyError> {
    status_body(200, headers)
}

/// The body after a head with this status and these headers.
fn status_body(status: u16, headers: &str) -> Result<Body, BodyError> {
    let (mut head, mut framing) = (Head::new(), Framing::new());
    let text = format!("HTTP/1.1 {status} X\r\n{headers}\r\n");
    let mut input = text.as_bytes();
    while let Some(item) = head.next(&mut input).unwrap() {
        if let HeadItem::Element(field, element) = item {
            framing.element(field, element);
        }
    }
    Body::of(head.status(), &framing)
}

/// Reads the body in pieces of `size`. Returns its bytes, the number of bytes left, and its state.
fn read(mut body: Body, input: &[u8], size: usize) -> Result<(Vec<u8>, usize, Body), BodyError> {
    let mut bytes = Vec::new();
    let mut left = input.len();
    for mut piece in input.chunks(size) {
        left -= piece.len();
        while let Some(part) = body.next(&mut piece)? {
            assert!(!part.is_empty());
            bytes.extend_from_slice(part);
        }
        left += piece.len();
    }
    Ok((bytes, left, body))
}

#[test]
fn next_content_length_in_any_pieces_ends_the_body() {
    for size in 1..=8 {
        let (bytes, left, body) = read(body("Content-Length: 5\r\n").unwrap(), b"helloHTT", size).unwrap();
        assert_eq!((bytes.as_slice(), left, body.is_complete()), (&b"hello"[..], 3, true));
    }
    assert!(body("Content-Length: 0\r\n").unwrap().is_complete());
    assert!(!body(&format!("Content-Length: {}\r\n", u64::MAX)).unwrap().is_complete());
}

#[test]
fn next_chunks_in_any_pieces_are_the_body() {
    let text = b"4;a=\"b\"\r\nWiki\r\n0005 ; x\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0;last\r\nTrailer: x\r\nB: y\r\n\r\nnext";
    for size in 1..=text.len() {
        let (bytes, left, body) = read(body("Transfer-Encoding: Chunked\r\n").unwrap(), text, size).unwrap();
        assert_eq!(bytes, b"Wikipedia in\r\n\r\nchunks.", "pieces of {size}");
        assert_eq!((left, body.is_complete()), (4, true));
    }
}

#[test]
fn next_malformed_chunk_is_an_error_that_stays() {
    for text in [
        &b"\r\n"[..],
        b";a\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b"1\nab",
        b"1 \nab",
        b"1\r\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"1\r\na\rb",
        b"10000000000000000\r\n",
    ] {
        for size in 1..=text.len() {
            let chunked = body("Transfer-Encoding: chunked\r\n").unwrap();
            assert_eq!(read(chunked, text, size).err(), Some(BodyError::Chunk), "{text:?}");
        }
    }
    let mut chunked = body("Transfer-Encoding: chunked\r\n").unwrap();
    assert!(chunked.next(&mut &b"x"[..]).is_err());
    assert_eq!(chunked.next(&mut &b"1\r\na"[..]), Err(BodyError::Chunk));
    assert_eq!(chunked.finish_on_close(), Err(BodyError::Chunk));
    assert!(read(body("Transfer-Encoding: chunked\r\n").unwrap(), b"ffffffffffffffff\r\nab", 3).is_ok());
}

#[test]
fn finish_on_close_without_length_completes_the_body() {
    let (bytes, left, mut body) = read(body("").unwrap(), b"all of it", 4).unwrap();
    assert_eq!((bytes.as_slice(), left, body.is_complete()), (&b"all of it"[..], 0, false));
    assert_eq!(body.finish_on_close(), Ok(()));
    assert!(body.is_complete());
}

#[test]
fn finish_on_close_before_the_end_is_truncated() {
    let cut = |headers, input: &[u8]| read(body(headers).unwrap(), input, 3).unwrap().2.finish_on_close();
    assert_eq!(cut("Content-Length: 2\r\n", b"a"), Err(BodyError::Truncated));
    assert_eq!(cut("Content-Length: 2\r\n", b"ab"), Ok(()));
    for text in [&b""[..], b"1", b"1\r\n", b"1\r\na", b"1\r\na\r\n", b"0", b"0\r"] {
        assert_eq!(cut("Transfer-Encoding: chunked\r\n", text), Err(BodyError::Truncated), "{text:?}");
    }
    for text in [&b"0\r\n"[..], b"0\r\nA: b", b"0\r\n\r\n"] {
        assert_eq!(cut("Transfer-Encoding: chunked\r\n", text), Ok(()), "{text:?}");
    }
}

#[test]
fn of_status_without_body_is_complete() {
    for status in [101, 204, 304] {
        assert!(status_body(status, "Content-Length: 5\r\n").unwrap().is_complete(), "{status}");
    }
    assert!(!status_body(404, "Content-Length: 5\r\n").unwrap().is_complete());
}

#[test]
fn of_unclear_length_or_coding_is_an_error() {
    for (headers, error) in [
        ("Content-Length: 5\r\nContent-Length: 6\r\n", BodyError::ConflictingLengths),
        ("Content-Length: 5, 6\r\n", BodyError::ConflictingLengths),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", BodyError::ConflictingLengths),
        ("Content-Length: -1\r\n", BodyError::BadLength),
        ("Content-Length: +1\r\n", BodyError::BadLength),
        ("Content-Length:\r\n", BodyError::BadLength),
        ("Content-Length: 5,\r\n", BodyError::BadLength),
        ("Content-Length: 5\r\n 5\r\n", BodyError::BadLength),
        ("Content-Length: 1x\r\n", BodyError::BadLength),
        ("Content-Length: 18446744073709551616\r\n", BodyError::BadLength),
        ("Transfer-Encoding: gzip, chunked\r\n", BodyError::TransferEncoding),
        ("Transfer-Encoding: chunked, chunked\r\n", BodyError::TransferEncoding),
        ("Transfer-Encoding: chunked, identity\r\n", BodyError::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", BodyError::TransferEncoding),
        ("Transfer-Encoding: chunkedx\r\n", BodyError::TransferEncoding),
        ("Content-Encoding: gzip\r\n", BodyError::ContentEncoding),
        ("Content-Encoding: an-encoding-whose-name-is-longer-than-any\r\n", BodyError::ContentEncoding),
        ("Transfer-Encoding: a-coding-whose-name-is-longer-than-any-known\r\n", BodyError::TransferEncoding),
        ("Content-Length: 000000000000000000000000000000005\r\n", BodyError::BadLength),
    ] {
        assert_eq!(body(headers).err(), Some(error), "{headers:?}");
    }
    for headers in [
        "Content-Length: 5, 5\r\nContent-Length: 05\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: ,chunked,\r\nTransfer-Encoding:\r\n ,\r\n",
        "Content-Encoding:\r\nContent-Length: \r\n 5\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\nContent-Encoding: Identity\r\n",
    ] {
        assert!(body(headers).is_ok(), "{headers:?}");
    }
}
