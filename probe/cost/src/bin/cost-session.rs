//! Runs messages through a gadget's session on a Cortex-M4 and says what each took, one figure a line.
//!
//! `calibration`: instructions of 1,000 ticks. `count`: a kind, its bytes, and the instructions from its frame's bytes to
//! the state with a subscriber to nothing, with one to everything, and to tell the outputs. `stack`: what for, and bytes.
//! There is one kind of observer in it, as in a program that is made of it, so that the code is the same.
#![no_std]
#![no_main]

use core::{hint::black_box, mem::MaybeUninit};

use comfyglow_core::{
    capacity::GadgetCapacity,
    session::{Config, End, Host, Link},
    subscription::{Subscription, Topics},
    time::{Duration, Instant},
    wire::{Input, Output, Wire},
};
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use probe_cost::{
    Mean, is_of_session, messages,
    meter::{Meter, stack},
};
use semihosting::{println, process};

/// Longer than any frame here.
const FRAME: usize = 64 * 1_024;

/// Bytes that a snapshot may have.
const SNAPSHOT: usize = 4_096;

/// What comes before the message that is counted.
const BEFORE: [&str; 5] = [
    include_str!("../../../../tests/fixtures/bench-messages/status_sid.json"),
    include_str!("../../../../tests/fixtures/bench-messages/execution_start.json"),
    include_str!("../../../../tests/fixtures/bench-messages/progress_state5.json"),
    include_str!("../../../../tests/fixtures/bench-messages/executing.json"),
    r#"{"type": "progress", "data": {"value": 2, "max": 20, "prompt_id": "3328f0c8-9368-4070-90e7-087e854fe315", "node": "5"}}"#,
];

/// What begins another prompt, where one runs or has ended: its record takes the other's place.
const ANOTHER: [&str; 4] = [
    r#"{"type": "execution_start", "data": {"prompt_id": "9c51a2de-0b7f-4c55-8a7e-6d1f20f3b9aa", "timestamp": 1700000000123}}"#,
    r#"{"type": "execution_cached", "data": {"nodes": ["4", "6"], "prompt_id": "9c51a2de-0b7f-4c55-8a7e-6d1f20f3b9aa", "timestamp": 1700000000123}}"#,
    r#"{"type": "progress_state", "data": {"prompt_id": "9c51a2de-0b7f-4c55-8a7e-6d1f20f3b9aa", "nodes": {"3.0.1": {"value": 1, "max": 20, "state": "running", "node_id": "3.0.1", "prompt_id": "9c51a2de-0b7f-4c55-8a7e-6d1f20f3b9aa", "display_node_id": "3", "parent_node_id": null, "real_node_id": "3"}}}}"#,
    r#"{"type": "executing", "data": {"node": "3.0.1", "display_node": "3", "prompt_id": "9c51a2de-0b7f-4c55-8a7e-6d1f20f3b9aa"}}"#,
];

/// The end of the prompt that runs.
const SUCCESS: &str = include_str!("../../../../tests/fixtures/bench-messages/execution_success.json");

