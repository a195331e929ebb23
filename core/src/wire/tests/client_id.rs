//! Who the server takes us for.

use super::*;

/// The ids that are asked with, connection by connection; each is lost by `fault`.
fn ids(client_id: ClientId<'static>, lose: fn(&mut ScriptedHost<'_>)) -> Vec<String> {
    let mut host = ScriptedHost::new(Config { client_id, http: true, ..TRIES });
    (0..4)
        .map(|_| {
            while !links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Ws)) {
                host.now = host.deadline.unwrap();
            }
            let request = host.opens();
            let id = request.split_once("clientId=").unwrap().1.split_once('&').unwrap().0.to_string();
            assert_eq!(host.session.session().client_id().concat(), id);
            host.hear(&[accept(&request), status(0)].concat());
            lose(&mut host);
            id
        })
        .collect()
}

fn lost(host: &mut ScriptedHost<'_>) {
    host.tell(Input::Closed(Ws, End::Broken));
}

fn deaf(host: &mut ScriptedHost<'_>) {
    while host.status().1 != Some(FaultKind::Deaf) {
        host.now = host.deadline.unwrap();
        if links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Http)) {
            let path = host.asks();
            let json = if path == "/prompt" { r#"{"exec_info": {"queue_remaining": 7}}"# } else { r#"{"jobs": []}"# };
            host.tell(Input::Bytes(Http, answer(json).as_bytes()));
        }
    }
}

fn is_fresh(id: &str, of: &str) -> bool {
    let digits = id.strip_prefix(of).and_then(|id| id.strip_prefix('-')).unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|digit| b"0123456789abcdef".contains(&digit))
}

#[test]
fn who_only_looks_on_has_a_fresh_one_for_each_connection() {
    let ids = ids(ClientId::Fresh, lost);
    assert!(ids.iter().all(|id| is_fresh(id, "comfyglow")), "{ids:?}");
    assert!((1..4).all(|n| !ids[..n].contains(&ids[n])), "{ids:?}");
}

#[test]
fn one_s_own_stays_until_the_server_forgot_it() {
    assert_eq!(ids(ClientId::Own("me"), lost), ["me"; 4]);
    let ids = ids(ClientId::Own("me"), deaf);
    assert_eq!(ids[0], "me");
    assert!(ids[1..].iter().all(|id| is_fresh(id, "me")), "{ids:?}");
    assert!(ids[1] != ids[2] && ids[2] != ids[3]);

    let mut host = ScriptedHost::new(Config { client_id: ClientId::Own("me"), ..POLLS });
    host.drain();
    let request = host.opens();
    host.hear(&[accept(&request), status(0)].concat());
    deaf(&mut host);
    let renewed = |host: &mut ScriptedHost<'_>| {
        while !links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Ws)) {
            host.now = host.deadline.unwrap();
        }
        host.opens();
        let id = host.session.session().client_id().concat();
        host.tell(Input::Closed(Ws, End::Eof));
        id
    };
    let first = renewed(&mut host);
    assert_eq!(renewed(&mut host), first, "prompts are submitted with it: an ordinary loss is no reason for another");
}

#[test]
fn a_fixed_one_stays_whatever_happens() {
    assert_eq!(ids(ClientId::Fixed("you"), deaf), ["you"; 4]);
}
