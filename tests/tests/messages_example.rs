//! The host of the core's example `messages`: it follows the simulator, however its reads are cut; and a session fed with
//! messages is in the same state as one fed with frames.

#[path = "../../core/examples/messages/host.rs"]
mod host;

use std::{collections::VecDeque, time::Duration};

use comfyglow::{
    recording::{Message as Recorded, Recording},
    simulator::Simulator,
};
use comfyglow_core::{
    capacity::DesktopCapacity,
    event::Message,
    session::{ClientId, Config, End, Input, Link, Output, Session},
    state::{FaultKind, Percentage, Prompt, PromptState, State},
    time::Instant,
    wire::{self, Wire},
};
use comfyglow_tests::{ServerMessage, fixtures, frame, settle};
use host::{MessageHost, Step};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};
use tungstenite::handshake::derive_accept_key;

const CLIENT: &str = "desk";

/// What a run of the host saw.
#[derive(Default)]
struct Seen {
    percentages: Vec<u32>,
    steps: u32,
    requests: usize,
    previews: u32,
    latency: bool,
}

/// Reads what `link` brings; empty at its end. Never ends without a link.
async fn read(link: &mut Option<TcpStream>) -> Vec<u8> {
    let Some(stream) = link else { return std::future::pending().await };
    let mut bytes = vec![0; 4_096];
    let len = stream.read(&mut bytes).await.expect("the simulator ends connections in good order");
    bytes.truncate(len);
    bytes
}

/// Follows a prompt from its submission to success. The WebSocket's bytes come in reads of the length that `cut` gives for
/// the number of bytes before.
async fn follow(cut: fn(usize) -> usize) -> Seen {
    let simulator = Simulator::builder().seed(1).previews(true).start().await.expect("a free port");
    let server = simulator.addr().to_string();
    let mut host = MessageHost::new(Config { client_id: ClientId::Fixed(CLIENT), ..Config::new(&server) });
    let (mut socket, mut http) = (None, None);
    let (mut unread, mut count) = (VecDeque::new(), 0);
    let (mut seen, mut is_submitted) = (Seen::default(), false);
    let start = std::time::Instant::now();
    let now = || Instant::from_micros(u64::try_from(start.elapsed().as_micros()).expect("a short test"));
    loop {
        assert!(start.elapsed() < Duration::from_mins(1), "no end: {:?}", host.session.view(now()));
        match host.poll(now()) {
            Step::Open(link, request) => {
                let mut stream = TcpStream::connect(simulator.addr()).await.expect("the simulator listens");
                stream.write_all(&request).await.expect("the simulator reads");
                match link {
                    Link::Socket => socket = Some(stream),
                    Link::Http => {
                        seen.requests += 1;
                        http = Some(stream);
                    }
                }
            }
            Step::Send(bytes) => {
                let stream = socket.as_mut().expect("the socket is open");
                stream.write_all(&bytes).await.expect("the simulator reads");
            }
            Step::Close(Link::Socket) => panic!("{:?}", host.session.view(now()).connection),
            Step::Close(Link::Http) => http = None,
            Step::Changed => {
                let view = host.session.view(now());
                assert_eq!(view.connection.fault, None);
                seen.latency |= view.latency.is_some();
                if view.is_connected() && !is_submitted {
                    let graph = json!({
                        "1": {"class_type": "SomeSampler", "inputs": {"sim_steps": 20, "sim_ms": 80}},
                        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}},
                    });
                    simulator.submit(&json!({"prompt": graph, "client_id": CLIENT})).expect("a workflow");
                    is_submitted = true;
                }
                let Some(prompt) = view.prompt else { continue };
                seen.percentages.extend(prompt.percentage.map(Percentage::permille));
                seen.steps += u32::from(prompt.steps.is_some());
                seen.previews = prompt.previews;
                if prompt.state == PromptState::Success {
                    return seen;
                }
            }
            Step::Sleep(_) if !unread.is_empty() => {
                let bytes: Vec<u8> = unread.drain(..cut(count).min(unread.len())).collect();
                count += bytes.len();
                host.socket_bytes(now(), &bytes);
            }
            Step::Sleep(until) => {
                let rest = until
                    .map_or(Duration::MAX, |until| Duration::from_micros(until.saturating_since(now()).as_micros()));
                tokio::select! {
                    bytes = read(&mut socket) => {
                        assert!(!bytes.is_empty(), "the simulator closed the socket");
                        unread.extend(bytes);
                    }
                    bytes = read(&mut http) => if bytes.is_empty() {
                        http = None;
                        host.closed(now(), Link::Http, End::Eof);
                    } else {
                        host.http_bytes(now(), &bytes);
                    },
                    () = sleep(rest) => host.wake(now()),
                }
            }
        }
    }
}