/// The answers to `/comfyglow`, `/internal/logs/subscribe`, `/prompt` and `/api/jobs` where another prompt runs.
const RUNNING: [&str; 4] = [
    "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n\r\n404: Not Found",
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 37\r\n\r\n\
     {\"exec_info\": {\"queue_remaining\": 1}}",
    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 83\r\n\r\n\
     {\"jobs\": [{\"id\": \"9c51a2de-0b7f-4c55-8a7e-6d1f20f3b9aa\", \"status\": \"in_progress\"}]}",
];

/// What the log tells of it then.
const LOGGED: [&str; 3] = [
    r#"{"type": "logs", "data": {"entries": [{"t": "2026-11-22T17:47:43.435024", "m": "\r 50%|\u2588\u2588\u2588     | 6/12 [00:06<00:04,  1.41it/s]"}], "size": null}}"#,
    r#"{"type": "logs", "data": {"entries": [{"t": "2026-11-22T17:47:43.435024", "m": "!!! Exception during processing !!! no\nTraceback (most recent call last):\n  File\nValueError: no\n"}], "size": null}}"#,
    r#"{"type": "logs", "data": {"entries": [{"t": "2026-11-22T17:47:43.435024", "m": "\u001b[32m[INFO]\u001b[0m Prompt executed in 7.34 seconds\n"}], "size": null}}"#,
];

#[entry]
fn main() -> ! {
    let peripherals = Peripherals::take().expect("this is the first to take them");
    let meter = Meter::new(peripherals.SYST);
    println!("calibration {}", meter.calibration());
    let (mut event_path, mut of_session) = (0, OfSession::new(""));
    for (name, message) in messages() {
        let frame = Framed::new(message.as_bytes());
        if is_of_session(name) {
            if of_session.name != name {
                of_session.tell();
                of_session = OfSession::new(name);
            }
            of_session.count(&meter, &frame);
        } else {
            count(&meter, name, &frame);
            let mut device = Device::running(Topics::ALL);
            event_path = event_path.max(stack(|| device.hear(&frame)));
        }
    }
    of_session.tell();
    println!("stack event {}", event_path.max(another_stack()));
    println!(
        "stack new {}",
        stack(|| drop(black_box(place().write(Wire::<GadgetCapacity>::new(black_box(config()), 1)))))
    );
    println!("stack connect {}", connect_stack());
    println!("stack graph {}", graph_stack());
    println!("stack view {}", view_stack());
    println!("stack snapshot {}", snapshot_stack());
    process::exit(0)
}

fn config() -> Config<'static> {
    Config::new("desk:8188")
}

fn at(millis: u64) -> Instant {
    Instant::ZERO.saturating_add(Duration::from_millis(millis))
}

/// A message in a server's frame.
struct Framed {
    bytes: [u8; FRAME],
    len: usize,
    /// Bytes of the message in it.
    message: usize,
}

impl Framed {
    fn new(message: &[u8]) -> Self {
        let [high, low] = u16::try_from(message.len()).expect("no message is longer").to_be_bytes();
        let (header, start) = if message.len() < 126 { ([0x81, low, 0, 0], 2) } else { ([0x81, 126, high, low], 4) };
        let mut bytes = [0; FRAME];
        let len = start + message.len();
        bytes[..start].copy_from_slice(&header[..start]);
        bytes[start..len].copy_from_slice(message);
        Self { bytes, len, message: message.len() }
    }
}

/// A session, and somebody who is told of it.
struct Device {
    session: Wire<'static, GadgetCapacity>,
    subscriber: Subscription<{ GadgetCapacity::NOTES }>,
}

impl Device {
    fn new(config: Config<'static>, topics: Topics) -> Self {
        Self { session: Wire::<GadgetCapacity>::new(config, 1), subscriber: Subscription::new(black_box(topics)) }
    }

    /// With a socket, and no wish for the graph.
    fn attached(topics: Topics) -> Self {
        let mut device = Self::new(Config { http: false, ..config() }, topics);
        device.session.attach(at(0));
        device
    }

    /// In the middle of a prompt.
    fn running(topics: Topics) -> Self {
        let mut device = Self::attached(topics);
        for message in BEFORE {
            device.hear(&Framed::new(message.as_bytes()));
            device.drain(at(1));
            device.take_notes();
        }
        device
    }

    #[inline(never)]
    fn input(&mut self, now: Instant, input: Input<'_>) {
        self.session.handle_input_with(now, input, &mut self.subscriber);
    }

    #[inline(never)]
    fn hear(&mut self, frame: &Framed) {
        self.input(black_box(at(100)), Input::Bytes(Link::Socket, black_box(&frame.bytes[..frame.len])));
    }

    #[inline(never)]
    fn drain(&mut self, now: Instant) {
        while !matches!(
            black_box(self.session.poll_output_with(black_box(now), &mut self.subscriber)),
            Output::Sleep(_)
        ) {}
    }

    fn take_notes(&mut self) {
        while self.subscriber.next().is_some() {}
    }
}

fn count(meter: &Meter, name: &str, frame: &Framed) {
    let alone = meter.instructions(|| Device::running(Topics::NONE), |device| device.hear(frame));
    let subscribed = meter.instructions(|| Device::running(Topics::ALL), |device| device.hear(frame));
    let told = || {
        let mut device = Device::running(Topics::ALL);
        device.hear(frame);
        device
    };
    let outputs = meter.instructions(told, |device| device.drain(at(200)));
    println!("count {name} {} {alone} {subscribed} {outputs}", frame.message);
}

/// A session's messages, one after the other.
struct OfSession<'m> {
    name: &'m str,
    alone: Device,
    subscribed: Device,
    mean: Mean<3>,
}

impl<'m> OfSession<'m> {
    fn new(name: &'m str) -> Self {
        let (alone, subscribed) = (Device::attached(Topics::NONE), Device::attached(Topics::ALL));
        Self { name, alone, subscribed, mean: Mean::new() }
    }

    fn count(&mut self, meter: &Meter, frame: &Framed) {
        let alone = meter.once(|| self.alone.hear(frame));
        let subscribed = meter.once(|| self.subscribed.hear(frame));
        let outputs = meter.once(|| self.subscribed.drain(at(200)));
        self.alone.drain(at(200));
        self.subscribed.take_notes();
        self.mean.add(frame.message, [alone, subscribed, outputs]);
    }

    fn tell(&self) {
        let (bytes, [alone, subscribed, outputs]) = self.mean.of_one();
        if is_of_session(self.name) {
            println!("count {} {bytes} {alone} {subscribed} {outputs}", self.name);
        }
    }
}

