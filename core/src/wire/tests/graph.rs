//! The running prompt's graph, over HTTP.

use super::*;
use crate::limits::{HTTP_SECONDS, POLL_SECONDS};

const QUEUE: &str = r#"{"queue_running": [[0, "p", {"3": {"class_type": "KSampler", "inputs": {}}, "8": {"inputs": {}, "class_type": "VAEDecode"}, "9": {"class_type": "SaveImage"}}, {}, ["9"]]], "queue_pending": []}"#;

/// A host that learned of the prompt `p` at 1 s and has requested its graph.
fn asking() -> ScriptedHost<'static> {
    let mut host = ScriptedHost::connected_with(WITH_HTTP);
    assert_eq!(host.receive(&start("p")), [Dial(Http), Changed]);
    assert_eq!(host.deadline, Some(host.now.saturating_add(crate::time::Duration::from_secs(HTTP_SECONDS))));
    assert_eq!(host.http_request(), "/queue");
    host.later(1_000);
    host
}

fn known(host: &ScriptedHost<'_>) -> (Option<u32>, [Option<String>; 2]) {
    let state = host.session.state();
    let class = |node: &str| state.class_of(Id::from(node)).map(ToString::to_string);
    (state.prompt().and_then(crate::state::Prompt::nodes_total), ["3", "8"].map(class))
}

fn filled() -> (Option<u32>, [Option<String>; 2]) {
    (Some(3), ["KSampler", "VAEDecode"].map(|class| Some(class.to_string())))
}

#[test]
fn graph_is_requested_once_and_read_in_pieces_of_any_size() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        100,
        &QUEUE[..100],
        QUEUE.len() - 100,
        &QUEUE[100..]
    );
    for whole in [answer(QUEUE), chunked] {
        for size in 1..=whole.len() {
            let mut host = asking();
            let did: Vec<_> =
                whole.as_bytes().chunks(size).flat_map(|piece| host.report(Input::Bytes(Http, piece))).collect();
            let dropped = did.iter().filter(|did| **did == Close(Http)).count();
            assert_eq!((dropped, did.contains(&Changed), did.len()), (1, true, 2), "pieces of {size}: {did:?}");
            assert_eq!(known(&host), filled(), "pieces of {size}");
            let again = text(r#"{"type": "executing", "data": {"node": "3", "prompt_id": "p"}}"#);
            assert_eq!(host.receive(&again).iter().filter(|did| **did != Changed).count(), 0, "known already");
        }
    }
    let mut host = asking();
    host.report(Input::Bytes(Http, b"HTTP/1.1 200 OK\r\n\r\n"));
    host.report(Input::Bytes(Http, QUEUE.as_bytes()));
    assert_eq!(host.report(Input::Closed(Http, End::Eof)), [], "a body until the link's end");
    assert_eq!(known(&host), filled());
}