fn assert_complete(seen: &Seen) {
    assert_eq!(seen.percentages.last(), Some(&1_000));
    assert!(seen.percentages.is_sorted());
    assert!(seen.percentages.iter().filter(|percentage| (1..1_000).contains(*percentage)).count() > 5);
    assert!(seen.steps > 5 && seen.previews > 5 && seen.requests > 0 && seen.latency, "{:?}", seen.percentages);
}

#[tokio::test]
async fn message_host_reading_the_first_bytes_singly_follows_a_prompt() {
    assert_complete(&Box::pin(follow(|before| if before < 1_000 { 1 } else { usize::MAX })).await);
}

#[tokio::test]
async fn message_host_reading_seven_bytes_follows_a_prompt() {
    assert_complete(&Box::pin(follow(|_| 7)).await);
}

/// A host whose handshake was sent, and the response to it.
fn opening() -> (MessageHost<'static>, Vec<u8>) {
    let mut host = MessageHost::new(Config { http: false, ..Config::new("desk:8188") });
    let Step::Open(Link::Socket, request) = host.poll(Instant::ZERO) else { panic!("no handshake") };
    let request = String::from_utf8(request).expect("a head is text");
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    (host, response.into_bytes())
}

/// Carries out all steps. Returns the first bytes of the frames sent, and whether the socket was closed.
fn drain(host: &mut MessageHost<'_>) -> (Vec<u8>, bool) {
    let (mut sent, mut is_closed) = (Vec::new(), false);
    loop {
        match host.poll(Instant::ZERO) {
            Step::Send(bytes) => sent.extend(bytes.first()),
            Step::Close(Link::Socket) => is_closed = true,
            Step::Sleep(_) => return (sent, is_closed),
            _ => {}
        }
    }
}

#[test]
fn message_host_with_any_frames_cut_anywhere_reads_all() {
    let status = |queue_remaining, padding| {
        let data =
            json!({"status": {"exec_info": {"queue_remaining": queue_remaining}}, "padding": "x".repeat(padding)});
        json!({"type": "status", "data": data}).to_string()
    };
    let text = |text| frame(&ServerMessage::Text(text));
    let fragmented = status(4, 0);
    let (front, behind) = fragmented.split_at(30);
    let fragment = |first, payload: &str| [&[first, u8::try_from(payload.len()).unwrap()], payload.as_bytes()].concat();
    let frames = [
        text(status(2, 0)),
        text(status(3, 300)),
        fragment(0x01, front),
        fragment(0x89, "ping"),
        fragment(0x00, ""),
        fragment(0x80, behind),
        fragment(0x88, "\u{3}\u{7f}"),
    ]
    .concat();
    let len = opening().1.len() + frames.len();
    for cut in 0..len {
        let (mut host, response) = opening();
        let all = [response, frames.clone()].concat();
        let (mut sent, mut is_closed) = (Vec::new(), false);
        // At 0, byte by byte.
        let (one, other) = all.split_at(cut);
        let pieces: Vec<_> = if cut == 0 { all.chunks(1).collect() } else { vec![one, other] };
        for piece in pieces {
            host.socket_bytes(Instant::ZERO, piece);
            let drained = drain(&mut host);
            sent.extend(drained.0);
            is_closed |= drained.1;
        }
        let state = host.session.state();
        assert_eq!((state.messages().text, state.queue_remaining()), (3, Some(4)), "cut at {cut}");
        // What is to be said goes out between reads: the greeting only if the server did not close in the same one.
        assert!(sent.ends_with(&[0x8a, 0x88]) || sent == [0x8a, 0x81, 0x88], "{sent:x?}, cut at {cut}");
        assert!(is_closed);
        let fault = state.connection().fault.map(|fault| fault.kind);
        assert_eq!(fault, Some(FaultKind::ClosedWith(0x037f)), "cut at {cut}");
    }
}

