//! Runs messages through the core on a Cortex-M4 and says what each took, one figure a line: words, then the number.
//!
//! `count`: the bytes of a message, and the instructions that it takes the decoder alone, the session, and to tell the
//! outputs; `stack`: bytes. The messages are those of the file `messages` in the folder that QEMU is started in, one a
//! line: its name, a tab, the message. Those of a `session` are read one after the other.
#![no_std]
#![no_main]

mod meter;

use core::{hint::black_box, mem::MaybeUninit, panic::PanicInfo};

use comfyglow_core::{
    event::{Decoder, Event, Handler, Interest, Part},
    limits::gadget,
    session::{Config, End, GadgetSession, Input, Link, Output},
    time::{Duration, Instant},
};
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use semihosting::{eprintln, fs::File, io::Read, println, process};

use meter::{Meter, stack};

type GadgetDecoder = Decoder<{ gadget::ID }, { gadget::MESSAGE }>;

/// Longer than any frame here.
const FRAME: usize = 64 * 1_024;

/// Longer than all messages together.
const MESSAGES: usize = 512 * 1_024;

/// Bytes that a snapshot may have.
const SNAPSHOT: usize = 4_096;

/// What comes before the message that is counted.
const BEFORE: [&str; 5] = [
    include_str!("../../../tests/fixtures/bench-messages/status_sid.json"),
    include_str!("../../../tests/fixtures/bench-messages/execution_start.json"),
    include_str!("../../../tests/fixtures/bench-messages/progress_state5.json"),
    include_str!("../../../tests/fixtures/bench-messages/executing.json"),
    r#"{"type": "progress", "data": {"value": 2, "max": 20, "prompt_id": "3328f0c8-9368-4070-90e7-087e854fe315", "node": "5"}}"#,
];

/// Takes what the decoder says and does nothing with it.
struct Nobody;

impl Handler for Nobody {
    fn part(&mut self, part: Part<'_>) {
        black_box(part);
    }

    fn event(&mut self, event: Event<'_>) {
        black_box(event);
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    process::exit(101)
}

#[entry]
fn main() -> ! {
    let peripherals = Peripherals::take().expect("this is the first to take them");
    let meter = Meter::new(peripherals.SYST);
    println!("calibration {}", meter.calibration());
    let (mut event_path, mut session) = (0, SessionMean::new());
    for (name, message) in messages().lines().filter_map(|line| line.split_once('\t')) {
        if name.starts_with("session") {
            session.count(&meter, name, message.as_bytes());
            continue;
        }
        count(&meter, name, message.as_bytes());
        event_path = event_path.max(event_stack(message.as_bytes()));
    }
    session.end();
    println!("stack event {event_path}");
    println!("stack new {}", stack(|| drop(black_box(place().write(GadgetSession::new(black_box(config()), 1))))));
    println!("stack connect {}", connect_stack());
    println!("stack graph {}", graph_stack());
    println!("stack view {}", view_stack());
    println!("stack snapshot {}", snapshot_stack());
    process::exit(0)
}

/// What the file `messages` holds. To be called once.
fn messages() -> &'static str {
    static mut ROOM: [u8; MESSAGES] = [0; MESSAGES];
    // SAFETY: nothing else refers to it, and this is called once.
    let room = unsafe { &mut *(&raw mut ROOM) };
    let mut file = File::open(c"messages").expect("the messages are in this folder");
    let mut len = 0;
    loop {
        match file.read(&mut room[len..]).expect("the messages can be read") {
            0 => break,
            more => len += more,
        }
    }
    assert!(len < room.len(), "the messages are longer than there is room for");
    str::from_utf8(&room[..len]).expect("messages are text")
}

fn config() -> Config<'static> {
    Config::new("desk:8188", "clientId=desk")
}

fn at(millis: u64) -> Instant {
    Instant::ZERO.saturating_add(Duration::from_millis(millis))
}

/// A session in the middle of a prompt.
fn running() -> GadgetSession<'static> {
    let mut session = GadgetSession::new(Config { ask_for_graph: false, ..config() }, 1);
    session.attach(at(0));
    for message in BEFORE {
        tell(&mut session, &Framed::new(message.as_bytes()));
        drain(&mut session, at(1));
    }
    session
}

/// A message in a server's frame.
struct Framed {
    bytes: [u8; FRAME],
    len: usize,
}

impl Framed {
    fn new(message: &[u8]) -> Self {
        let [high, low] = u16::try_from(message.len()).expect("no message is longer").to_be_bytes();
        let (header, start) = if message.len() < 126 { ([0x81, low, 0, 0], 2) } else { ([0x81, 126, high, low], 4) };
        let mut bytes = [0; FRAME];
        let len = start + message.len();
        bytes[..start].copy_from_slice(&header[..start]);
        bytes[start..len].copy_from_slice(message);
        Self { bytes, len }
    }
}

fn tell(session: &mut GadgetSession<'_>, frame: &Framed) {
    session.handle_input(black_box(at(100)), Input::Bytes(Link::Socket, black_box(&frame.bytes[..frame.len])));
}

fn drain(session: &mut GadgetSession<'_>, now: Instant) {
    while !matches!(black_box(session.poll_output(black_box(now))), Output::Sleep(_)) {}
}