#[test]
fn useless_graph_response_changes_nothing() {
    let none = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let login = "HTTP/1.1 401 Unauthorized\r\n\r\n";
    for (answer, is_asked_again) in [
        (none, false),
        (login, false),
        ("\x15\x03\x01 garbage", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", true),
        (&format!("HTTP/1.1 200 OK\r\nSet-Cookie\r\n\r\n{QUEUE}"), true),
        (&answer("<html>no JSON</html>"), true),
        (&answer("{}"), true),
    ] {
        let mut host = asking();
        let status = host.status();
        assert_eq!(host.report(Input::Bytes(Http, answer.as_bytes())), [Close(Http)], "{answer}");
        assert_eq!((known(&host), host.status()), ((None, [None, None]), status), "{answer}");
        assert_eq!(links(host.receive(&start("p"))), [], "{answer}");
        if is_asked_again {
            assert_eq!(host.due(2_000 + POLL_SECONDS * 1_000), [Dial(Http)], "{answer}");
        } else {
            assert_eq!(links(host.later(20_000)), [], "{answer}");
        }
    }
}

#[test]
fn graph_request_without_response_is_repeated_with_growing_waits() {
    let refused = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    for heard in ["", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"queue_", refused] {
        let mut host = asking();
        host.report(Input::Bytes(Http, heard.as_bytes()));
        host.report(Input::Closed(Http, End::Eof));
        assert_eq!(host.status(), (ConnectionStatus::Connected, None));
        assert_eq!(host.due(4_000), [Dial(Http)], "{heard}");
        host.report(Input::Closed(Http, End::Unreachable));
        assert_eq!(host.due(8_000), [Dial(Http)]);
        host.report(Input::Closed(Http, End::Unreachable));
        assert_eq!(host.due(16_000), [Dial(Http)]);
        assert_eq!(links(host.respond_json("/queue", QUEUE)), []);
        assert_eq!(known(&host), filled());
        assert_eq!(links(host.later(10_000)), [], "it is known");
    }

    let mut host = asking();
    host.report(Input::Closed(Http, End::Broken));
    host.receive(&text(r#"{"type": "execution_success", "data": {"prompt_id": "p"}}"#));
    assert_eq!(links(host.later(10_000)), [], "the prompt is over");
    assert!(host.receive(&start("p")).contains(&Dial(Http)), "it was submitted again");
}

#[test]
fn slow_exchange_is_dropped() {
    let began = HTTP_SECONDS * 1_000 - 1_000;
    for heard in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"queue_"] {
        let mut host = asking();
        host.report(Input::Bytes(Http, heard.as_bytes()));
        assert_eq!(host.later(began - 1), []);
        assert_eq!(host.later(1), [Close(Http)], "{heard}");
        assert_eq!(links(host.report(Input::Bytes(Http, answer(QUEUE).as_bytes()))), [], "late");
        assert_eq!(known(&host), (None, [None, None]));
        assert_eq!(host.status(), (ConnectionStatus::Connected, None));
    }
}

#[test]
fn only_one_exchange_at_a_time() {
    let mut host = asking();
    let did = host.receive(&start("q"));
    assert_eq!(did, [Changed], "q waits");
    host.later(1_000);
    assert_eq!(links(host.report(Input::Bytes(Http, answer(QUEUE).as_bytes()))), [Close(Http), Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)), "the answer is older, and p's graph of no use");
    assert_eq!(known(&host), (None, [None, None]));
    host.report(Input::Opened(Http));
    let of_q = answer(&QUEUE.replace("\"p\"", "\"q\""));
    assert!(host.report(Input::Bytes(Http, of_q.as_bytes())).contains(&Close(Http)));
    assert_eq!(known(&host), filled());
}

#[test]
fn graph_known_or_http_disabled_requests_nothing() {
    let mut host = ScriptedHost::new(CONFIG);
    host.session.attach(host.now);
    host.drain();
    host.now = Instant::from_millis(100);
    assert_eq!(host.receive(&start("p")), [Changed]);
    host.later(100);
    assert_eq!(host.report(Input::Host(Host::Graph { prompt_id: Id::from("q"), nodes: 5 })), []);
    assert_eq!(host.report(Input::Host(Host::Graph { prompt_id: Id::from("p"), nodes: 5 })), [Changed]);
    assert_eq!(known(&host).0, Some(5));

    let mut host = ScriptedHost::connected_with(WITH_HTTP);
    let both = [start("p"), text(r#"{"type": "execution_success", "data": {"prompt_id": "p"}}"#)].concat();
    assert_eq!(host.receive(&both), [Changed], "it ended before anything could be requested");
}

/// The prompt's id needs buffer only if the request names it.
#[test]
fn request_may_fill_its_buffer() {
    let long = "x".repeat(HEAD - 200);
    let header = [("X", long.as_str())];
    let mut host = ScriptedHost::new(Config { headers: &header, ..WITH_HTTP });
    host.drain();
    let request = host.open_socket();
    let told = [accept(&request), start(&"p".repeat(40))].concat();
    assert_eq!(links(host.receive(&told))[0], Dial(Http));
    let did = host.report(Input::Opened(Http));
    let Some(Send(Http, request)) = did.first() else { panic!("{did:?}") };
    assert!(request.starts_with(b"GET /comfy/queue?") && request.len() > HEAD - 120, "{}", request.len());
}

#[test]
fn giving_up_drops_the_exchange() {
    let mut host = asking();
    assert_eq!(host.report(Input::Closed(Ws, End::Broken)), [Close(Http), Changed]);
    host.assert_over();
}

/// The response for the running prompt arrives during a message that may begin another prompt.
#[test]
fn graph_response_during_a_message_counts_own_nodes_only() {
    let mut host = asking();
    let entry = r#"{"value": 1, "max": 1, "state": "finished"}"#;
    let state = format!(
        r#"{{"type": "progress_state", "data": {{"prompt_id": "q", "nodes": {{"1": {entry}, "2": {entry}, "3": {{}}"#
    );
    let message = frame(0x01, state.as_bytes());
    host.receive(&message);
    host.report(Input::Bytes(Http, answer(QUEUE).as_bytes()));
    let prompt = host.session.state().prompt().unwrap();
    assert_eq!(
        (prompt.nodes_total(), prompt.nodes_finished(), prompt.percentage()),
        (Some(3), 0, Some(Percentage::ZERO))
    );
    host.receive(&frame(0x80, b"}}}"));
    let prompt = host.session.state().prompt().unwrap();
    assert_eq!(prompt.prompt_id().map(Text::as_str), Some("p"), "the message was malformed");
    assert_eq!((prompt.nodes_finished(), prompt.percentage()), (0, Some(Percentage::ZERO)));
}
