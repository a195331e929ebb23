//! The end at any moment: no link leaks, and no late input counts.

use super::{reconcile::remaining, *};

/// All steps of a session that reconnects, uses HTTP and pings.
const WAY: [fn(&mut ScriptedHost<'_>); 11] = [
    |_| {},
    |host| drop(host.drain()),
    |host| drop(host.open_socket()),
    |host| drop(host.receive(b"HTTP/1.1 101 Switching")),
    |host| {
        let request = host.open_socket();
        host.receive(&accept(&request));
    },
    |host| drop(host.due(RECONCILE_MILLIS)),
    |host| drop(host.http_request()),
    |host| drop(host.report(Input::Bytes(Http, answer(&remaining(1)).as_bytes()))),
    |host| drop(host.due(1_000)),
    |host| drop(host.receive(&status(1)[..9])),
    |host| drop(host.report(Input::Closed(Ws, End::Eof))),
];

/// A host after this many steps.
fn after(steps: usize) -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(Config { heartbeat: HeartbeatConfig::DEFAULT, ..POLLS });
    for (n, step) in WAY[..steps].iter().enumerate() {
        // Steps 2 and 3 end a path of their own: the others continue with a complete handshake.
        if matches!((n, steps), (2, 3 | 4) | (3, 4)) || !matches!(n, 2 | 3) {
            step(&mut host);
        }
    }
    host
}

#[test]
fn leave_at_any_step_ends_all_links_and_the_session() {
    for steps in 0..=WAY.len() {
        let mut host = after(steps);
        host.later(100);
        let open = host.open.clone();
        let did = host.report(Input::Host(Host::Leave));
        let closed: Vec<_> =
            did.iter().filter_map(|did| if let Close(link) = did { Some(*link) } else { None }).collect();
        assert_eq!(closed.len(), open.len(), "after {steps}: {did:?} of {open:?}");
        assert!(host.open.is_empty());
        assert_eq!(host.waiting(), None);
        host.assert_over();
        assert_eq!(host.report(Input::Host(Host::Reconnect)), [], "who left doesn't come back");
        host.assert_over();
    }
}

#[test]
fn input_from_a_dropped_link_is_ignored() {
    for steps in 2..=WAY.len() {
        let mut host = after(steps);
        // Enough time passes for all links to be dropped.
        host.now = host.now.saturating_add(Duration::from_secs(9));
        host.report_without_polling(Input::Host(Host::Leave));
        for late in [
            Input::Opened(Ws),
            Input::Opened(Http),
            Input::Bytes(Ws, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            Input::Bytes(Ws, b"\x81\x02{}"),
            Input::Bytes(Http, b"HTTP/1.1 200 OK\r\n\r\n{\"exec_info\": {\"queue_remaining\": 9}}"),
            Input::Closed(Http, End::Eof),
        ] {
            host.report_without_polling(late);
            assert_ne!(host.session.state().queue_remaining(), Some(9));
            assert_eq!(host.status().0, ConnectionStatus::Disconnected, "after {steps}: {late:?}");
        }
        host.open.retain(|link| *link != Http);
        host.drain();
        host.assert_over();
    }
}

#[test]
fn leaving_before_the_request_is_sent_sends_none() {
    let mut host = ScriptedHost::connected_with(POLLS);
    assert_eq!(host.due(u64::try_from(30_300).unwrap()), [Dial(Http)]);
    host.report_without_polling(Input::Opened(Http));
    host.report_without_polling(Input::Host(Host::Leave));
    let did = host.drain();
    assert!(did.contains(&Close(Http)) && !did.iter().any(|did| matches!(did, Send(Http, _))), "{did:?}");
}

#[test]
fn late_open_does_not_count_for_the_next_attempt() {
    let mut host = ScriptedHost::new(RECONNECTS);
    host.drain();
    host.at(10_000);
    host.report_without_polling(Input::Host(Host::Wake));
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::TimedOut)));
    // It opened and sent bytes just before the host was told to drop it.
    host.report_without_polling(Input::Opened(Ws));
    host.report_without_polling(Input::Bytes(Ws, b"HTTP/1.1 101 "));
    assert_eq!(links(host.drain()), [Close(Ws)]);
    assert_eq!(host.due(11_000), [Dial(Ws)]);
    let request = host.open_socket();
    host.receive(&accept(&request));
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn repeated_connects_and_losses_leak_no_links() {
    let mut host = ScriptedHost::new(Config { heartbeat: HeartbeatConfig::DEFAULT, ..POLLS });
    for n in 0..200 {
        host.report(Input::Host(Host::Reconnect));
        assert_eq!(host.open, [Ws], "{n}");
        if n % 3 > 0 {
            let request = host.open_socket();
            if n % 3 > 1 {
                host.receive(&accept(&request));
                assert_eq!(host.status(), (ConnectionStatus::Connected, None));
            }
        }
        host.open.clear();
        host.report(Input::Closed(Ws, End::Broken));
        assert_eq!(host.open, [], "{n}");
    }
    assert_eq!(host.session.state().connection().reconnects, 65);
    host.report(Input::Host(Host::Leave));
    host.assert_over();
}

#[test]
fn attached_socket_lost_ends_the_session() {
    let mut host = ScriptedHost::new(CONFIG);
    host.session.attach(host.now);
    host.drain();
    host.later(100);
    host.report(Input::Closed(Ws, End::Eof));
    host.assert_over();
    assert_eq!(host.report(Input::Host(Host::Reconnect)), [], "nobody knows how it was made");
    host.assert_over();
}