#[test]
fn message_host_with_large_frame_reads_all() {
    let text = json!({"type": "status", "data": {"padding": "x".repeat(100_000),
        "status": {"exec_info": {"queue_remaining": 2}}}});
    for piece in [1_000, 65_000, usize::MAX] {
        let (mut host, response) = opening();
        let all = [response, frame(&ServerMessage::Text(text.to_string()))].concat();
        for piece in all.chunks(piece) {
            host.socket_bytes(Instant::ZERO, piece);
            drain(&mut host);
        }
        assert_eq!(host.session.state().queue_remaining(), Some(2));
    }
}

#[test]
fn message_host_with_wrong_frame_is_a_protocol_fault() {
    let wrong: [&[u8]; 9] = [
        b"\xc1\x02{}",
        b"\x81\x82abcd{}",
        b"\x80\x02{}",
        b"\x09\x00",
        b"\x89\x7e\x00\x7e",
        b"\x83\x00",
        b"\x01\x00\x81\x02{}",
        b"\x81\x7f\x80\0\0\0\0\0\0\0",
        b"\x01\x7f\0\0\0\0\0\x01\0\x01",
    ];
    for wrong in wrong {
        let (mut host, response) = opening();
        host.socket_bytes(Instant::ZERO, &response);
        assert_eq!(drain(&mut host), (vec![0x81], false));
        host.socket_bytes(Instant::ZERO, wrong);
        assert_eq!(drain(&mut host), (vec![0x88], true), "{wrong:x?}");
        let fault = host.session.state().connection().fault.map(|fault| fault.kind);
        assert_eq!(fault, Some(FaultKind::Protocol), "{wrong:x?}");
    }
}

#[test]
fn message_host_refused_reports_the_status() {
    let (mut host, _) = opening();
    host.socket_bytes(Instant::ZERO, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(drain(&mut host), (vec![], true));
    let fault = host.session.state().connection().fault.map(|fault| fault.kind);
    assert_eq!(fault, Some(FaultKind::Refused(403)));
}

/// The snapshot of `state`, as JSON.
fn snapshot(state: &State<DesktopCapacity>, now: Instant) -> String {
    let mut out = vec![0; 8_192];
    let len = state.snapshot(now).write_json(&mut out).expect("a snapshot is shorter");
    String::from_utf8(out[..len].to_vec()).expect("a snapshot is text")
}

#[test]
fn session_fed_with_messages_is_in_the_state_of_a_wire_fed_with_frames() {
    for name in ["a_success", "c_error_custom", "d_interrupt"] {
        let recording = Recording::read(&fixtures().join(format!("traces/{name}.jsonl"))).expect("a recording");
        let mut session = Session::<DesktopCapacity>::new(Config::attached(), 1);
        let mut wire = Wire::<DesktopCapacity>::new(Config::attached(), 1);
        session.attach(Instant::ZERO);
        wire.attach(Instant::ZERO);
        let conn = recording.connections()[0];
        let messages = recording.messages(conn).expect("messages");
        assert!(messages.len() > 10, "{name}");
        for heard in messages {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of a recording")]
            let now = Instant::from_millis(heard.t_ms as u64);
            let (message, bytes) = match &heard.wire {
                Recorded::Text(text) => (Message::text(text), frame(&ServerMessage::Text(text.clone()))),
                Recorded::Binary(bytes) => (Message::binary(bytes), frame(&ServerMessage::Binary(bytes.clone()))),
            };
            session.handle_input(now, Input::Message(message));
            while !matches!(session.poll_output(now), Output::Sleep(_)) {}
            wire.handle_input(now, wire::Input::Bytes(Link::Socket, &bytes));
            settle(&mut wire, now, &mut ());
            assert_eq!(snapshot(session.state(), now), snapshot(wire.state(), now), "{name}, line {}", heard.line);
            assert_eq!(session.smooth_percentage(now), wire.smooth_percentage(now));
        }
        assert!(session.state().prompt().is_some_and(Prompt::is_settled), "{name}");
    }
}
