//! From dialling to the first message, and what can go wrong.

use super::*;

const FLAGS: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

#[test]
fn handshake_split_anywhere_connects_and_reads_first_frame() {
    let (_, request) = ScriptedHost::handshaking();
    let (before, behind) = request.split_once("Sec-WebSocket-Key: ").unwrap();
    let (key, behind) = behind.split_once("\r\n").unwrap();
    assert_eq!(
        before,
        "GET /comfy/ws?clientId=desk&token=a%20b HTTP/1.1\r\nHost: desk:8188\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    );
    assert_eq!(key.len(), 24);
    assert_eq!(behind, "Sec-WebSocket-Version: 13\r\nAuthorization: Bearer x\r\n\r\n");

    let answer = [accept(&request), status(3)].concat();
    for at in 0..answer.len() {
        let (mut host, same) = ScriptedHost::handshaking();
        assert_eq!(same, request, "the same seed");
        let mut did = host.receive(&answer[..at]);
        did.extend(host.receive(&answer[at..]));
        assert_eq!(did.len(), 1, "split at {at}: {did:?}");
        assert_eq!(unmasked(&did[0]), (0x81, FLAGS.as_bytes().to_vec()), "the flags, once");
        assert_eq!(host.status(), (ConnectionStatus::Connected, None));
        assert_eq!(host.session.state().queue_remaining(), Some(3));
        assert_eq!((host.later(16), host.later(1_000)), (vec![Changed], vec![]));
        assert_eq!(host.deadline, None);
    }
}

#[test]
fn preview_metadata_disabled_sends_no_flags() {
    let mut host = ScriptedHost::new(Config {
        preview_metadata: false,
        query: "",
        client_id: ClientId::Own("x%20y"),
        prefix: "",
        headers: &[],
        ..CONFIG
    });
    host.drain();
    let did = host.report(Input::Opened(Ws));
    let [Send(Ws, request)] = &did[..] else { panic!("{did:?}") };
    let request = str::from_utf8(request).unwrap();
    assert!(request.starts_with("GET /ws?clientId=x%20y HTTP/1.1\r\n") && !request.contains("Origin"), "{request}");
    assert_eq!(host.receive(&accept(request)), []);
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn handshake_refused_or_foreign_sets_the_fault() {
    use ConnectionStatus::{Disconnected, Error};
    let wrong_accept = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n";
    for (answer, status, fault) in [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nlogin", Error, FaultKind::Refused(401)),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Error, FaultKind::Refused(403)),
        ("HTTP/1.1 404 Not Found\r\n\r\n", Error, FaultKind::Refused(404)),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", Disconnected, FaultKind::Refused(502)),
        ("HTTP/1.1 302 Found\r\nLocation: https://desk/\r\n\r\n", Error, FaultKind::Refused(302)),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", Error, FaultKind::NotComfyUi),
        (wrong_accept, Error, FaultKind::NotComfyUi),
        ("SSH-2.0-OpenSSH_9.2\r\n", Error, FaultKind::NotComfyUi),
        ("\x15\x03\x01\0\x02\x02\x46", Error, FaultKind::NotComfyUi),
    ] {
        for size in [1, 7, answer.len()] {
            let (mut host, _) = ScriptedHost::handshaking();
            let did: Vec<_> = answer.as_bytes().chunks(size).flat_map(|piece| host.receive(piece)).collect();
            assert_eq!(did, [Close(Ws)], "{answer}");
            assert_eq!(host.status(), (status, Some(fault)), "{answer}");
            assert_eq!(host.later(16), [Changed], "{answer}");
            host.assert_over();
        }
    }
}

#[test]
fn link_end_sets_the_fault_of_its_phase() {
    use ConnectionStatus::{Disconnected, Error};
    let cases: [(fn() -> ScriptedHost<'static>, _, _, _); 10] = [
        (dialling, End::Unreachable, Disconnected, FaultKind::Unreachable),
        (dialling, End::Eof, Disconnected, FaultKind::Unreachable),
        (dialling, End::Broken, Disconnected, FaultKind::Unreachable),
        (dialling, End::Untrusted, Error, FaultKind::Untrusted),
        (|| ScriptedHost::handshaking().0, End::Eof, Disconnected, FaultKind::Closed),
        (|| ScriptedHost::handshaking().0, End::Broken, Disconnected, FaultKind::Broken),
        (half_answered, End::Eof, Disconnected, FaultKind::Closed),
        (ScriptedHost::connected, End::Eof, Disconnected, FaultKind::Closed),
        (ScriptedHost::connected, End::Broken, Disconnected, FaultKind::Broken),
        (mid_message, End::Eof, Disconnected, FaultKind::Closed),
    ];
    for (n, (host, end, status, fault)) in cases.into_iter().enumerate() {
        let mut host = host();
        host.now = Instant::from_millis(5_000);
        assert_eq!(host.report(Input::Closed(Ws, end)), [Changed], "case {n}: the link is gone already");
        assert_eq!(host.status(), (status, Some(fault)), "case {n}");
        host.assert_over();
    }
}

fn dialling() -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(CONFIG);
    host.drain();
    host
}

fn half_answered() -> ScriptedHost<'static> {
    let (mut host, _) = ScriptedHost::handshaking();
    assert_eq!(host.receive(b"HTTP/1.1 101 Swit"), []);
    host
}

fn mid_message() -> ScriptedHost<'static> {
    let mut host = ScriptedHost::connected();
    let message = status(9);
    assert_eq!(host.receive(&message[..message.len() - 1]), []);
    assert_eq!(host.session.state().messages().text, 0, "what a lost link cuts off doesn't count");
    host
}

#[test]
fn request_too_long_or_invalid_is_a_config_fault() {
    let long = "x".repeat(HEAD);
    let header = [("X", long.as_str())];
    for config in [
        Config { query: &long, ..CONFIG },
        Config { prefix: &long, ..CONFIG },
        Config { headers: &header, ..CONFIG },
        Config { headers: &[("X", "a\r\nb")], ..CONFIG },
        Config { host: "", ..CONFIG },
        Config { query: "a b", ..CONFIG },
    ] {
        let mut host = ScriptedHost::new(config);
        assert_eq!(host.drain(), [Dial(Ws), Changed]);
        assert_eq!(host.report(Input::Opened(Ws)), [Close(Ws)], "{config:?}");
        assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::Config)));
        host.assert_over();
    }
}
