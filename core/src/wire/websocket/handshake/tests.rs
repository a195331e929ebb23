use super::*;
use std::{format, string::String};

/// The key of the RFC's example (1.3), `dGhlIHNhbXBsZSBub25jZQ==`.
const NONCE: [u8; 16] = *b"the sample nonce";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn response(headers: &str) -> String {
    format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n")
}

fn good() -> String {
    response(&format!(
        "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\nServer: Python/3.11 aiohttp/3.14.5\r\n"
    ))
}

fn outcome(response: &str) -> Result<bool, HandshakeError> {
    let mut handshake = Handshake::new(NONCE);
    let whole = handshake.feed(&mut response.as_bytes());
    if whole.is_err() {
        assert_eq!(handshake.feed(&mut &b"more"[..]), whole, "an error stays");
    }
    let mut handshake = Handshake::new(NONCE);
    let bytewise = response.bytes().find_map(|byte| {
        handshake.feed(&mut &[byte][..]).map_or_else(|error| Some(Err(error)), |open| open.then_some(Ok(true)))
    });
    assert_eq!(bytewise, Some(whole), "byte by byte");
    whole
}

#[test]
fn write_request_has_the_needed_headers_and_no_others() {
    let request = RequestHead {
        host: "desk:8188",
        target: &["/comfy/ws?clientId=a%20b"],
        headers: &[("Authorization", "Bearer x")],
    };
    let mut out = [0; 512];
    let len = Handshake::new(NONCE).write_request(&request, &mut out).unwrap();
    assert_eq!(
        str::from_utf8(&out[..len]).unwrap(),
        "GET /comfy/ws?clientId=a%20b HTTP/1.1\r\nHost: desk:8188\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer x\r\n\r\n"
    );
}

#[test]
fn write_request_origin_in_own_headers_is_sent() {
    let request = RequestHead { host: "desk", target: &["/ws"], headers: &[("Origin", "http://desk")] };
    let mut out = [0; 512];
    let len = Handshake::new(NONCE).write_request(&request, &mut out).unwrap();
    assert!(str::from_utf8(&out[..len]).unwrap().ends_with("\r\nOrigin: http://desk\r\n\r\n"));
}

#[test]
fn feed_good_response_opens_and_leaves_the_first_frame() {
    let response = good();
    let bytes = [response.as_bytes(), b"\x81\x02{}"].concat();
    for at in 0..=response.len() {
        let mut handshake = Handshake::new(NONCE);
        let (mut first, mut rest) = bytes.split_at(at);
        assert_eq!(handshake.feed(&mut first), Ok(at == response.len()));
        assert_eq!(first, b"");
        assert_eq!((handshake.feed(&mut rest), rest), (Ok(true), &b"\x81\x02{}"[..]), "split at {at}");
    }
    assert!(outcome(&good().replace("websocket", "WebSocket").replace(": upgrade", ": keep-alive, UPGRADE")).is_ok());
    assert!(outcome(&good().replace("websocket", " websocket,").replace(": upgrade", ": , upgrade ,")).is_ok());
    assert!(outcome(&good().replace("websocket", ",\r\n websocket\r\n\t")).is_ok());
    assert!(outcome(&good().replace("Server:", "Sec-WebSocket-Extensions:\r\nServer:")).is_ok());
}

#[test]
fn feed_headers_of_any_size_opens() {
    let more = format!("Set-Cookie: {}\r\n{}Server:", "x".repeat(9_000), "A: b\r\n".repeat(100));
    assert_eq!(outcome(&good().replace("Server:", &more)), Ok(true));
}

#[test]
fn feed_response_that_does_not_match_is_not_websocket() {
    let cases = [
        ("Upgrade: websocket\r\n", "", NotWebSocket::Upgrade),
        ("Upgrade: websocket", "Upgrade: h2c", NotWebSocket::Upgrade),
        ("Upgrade: websocket", "Upgrade: websocket, h2c", NotWebSocket::Upgrade),
        ("Connection: upgrade\r\n", "", NotWebSocket::Connection),
        ("Connection: upgrade", "Connection: close, upgraded", NotWebSocket::Connection),
        ("Sec-WebSocket-Accept", "X-Accept", NotWebSocket::Accept),
        (ACCEPT, "", NotWebSocket::Accept),
        (ACCEPT, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", NotWebSocket::Accept),
        ("Server: ", "Sec-WebSocket-Accept: AAAA\r\nServer: ", NotWebSocket::Accept),
        ("xOo=", "xOo=     more", NotWebSocket::Accept),
        (": websocket", ": websocket          or something else", NotWebSocket::Upgrade),
        ("Server", "Sec-WebSocket-Extensions: permessage-deflate\r\nServer", NotWebSocket::Extension),
        ("Server", "Sec-WebSocket-Protocol: chat\r\nServer", NotWebSocket::Subprotocol),
        ("Server", "Sec-WebSocket-Protocol: a-subprotocol-of-more-than-24-bytes\r\nServer", NotWebSocket::Subprotocol),
    ];
    for (from, to, expected) in cases {
        let response = good().replace(from, to);
        assert_eq!(outcome(&response), Err(HandshakeError::NotWebSocket(expected)), "{response}");
    }
}

#[test]
fn feed_other_status_is_refused_with_retry_after_and_redirect() {
    // Recorded: ComfyUI's response to a foreign Origin.
    let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nDate: Sun, 22 Nov 2026 17:56:27 GMT\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";
    let expected = HandshakeError::Refused { status: 403, retry_after: None, redirect: false };
    assert_eq!(outcome(refused), Err(expected));
    for (text, retry_after, redirect) in [
        ("503 X\r\nRetry-After: 120", Some(120), false),
        ("503 X\r\nRetry-After: Sun, 22 Nov 2026 17:56:27 GMT", None, false),
        ("429 X\r\nRetry-After: 99999999999", None, false),
        ("429 X\r\nRetry-After:\r\n 7\r\nX: 5", Some(7), false),
        ("302 X\r\nLocation: https://desk/login", None, true),
        ("201 X\r\nLocation: /there", None, false),
        ("400 X\r\nContent-Type: text/plain", None, false),
    ] {
        let status = text[..3].parse().unwrap();
        let expected = HandshakeError::Refused { status, retry_after, redirect };
        assert_eq!(outcome(&format!("HTTP/1.1 {text}\r\n\r\n")), Err(expected), "{text}");
    }
}

#[test]
fn feed_other_protocol_is_not_http() {
    assert_eq!(outcome("SSH-2.0-OpenSSH_9.2\r\n"), Err(HandshakeError::Head(HeadError::NotHttp)));
}

#[test]
fn refused_display_names_server_or_proxy_and_status() {
    for status in [302, 400, 401, 403, 404, 429, 502] {
        let text = format!("{}", HandshakeError::Refused { status, retry_after: None, redirect: false });
        assert!(text.starts_with("the server or a proxy") && text.contains(&format!("{status}: ")), "{text}");
    }
}