fn count(meter: &Meter, name: &str, message: &[u8]) {
    let decoder = meter.instructions(
        || GadgetDecoder::new(Interest::STATE),
        |decoder| {
            decoder.text(black_box(message), &mut Nobody);
            decoder.end_text(&mut Nobody);
        },
    );
    let frame = Framed::new(message);
    let session = meter.instructions(running, |session| tell(session, &frame));
    let told = || {
        let mut session = running();
        tell(&mut session, &frame);
        session
    };
    let outputs = meter.instructions(told, |session| drain(session, at(200)));
    println!("count {name} {} {decoder} {session} {outputs}", message.len());
}

/// What one message of many takes on average.
struct SessionMean<'m> {
    name: &'m str,
    decoder: GadgetDecoder,
    session: GadgetSession<'static>,
    messages: u32,
    bytes: usize,
    /// Instructions of the decoder, of the session, and of telling the outputs.
    instructions: [u32; 3],
}

impl<'m> SessionMean<'m> {
    fn new() -> Self {
        let mut session = GadgetSession::new(Config { ask_for_graph: false, ..config() }, 1);
        session.attach(at(0));
        let decoder = GadgetDecoder::new(Interest::STATE);
        Self { name: "", decoder, session, messages: 0, bytes: 0, instructions: [0; 3] }
    }

    /// The next message; one of another name ends those before.
    fn count(&mut self, meter: &Meter, name: &'m str, message: &[u8]) {
        if name != self.name {
            self.end();
            *self = Self { name, ..Self::new() };
        }
        let frame = Framed::new(message);
        let (decoder, session) = (&mut self.decoder, &mut self.session);
        let taken = [
            meter.once(|| {
                decoder.text(black_box(message), &mut Nobody);
                decoder.end_text(&mut Nobody);
            }),
            meter.once(|| tell(session, &frame)),
            meter.once(|| drain(session, at(200))),
        ];
        self.messages += 1;
        self.bytes += message.len();
        self.instructions.iter_mut().zip(taken).for_each(|(sum, taken)| *sum += taken);
    }

    /// Tells the mean.
    fn end(&self) {
        if self.messages > 0 {
            let [decoder, session, outputs] = self.instructions.map(|sum| sum / self.messages);
            println!("count {} {} {decoder} {session} {outputs}", self.name, self.bytes / self.messages as usize);
        }
    }
}

/// Bytes of stack from a frame's bytes to the state.
fn event_stack(message: &[u8]) -> u32 {
    let mut session = running();
    let frame = Framed::new(message);
    stack(|| tell(&mut session, &frame))
}

/// Bytes of stack to dial, ask, be answered wrongly, and leave.
fn connect_stack() -> u32 {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";
    let mut session = GadgetSession::new(config(), 1);
    stack(|| {
        drain(&mut session, at(0));
        session.handle_input(at(1), Input::Opened(Link::Socket));
        drain(&mut session, at(1));
        session.handle_input(at(2), Input::Sent(Link::Socket));
        session.handle_input(at(2), Input::Bytes(Link::Socket, answer));
        drain(&mut session, at(2));
        session.handle_input(at(3), Input::Closed(Link::Socket, End::Eof));
        session.handle_input(at(3), Input::Leave);
        drain(&mut session, at(3));
    })
}

/// Where a gadget's session lives: no stack has room for it.
fn place() -> &'static mut MaybeUninit<GadgetSession<'static>> {
    static mut PLACE: MaybeUninit<GadgetSession<'static>> = MaybeUninit::uninit();
    // SAFETY: this is called once.
    unsafe { &mut *(&raw mut PLACE) }
}

/// Bytes of stack for the graph over HTTP, a ping answered, and leaving.
fn graph_stack() -> u32 {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 155\r\n\r\n\
                   {\"queue_running\": [[0, \"3328f0c8-9368-4070-90e7-087e854fe315\", {\"5\": {\"inputs\": {\"seed\": 1}, \
                   \"class_type\": \"KSampler\"}}, {}, [\"5\"]]], \"queue_pending\": [[1, \"x\", {}]]}";
    let mut session = GadgetSession::new(config(), 1);
    session.attach(at(0));
    for message in BEFORE {
        tell(&mut session, &Framed::new(message.as_bytes()));
    }
    stack(|| {
        drain(&mut session, at(100));
        session.handle_input(at(101), Input::Opened(Link::Http));
        drain(&mut session, at(101));
        session.handle_input(at(102), Input::Sent(Link::Http));
        session.handle_input(at(102), Input::Bytes(Link::Http, answer));
        session.handle_input(at(102), Input::Closed(Link::Http, End::Eof));
        session.handle_input(at(103), Input::Bytes(Link::Socket, b"\x89\x04ping"));
        drain(&mut session, at(103));
        session.handle_input(at(104), Input::Sent(Link::Socket));
        session.handle_input(at(104), Input::Leave);
        drain(&mut session, at(104));
    })
}

fn view_stack() -> u32 {
    let session = running();
    stack(|| {
        black_box(session.view(black_box(at(300))));
        black_box(session.smooth_percentage(black_box(at(300))));
    })
}

fn snapshot_stack() -> u32 {
    let session = running();
    let mut line = [0; SNAPSHOT];
    stack(|| {
        black_box(session.state().snapshot(black_box(at(300))).write_json(black_box(&mut line)).unwrap_or_default());
    })
}
