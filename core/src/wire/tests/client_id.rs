//! The client id.

use super::*;

/// The ids of four connections, each lost by `lose`.
fn ids(client_id: ClientId<'static>, lose: fn(&mut ScriptedHost<'_>)) -> Vec<String> {
    let mut host = ScriptedHost::new(Config { client_id, http: true, ..RECONNECTS });
    (0..4)
        .map(|_| {
            while !links(host.report(Input::Host(Host::Wake))).contains(&Dial(Ws)) {
                host.now = host.deadline.unwrap();
            }
            let request = host.open_socket();
            let id = request.split_once("clientId=").unwrap().1.split_once('&').unwrap().0.to_string();
            assert_eq!(host.session.session().client_id().concat(), id);
            host.receive(&[accept(&request), status(0)].concat());
            lose(&mut host);
            id
        })
        .collect()
}

fn lost(host: &mut ScriptedHost<'_>) {
    host.report(Input::Closed(Ws, End::Broken));
}

fn deaf(host: &mut ScriptedHost<'_>) {
    while host.status().1 != Some(FaultKind::Deaf) {
        host.now = host.deadline.unwrap();
        if links(host.report(Input::Host(Host::Wake))).contains(&Dial(Http)) {
            let path = host.http_request();
            let json = if path == "/prompt" { r#"{"exec_info": {"queue_remaining": 7}}"# } else { r#"{"jobs": []}"# };
            host.report(Input::Bytes(Http, answer(json).as_bytes()));
        }
    }
}

fn is_fresh(id: &str, of: &str) -> bool {
    let digits = id.strip_prefix(of).and_then(|id| id.strip_prefix('-')).unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|digit| b"0123456789abcdef".contains(&digit))
}

#[test]
fn fresh_id_changes_with_each_connection() {
    let ids = ids(ClientId::Fresh, lost);
    assert!(ids.iter().all(|id| is_fresh(id, "comfyglow")), "{ids:?}");
    assert!((1..4).all(|n| !ids[..n].contains(&ids[n])), "{ids:?}");
}

#[test]
fn own_id_is_extended_after_a_deaf_connection() {
    assert_eq!(ids(ClientId::Own("me"), lost), ["me"; 4]);
    let ids = ids(ClientId::Own("me"), deaf);
    assert_eq!(ids[0], "me");
    assert!(ids[1..].iter().all(|id| is_fresh(id, "me")), "{ids:?}");
    assert!(ids[1] != ids[2] && ids[2] != ids[3]);

    let mut host = ScriptedHost::new(Config { client_id: ClientId::Own("me"), ..POLLS });
    host.drain();
    let request = host.open_socket();
    host.receive(&[accept(&request), status(0)].concat());
    deaf(&mut host);
    let renewed = |host: &mut ScriptedHost<'_>| {
        while !links(host.report(Input::Host(Host::Wake))).contains(&Dial(Ws)) {
            host.now = host.deadline.unwrap();
        }
        host.open_socket();
        let id = host.session.session().client_id().concat();
        host.report(Input::Closed(Ws, End::Eof));
        id
    };
    let first = renewed(&mut host);
    assert_eq!(renewed(&mut host), first, "prompts are submitted with it: an ordinary loss is no reason for another");
}

#[test]
fn fixed_id_never_changes() {
    assert_eq!(ids(ClientId::Fixed("you"), deaf), ["you"; 4]);
}
