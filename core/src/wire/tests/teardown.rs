//! The end, at any moment: nothing leaks, nothing comes late.

use super::{reconcile::remaining, *};

/// All on the way of a session that tries on, asks over HTTP and pings.
const WAY: [fn(&mut ScriptedHost<'_>); 11] = [
    |_| {},
    |host| drop(host.drain()),
    |host| drop(host.opens()),
    |host| drop(host.hear(b"HTTP/1.1 101 Switching")),
    |host| {
        let request = host.opens();
        host.hear(&accept(&request));
    },
    |host| drop(host.due(RECONCILE_MILLIS)),
    |host| drop(host.asks()),
    |host| drop(host.tell(Input::Bytes(Http, answer(&remaining(1)).as_bytes()))),
    |host| drop(host.due(1_000)),
    |host| drop(host.hear(&status(1)[..9])),
    |host| drop(host.tell(Input::Closed(Ws, End::Eof))),
];

/// A host that went `steps` of the way.
fn after(steps: usize) -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(Config { heartbeat: HeartbeatConfig::DEFAULT, ..POLLS });
    for (n, step) in WAY[..steps].iter().enumerate() {
        // Asking and the half of an answer are one way's end, not the other's middle.
        if matches!((n, steps), (2, 3 | 4) | (3, 4)) || !matches!(n, 2 | 3) {
            step(&mut host);
        }
    }
    host
}

#[test]
fn leaving_at_any_moment_ends_all_links_and_the_session() {
    for steps in 0..=WAY.len() {
        let mut host = after(steps);
        host.later(100);
        let open = host.open.clone();
        let did = host.tell(Input::Host(Host::Leave));
        let closed: Vec<_> =
            did.iter().filter_map(|did| if let Close(link) = did { Some(*link) } else { None }).collect();
        assert_eq!(closed.len(), open.len(), "after {steps}: {did:?} of {open:?}");
        assert!(host.open.is_empty());
        assert_eq!(host.waiting(), None);
        host.assert_over();
        assert_eq!(host.tell(Input::Host(Host::Reconnect)), [], "who left doesn't come back");
        host.assert_over();
    }
}

#[test]
fn a_link_that_opens_or_speaks_after_it_was_given_up_does_nothing() {
    for steps in 2..=WAY.len() {
        let mut host = after(steps);
        // All links that there are, are given up by the time that passes.
        host.now = host.now.saturating_add(Duration::from_secs(9));
        host.told(Input::Host(Host::Leave));
        for late in [
            Input::Opened(Ws),
            Input::Opened(Http),
            Input::Bytes(Ws, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            Input::Bytes(Ws, b"\x81\x02{}"),
            Input::Bytes(Http, b"HTTP/1.1 200 OK\r\n\r\n{\"exec_info\": {\"queue_remaining\": 9}}"),
            Input::Closed(Http, End::Eof),
        ] {
            host.told(late);
            assert_ne!(host.session.state().queue_remaining(), Some(9));
            assert_eq!(host.status().0, ConnectionStatus::Disconnected, "after {steps}: {late:?}");
        }
        host.open.retain(|link| *link != Http);
        host.drain();
        host.assert_over();
    }
}

#[test]
fn a_connect_that_completes_after_it_was_given_up_does_not_count_for_the_next() {
    let mut host = ScriptedHost::new(TRIES);
    host.drain();
    host.at(10_000);
    host.told(Input::Host(Host::Wake));
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::TimedOut)));
    // It opened and spoke in the same moment, before the host was told to drop it.
    host.told(Input::Opened(Ws));
    host.told(Input::Bytes(Ws, b"HTTP/1.1 101 "));
    assert_eq!(links(host.drain()), [Close(Ws)]);
    assert_eq!(host.due(11_000), [Dial(Ws)]);
    let request = host.opens();
    host.hear(&accept(&request));
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn connecting_and_losing_in_quick_succession_leaks_nothing() {
    let mut host = ScriptedHost::new(Config { heartbeat: HeartbeatConfig::DEFAULT, ..POLLS });
    for n in 0..200 {
        host.tell(Input::Host(Host::Reconnect));
        assert_eq!(host.open, [Ws], "{n}");
        if n % 3 > 0 {
            let request = host.opens();
            if n % 3 > 1 {
                host.hear(&accept(&request));
                assert_eq!(host.status(), (ConnectionStatus::Connected, None));
            }
        }
        host.open.clear();
        host.tell(Input::Closed(Ws, End::Broken));
        assert_eq!(host.open, [], "{n}");
    }
    assert_eq!(host.session.state().connection().reconnects, 65);
    host.tell(Input::Host(Host::Leave));
    host.assert_over();
}

#[test]
fn an_attached_socket_has_no_successor() {
    let mut host = ScriptedHost::new(CONFIG);
    host.session.attach(host.now);
    host.drain();
    host.later(100);
    host.tell(Input::Closed(Ws, End::Eof));
    host.assert_over();
    assert_eq!(host.tell(Input::Host(Host::Reconnect)), [], "nobody knows how it was made");
    host.assert_over();
}