/// Bytes of stack for what begins another prompt, over the socket and over HTTP.
fn another_stack() -> u32 {
    let begins = |message: &str, ended: bool| {
        let mut device = Device::running(Topics::ALL);
        if ended {
            device.hear(&Framed::new(SUCCESS.as_bytes()));
            device.take_notes();
        }
        let generation = device.session.state().generation();
        let frame = Framed::new(message.as_bytes());
        let used = stack(|| device.hear(&frame));
        assert!(device.session.state().generation() > generation, "it begins no prompt: {message}");
        used
    };
    let heard = ANOTHER.into_iter().map(|message| begins(message, false).max(begins(message, true))).max();
    heard.unwrap_or_default().max(answered_stack())
}

/// Bytes of stack for an answer by which another prompt runs, and for what the log tells of it.
fn answered_stack() -> u32 {
    let mut device = Device::new(config(), Topics::ALL);
    device.session.attach(at(0));
    for message in BEFORE.into_iter().chain([SUCCESS]) {
        device.hear(&Framed::new(message.as_bytes()));
    }
    let generation = device.session.state().generation();
    let mut used = 0;
    for (answer, now) in RUNNING.into_iter().zip([at(60_000), at(60_020), at(60_040), at(60_060)]) {
        device.drain(now);
        device.input(now, Input::Opened(Link::Http));
        // A ping may come before the request.
        for link in [Link::Socket, Link::Http] {
            device.drain(now);
            device.input(now, Input::Sent(link));
        }
        used = used.max(stack(|| device.input(now, Input::Bytes(Link::Http, black_box(answer.as_bytes())))));
        device.input(now, Input::Closed(Link::Http, End::Eof));
    }
    assert!(device.session.state().generation() > generation, "the answer begins no prompt");
    for message in LOGGED {
        let frame = Framed::new(message.as_bytes());
        used = used.max(stack(|| device.hear(&frame)));
    }
    let prompt = device.session.state().prompt().expect("it runs");
    assert!(prompt.error().is_some(), "the log tells nothing");
    used
}

/// Bytes of stack to dial, ask, be answered wrongly, and leave.
fn connect_stack() -> u32 {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";
    let mut device = Device::new(config(), Topics::ALL);
    stack(|| {
        device.drain(at(0));
        device.input(at(1), Input::Opened(Link::Socket));
        device.drain(at(1));
        device.input(at(2), Input::Sent(Link::Socket));
        device.input(at(2), Input::Bytes(Link::Socket, answer));
        device.drain(at(2));
        device.input(at(3), Input::Closed(Link::Socket, End::Eof));
        device.input(at(3), Input::Host(Host::Leave));
        device.drain(at(3));
    })
}

/// Where a gadget's session lives: no stack has room for it.
fn place() -> &'static mut MaybeUninit<Wire<'static, GadgetCapacity>> {
    static mut PLACE: MaybeUninit<Wire<'static, GadgetCapacity>> = MaybeUninit::uninit();
    // SAFETY: this is called once.
    unsafe { &mut *(&raw mut PLACE) }
}

/// Bytes of stack for the graph over HTTP, a ping answered, and leaving.
fn graph_stack() -> u32 {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 155\r\n\r\n\
                   {\"queue_running\": [[0, \"3328f0c8-9368-4070-90e7-087e854fe315\", {\"5\": {\"inputs\": {\"seed\": 1}, \
                   \"class_type\": \"KSampler\"}}, {}, [\"5\"]]], \"queue_pending\": [[1, \"x\", {}]]}";
    let mut device = Device::new(config(), Topics::ALL);
    device.session.attach(at(0));
    for message in BEFORE {
        device.hear(&Framed::new(message.as_bytes()));
    }
    stack(|| {
        device.drain(at(100));
        device.input(at(101), Input::Opened(Link::Http));
        device.drain(at(101));
        device.input(at(102), Input::Sent(Link::Http));
        device.input(at(102), Input::Bytes(Link::Http, answer));
        device.input(at(102), Input::Closed(Link::Http, End::Eof));
        device.input(at(103), Input::Bytes(Link::Socket, b"\x89\x04ping"));
        device.drain(at(103));
        device.input(at(104), Input::Sent(Link::Socket));
        device.input(at(104), Input::Host(Host::Leave));
        device.drain(at(104));
    })
}

fn view_stack() -> u32 {
    let session = Device::running(Topics::ALL).session;
    stack(|| {
        black_box(session.view(black_box(at(300))));
        black_box(session.smooth_percentage(black_box(at(300))));
    })
}

fn snapshot_stack() -> u32 {
    let session = Device::running(Topics::ALL).session;
    let mut line = [0; SNAPSHOT];
    stack(|| {
        black_box(session.state().snapshot(black_box(at(300))).write_json(black_box(&mut line)).unwrap_or_default());
    })
}
