//! The sockets' own ways: handshakes, closes, the displaced and the deaf socket, and the reader who stalls everyone.

use comfyglow::simulator::{Recipients, Simulator};
use comfyglow_tests::client::{Client, get, http, kind, post};
use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{Frame, FrameHeader, coding::OpCode},
};

/// More than any buffer between two sockets holds.
const LARGE: usize = 48 * 1024 * 1024;

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).start().await.expect("a free port")
}

const EVENT: &str = r#"{"type": "event", "data": null}"#;

fn prompt() -> serde_json::Value {
    json!({"prompt": {"1": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
        "2": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}}})
}

#[tokio::test]
async fn handshakes_are_accepted_and_refused_as_by_comfyui() {
    let simulator = simulator().await;
    let server = simulator.addr();
    let own = simulator.url();
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (path, header, status) in [
        ("/ws", ("Authorization", "Bearer x"), 101),
        ("/api/ws?clientId=a&token=b", ("Sec-WebSocket-Protocol", "chat"), 101),
        ("/ws", ("Origin", own.as_str()), 101),
        ("/ws", ("Origin", "http://evil.example"), 403),
        ("/ws", ("Origin", "http://127.0.0.1:1"), 403),
        ("/ws", ("Sec-Fetch-Site", "cross-site"), 403),
        ("/nope", ("Authorization", "Bearer x"), 404),
    ] {
        let headers = [upgrade.as_slice(), &[header]].concat();
        assert_eq!(http(server, "GET", path, &headers, "").await.status, status, "{path} with {header:?}");
    }
    let plain = get(server, "/ws").await;
    assert_eq!(plain.status, 400);
    assert_eq!(plain.text, "No WebSocket UPGRADE hdr: None\n Can \"Upgrade\" only to \"WebSocket\".");
}

#[tokio::test]
async fn a_client_without_an_id_gets_one() {
    let simulator = simulator().await;
    for path in ["/ws", "/ws?clientId=", "/api/ws?other=1"] {
        let mut client = Client::open(simulator.addr(), path).await;
        let greeting = client.next().await.expect("a greeting").into_text().expect("a text");
        let greeting: serde_json::Value = serde_json::from_str(&greeting).expect("an event");
        let sid = greeting["data"]["sid"].as_str().expect("an id");
        assert!(sid.len() == 32 && sid.bytes().all(|b| b.is_ascii_hexdigit()) && &sid[12..13] == "4", "{sid}");
    }
}

#[tokio::test]
async fn every_close_is_answered_with_1000() {
    let simulator = simulator().await;
    for code in [None, Some(1000), Some(1001), Some(1011), Some(3000), Some(4999)] {
        let client = Client::greeted(simulator.addr(), "a").await;
        let heard = client.close(code).await;
        assert_eq!(heard.iter().map(kind).collect::<Vec<_>>(), ["close 1000"], "after {code:?}");
    }
    simulator.wait_for_sockets(0).await;
}

#[tokio::test]
async fn a_message_of_more_than_4_mib_is_told_to_be_too_large() {
    let simulator = simulator().await;
    let mut client = Client::greeted(simulator.addr(), "a").await;
    // In parts, so that the server has read all when it objects.
    for (part, opcode) in [2, 0, 0, 0, 0].into_iter().enumerate() {
        let header = FrameHeader { is_final: part == 4, opcode: OpCode::from(opcode), ..FrameHeader::default() };
        client.send(Message::Frame(Frame::from_payload(header, vec![0; 1024 * 1024].into()))).await;
    }
    assert_eq!(client.next().await.as_ref().map(kind).as_deref(), Some("close 1009"));
}

#[tokio::test]
async fn the_displaced_socket_hears_nothing_and_its_close_makes_the_new_one_deaf() {
    let simulator = simulator().await;
    let server = simulator.addr();
    let mut old = Client::greeted(server, "a").await;
    let mut new = Client::greeted(server, "a").await;
    let mut other = Client::greeted(server, "b").await;

    simulator.deliver_text(Recipients::Everyone, EVENT);
    simulator.settled().await;
    assert_eq!((old.heard().await.len(), new.heard().await.len(), other.heard().await.len()), (0, 1, 1));
    assert_eq!(simulator.clients(), ["a", "b"]);

    old.close(Some(1000)).await;
    simulator.wait_for_sockets(2).await;
    simulator.deliver_text(Recipients::Everyone, EVENT);
    simulator.deliver_text(Recipients::Client("a".to_owned()), EVENT);
    simulator.settled().await;
    // It still answers the ping by which `heard` knows that this is all.
    assert_eq!((new.heard().await.len(), other.heard().await.len()), (0, 1));

    let mut third = Client::greeted(server, "a").await;
    simulator.deliver_text(Recipients::Client("a".to_owned()), EVENT);
    simulator.settled().await;
    assert_eq!((new.heard().await.len(), third.heard().await.len()), (0, 1));
}

#[tokio::test]
async fn a_reader_who_stalls_holds_up_everyone_but_not_the_execution() {
    let simulator = simulator().await;
    let server = simulator.addr();
    let mut stalled = Client::greeted(server, "stalled").await;
    let mut healthy = Client::greeted(server, "healthy").await;

    simulator.deliver_binary(Recipients::Client("stalled".to_owned()), &vec![0; LARGE]);
    simulator.deliver_text(Recipients::Client("healthy".to_owned()), EVENT);
    assert_eq!(post(server, "/prompt", &prompt()).await.status, 200);
    while get(server, "/history").await.text == "{}" {}
    // The prompt has ended, and pings are answered, but the event is behind the stalled reader.
    assert_eq!(healthy.heard().await, []);

    let large = stalled.next().await.expect("the large message");
    assert_eq!(large.len(), LARGE);
    simulator.settled().await;
    let heard = healthy.heard().await;
    assert_eq!(heard[0], Message::text(EVENT));
    assert_eq!(heard[1..].iter().filter(|message| kind(message) == "status(status)").count(), 3);
}

#[tokio::test]
async fn a_stalled_reader_who_goes_away_frees_the_others() {
    let simulator = simulator().await;
    let stalled = Client::greeted(simulator.addr(), "stalled").await;
    let mut healthy = Client::greeted(simulator.addr(), "healthy").await;
    simulator.deliver_binary(Recipients::Everyone, &vec![0; LARGE]);
    stalled.abort(true);
    simulator.wait_for_sockets(1).await;
    let large = healthy.next().await.expect("the large message");
    assert_eq!(large.len(), LARGE);
}

#[tokio::test]
async fn the_end_of_the_server_is_no_close() {
    let simulator = simulator().await;
    let mut client = Client::greeted(simulator.addr(), "a").await;
    let mut other = Client::greeted(simulator.addr(), "b").await;
    assert!(simulator.disconnect("a") && !simulator.disconnect("nobody"));
    assert_eq!(client.next().await, None);
    simulator.shutdown().await;
    assert_eq!(other.next().await, None);
}
