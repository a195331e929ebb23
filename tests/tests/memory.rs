//! What a session takes of memory: a size that is known at compile time, and nothing else, whatever the server sends.

use comfyglow_core::{
    capacity::Capacity,
    capacity::{DesktopCapacity, GadgetCapacity},
    event::{Event, Interest, Message, Part},
    reducer::Observer,
    session::{Config, Link},
    time::Instant,
    wire::{Input, Wire},
};
use comfyglow_tests::{ServerMessage, bench_session, frame, settle};

/// Counts what it is told and keeps nothing.
#[derive(Debug, Default)]
struct Counter {
    events: u64,
    raw: u64,
    image: u64,
}

impl<C: Capacity> Observer<C> for Counter {
    fn part(&mut self, part: &Part<'_>) {
        if let Part::Image(piece) = part {
            self.image += piece.len() as u64;
        }
    }

    fn event(&mut self, _event: &Event<'_>) {
        self.events += 1;
    }

    fn raw(&mut self, message: &Message<'_>) {
        self.raw += message.bytes.len() as u64;
    }
}

/// Plays `bytes` to an attached session in pieces, and does all that it wants done; returns the allocations.
fn play<C: Capacity>(session: &mut Wire<'_, C>, counter: &mut Counter, bytes: &[u8], pieces: usize) -> u64 {
    let mut now = session.state().connection().last_event.map_or(Instant::ZERO, |event| event.at);
    let measured = allocation_counter::measure(|| {
        for piece in bytes.chunks(pieces) {
            now = Instant::from_micros(now.as_micros() + 1_000);
            session.handle_input_with(now, Input::Bytes(Link::Socket, piece), counter);
            settle(session, now, &mut ());
            std::hint::black_box(session.view(now));
        }
    });
    measured.count_total
}

/// A gadget's session with a socket, that asks for no graph and wants all there is.
fn gadget() -> Wire<'static, GadgetCapacity> {
    let config = Config { interest: Interest::ALL, ..Config::attached() };
    let mut session = Wire::<GadgetCapacity>::new(config, 1);
    session.attach(Instant::ZERO);
    session
}

fn text(message: String) -> Vec<u8> {
    frame(&ServerMessage::Text(message))
}

#[test]
fn a_session_has_a_size_that_is_known() {
    let (gadget, desktop) = (size_of::<Wire<'_, GadgetCapacity>>(), size_of::<Wire<'_, DesktopCapacity>>());
    println!("a gadget's session: {gadget} bytes, a desktop's: {desktop}, with {} bits", usize::BITS);
    // Where a pointer has 32 bits it is less.
    assert!(gadget <= 8 * 1_024, "{gadget} bytes");
    assert!(desktop <= 256 * 1_024, "{desktop} bytes");
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1]))).count_total, 1);
}

#[test]
fn a_session_from_socket_to_state_allocates_nothing() {
    let wire: Vec<u8> = bench_session().into_iter().flat_map(text).collect();
    let messages = u32::try_from(bench_session().len()).expect("a session is short");
    for pieces in [1, 64, 1_460, wire.len()] {
        let (mut session, mut counter) = (gadget(), Counter::default());
        assert_eq!(play(&mut session, &mut counter, &wire, pieces), 0, "in pieces of {pieces}");
        let heard = session.state().messages();
        assert_eq!((heard.text, heard.malformed), (messages, 0));
        assert_eq!(counter.events, u64::from(messages));

        let mut session = Box::new(Wire::<DesktopCapacity>::new(Config::attached(), 1));
        session.attach(Instant::ZERO);
        assert_eq!(play(&mut session, &mut counter, &wire, pieces), 0, "in pieces of {pieces}");
    }
}

#[test]
fn messages_of_megabytes_pass_in_the_same_memory() {
    const PREVIEW: usize = 4_721_436;
    let start = text(r#"{"type": "execution_start", "data": {"prompt_id": "p"}}"#.to_owned());
    let executed = text(format!(
        r#"{{"type": "executed", "data": {{"node": "7", "display_node": "7", "output": {{"text": [{}"last"]}}, "prompt_id": "p"}}}}"#,
        r#""a line \u00e9\n", "#.repeat(550_000)
    ));
    let metadata = br#"{"node_id": "2", "prompt_id": "p", "image_type": "image/png"}"#;
    let length = u32::try_from(metadata.len()).expect("it is short").to_be_bytes();
    let preview = [&[0, 0, 0, 4][..], &length, metadata, &vec![0x5a; PREVIEW]].concat();
    let preview = frame(&ServerMessage::Binary(preview));
    let deep = text(format!(r#"{{"type": "executed", "data": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)));
    let error = text(format!(
        r#"{{"type": "execution_error", "data": {{"prompt_id": "p", "exception_message": "{}", "exception_type": "E"}}}}"#,
        "out of paint ".repeat(800_000)
    ));
    assert!(executed.len() > 10_000_000 && error.len() > 10_000_000);
    let wire = [start, executed, preview, deep, error].concat();
    for pieces in [1_460, 65_536, wire.len()] {
        let (mut session, mut counter) = (gadget(), Counter::default());
        assert_eq!(play(&mut session, &mut counter, &wire, pieces), 0, "in pieces of {pieces}");
        let heard = session.state().messages();
        assert_eq!((heard.text, heard.binary, heard.malformed, heard.unknown), (4, 1, 1, 0));
        assert_eq!((counter.events, counter.image), (5, PREVIEW as u64));
        let view = session.view(Instant::ZERO);
        let prompt = view.prompt.expect("it began");
        assert_eq!((prompt.outputs, prompt.previews), (1, 1));
        let failure = prompt.error.expect("it failed");
        assert_eq!((failure.exception_message.len(), failure.truncated), (256, true));
    }
}
