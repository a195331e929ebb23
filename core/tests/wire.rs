//! Reads the recorded bytes of a ComfyUI 0.33 socket, from the handshake to the close.

use comfyglow_core::event::MessageKind;
use comfyglow_core::wire::http::RequestHead;
use comfyglow_core::wire::websocket::{Handshake, HandshakeError, NotWebSocket, ProtocolError, Received, Receiver};

/// All bytes that one connection received: a workflow's run, a pong, a close.
const PLAIN: &[u8] = include_bytes!("fixtures/wire_plain.rx");
/// The same from a server that was offered compression.
const DEFLATE: &[u8] = include_bytes!("fixtures/wire_deflate.rx");

/// The random bytes of the recording's key, `okuL/EsCcwNaS2qzi6WHCg==`.
const NONCE: [u8; 16] = [162, 75, 139, 252, 75, 2, 115, 3, 90, 75, 106, 179, 139, 165, 135, 10];

#[derive(Debug, PartialEq)]
enum Item {
    Message(MessageKind, Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// Reads the recording in pieces of `size` bytes, as an adapter does.
fn read(size: usize) -> Vec<Item> {
    let mut handshake = Handshake::new(NONCE);
    let mut receiver = Receiver::new();
    let (mut open, mut items, mut message) = (false, Vec::new(), Vec::new());
    for mut piece in PLAIN.chunks(size) {
        if !open {
            open = handshake.feed(&mut piece).expect("the server accepts");
        }
        while let Some(received) = receiver.next(&mut piece).expect("the server keeps to the protocol") {
            match received {
                Received::Data { kind, bytes, last, .. } => {
                    message.extend_from_slice(bytes);
                    if last {
                        items.push(Item::Message(kind, std::mem::take(&mut message)));
                    }
                }
                Received::Pong(payload) => items.push(Item::Pong(payload.to_vec())),
                Received::Close { code, .. } => items.push(Item::Close(code)),
                Received::Ping(_) => panic!("this server never pings"),
            }
        }
    }
    items
}

#[test]
fn recording_in_pieces_of_any_size_reads_the_same() {
    let whole = read(PLAIN.len());
    assert_eq!(whole.len(), 55);
    assert_eq!(whole[53..], [Item::Pong(b"keepalive".to_vec()), Item::Close(Some(1000))]);
    let (mut texts, mut binaries) = (0, 0);
    for item in &whole[..53] {
        let Item::Message(kind, bytes) = item else { panic!("messages come before the pong") };
        match kind {
            MessageKind::Text => {
                assert!(bytes.starts_with(b"{\"type\": \"") && bytes.ends_with(b"}"));
                texts += 1;
            }
            // server.py sends a binary message as its kind in 32 bits, then that kind's bytes.
            MessageKind::Binary => {
                assert!(matches!(bytes[..4], [0, 0, 0, 1 | 3 | 4]));
                binaries += 1;
            }
        }
    }
    assert_eq!((texts, binaries), (45, 8));
    for size in (1..64).chain([125, 126, 127, 536, 1460, 4096]) {
        assert_eq!(read(size), whole, "pieces of {size}");
    }
}

#[test]
fn write_request_with_the_recorded_bytes_has_the_recorded_key() {
    let request = RequestHead {
        host: "127.0.0.1:8289",
        target: &["/ws?clientId=9d3c0d0a5b6e4f21a7c8e90112233445"],
        headers: &[],
    };
    let mut out = [0; 512];
    let len = Handshake::new(NONCE).write_request(&request, &mut out).expect("a plain request");
    let text = str::from_utf8(&out[..len]).expect("ASCII");
    assert!(text.contains("\r\nSec-WebSocket-Key: okuL/EsCcwNaS2qzi6WHCg==\r\n"), "{text}");
}

#[test]
fn compression_that_was_not_offered_is_an_error() {
    let unoffered = HandshakeError::NotWebSocket(NotWebSocket::Extension);
    assert_eq!(Handshake::new(NONCE).feed(&mut &DEFLATE[..]), Err(unoffered));
    // A proxy may hide it in the handshake; the first frame shows it.
    let end = DEFLATE.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(Receiver::new().next(&mut &DEFLATE[end..]), Err(ProtocolError::ReservedBits));
}
