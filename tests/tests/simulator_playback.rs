//! A playback sends a recording's frames byte for byte, and answers over HTTP as the recorded server did.

use std::time::Duration;

use comfyglow::{
    recording::{Recording, What},
    simulator::playback::Playback,
};
use comfyglow_tests::{
    client::{Client, get, http, kind},
    fixtures,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

fn recording(name: &str) -> Recording {
    Recording::read(&fixtures().join(format!("traces/{name}.jsonl"))).expect("a recording")
}

async fn play(name: &str, connection: i64) -> Playback {
    let playback = Playback::builder(recording(name)).connection(connection).speed(f64::INFINITY);
    playback.start().await.expect("a free port")
}

/// The bytes of the frames that a recording's connection received, but for pongs.
fn recorded_bytes(recording: &Recording, connection: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in recording.rows.iter().filter(|row| row.conn == connection) {
        let What::Rx(frame) = &row.what else { continue };
        if frame.opcode == 10 {
            continue;
        }
        bytes.push(u8::from(frame.fin) << 7 | frame.rsv << 4 | frame.opcode);
        match u16::try_from(frame.payload.len()) {
            Ok(length @ 0..=125) => bytes.push(u8::try_from(length).expect("a small number")),
            Ok(length) => {
                bytes.push(126);
                bytes.extend(length.to_be_bytes());
            }
            Err(_) => {
                bytes.push(127);
                bytes.extend((frame.payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(&frame.payload);
    }
    bytes
}

#[tokio::test]
async fn frames_are_played_byte_for_byte() {
    for (name, connection) in [
        ("a_success", 0),
        ("f_same_clientid_overlap", 0),
        ("f_same_clientid_overlap", 2),
        ("f_reconnect_midrun", 0),
        ("w_wire_deflate", 0),
        ("n_client_rsv", 0),
        ("i_burst_pbar", 0),
    ] {
        let playback = play(name, connection).await;
        let mut stream = TcpStream::connect(playback.addr()).await.expect("it listens");
        let request = "GET /ws?clientId=a HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.expect("it ends");
        let head = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an answer") + 4;
        let answer = String::from_utf8_lossy(&received[..head]).to_lowercase();
        assert!(answer.starts_with("http/1.1 101 ") && answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        assert_eq!(answer.contains("permessage-deflate"), name == "w_wire_deflate", "{name}");
        assert!(received[head..] == recorded_bytes(&recording(name), connection), "{name}, connection {connection}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_recordings_time_is_kept() {
    let recording = recording("f_connect_late");
    let ends = recording.rows.iter().map(|row| Duration::from_secs_f64(row.t_ms / 1000.0)).next_back();
    let opened = Duration::from_millis(608);
    let whole = ends.expect("rows").saturating_sub(opened);
    for speed in [1.0, 4.0] {
        let playback = Playback::builder(recording.clone()).speed(speed).start().await.expect("a free port");
        let start = tokio::time::Instant::now();
        let mut client = Client::open(playback.addr(), "/ws").await;
        while client.next().await.is_some() {}
        let took = start.elapsed().as_secs_f64() * speed;
        assert!((took - whole.as_secs_f64()).abs() < 0.1, "{took} s instead of {whole:?}");
    }
}

#[tokio::test]
async fn a_client_is_answered_while_it_listens() {
    // In real time, the recording is silent for minutes.
    let playback = Playback::builder(recording("n_idle_no_server_ping")).start().await.expect("a free port");
    let mut client = Client::open(playback.addr(), "/api/ws").await;
    client.send(Message::text("hello")).await;
    client.send(Message::Ping("there?".into())).await;
    while client.next().await.expect("a message") != Message::Pong("there?".into()) {}
    let closed = client.close(Some(1001)).await;
    assert_eq!(closed.iter().map(kind).next_back().as_deref(), Some("close 1000"));
}

#[tokio::test]
async fn http_tells_what_the_recording_knows() {
    let playback = play("g_observer_other_client", 1).await;
    let server = playback.addr();
    let empty = json!({"queue_running": [], "queue_pending": []});
    assert_eq!(get(server, "/queue").await.json(), empty);
    assert_eq!(get(server, "/nope").await.status, 404);

    // Cut while the prompt runs: its graph is in the queue.
    let mut cut = recording("g_observer_other_client");
    cut.rows.truncate(52);
    let frames = cut.rows.iter().filter(|row| row.conn == 0 && matches!(row.what, What::Rx(_))).count();
    let playback = Playback::builder(cut).speed(f64::INFINITY).start().await.expect("a free port");
    let mut client = Client::open(playback.addr(), "/ws").await;
    for _ in 0..frames {
        client.next().await.expect("a frame");
    }
    let queue = get(playback.addr(), "/api/queue").await.json();
    let tuple = &queue["queue_running"][0];
    assert_eq!(tuple[1], "00c1b177-2c1a-491c-aa34-3500edfbaa69");
    assert_eq!(tuple[2]["2"]["class_type"], "TraceSteps");
    assert_eq!(get(playback.addr(), "/prompt").await.json(), json!({"exec_info": {"queue_remaining": 1}}));
    let posted = http(playback.addr(), "POST", "/prompt", &[], "{}").await;
    assert_eq!(posted.json()["prompt_id"], tuple[1]);
}

#[tokio::test]
async fn a_refused_handshake_is_refused_again() {
    let playback = play("n_handshake_errors", 0).await;
    assert_eq!(get(playback.addr(), "/ws").await.status, 403);
    let missing =
        Playback::builder(recording("a_success")).connection(7).start().await.expect_err("no such connection");
    assert_eq!(missing.to_string(), "the recording has no connection 7; it has 1, from 0");
}
