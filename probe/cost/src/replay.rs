//! Recordings, replayed to the snapshot they end in. `xtask` compiles this file too: the same source runs on both
//! sides of the comparison.

use comfyglow_core::{
    session::{Config, GadgetSession, Input, Link, Output},
    time::{Duration, Instant},
};

/// What was recorded, by name.
pub(crate) const RECORDINGS: [(&str, &[u8]); 2] = [
    ("wire_plain", include_bytes!("../../../core/tests/fixtures/wire_plain.rx")),
    ("session", include_bytes!("../../../tests/fixtures/bench-messages/session.ndjson")),
];

/// A read of a small device.
const PIECE: usize = 61;

/// Bytes that a snapshot may have.
pub(crate) const SNAPSHOT: usize = 4_096;

/// The end of the head of the answer to a handshake.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Replays a recording: the bytes of a socket behind its handshake's answer, or messages, one a line. Returns the
/// snapshot's length.
pub(crate) fn replay(recording: &[u8], out: &mut [u8; SNAPSHOT]) -> usize {
    let config = Config { ask_for_graph: false, ..Config::new("", "") };
    let mut session = GadgetSession::new(config, 1);
    let mut now = Instant::ZERO;
    session.attach(now);
    let mut feed = |bytes: &[u8]| {
        for piece in bytes.chunks(PIECE) {
            now = now.saturating_add(Duration::from_millis(1));
            session.handle_input(now, Input::Bytes(Link::Socket, piece));
            while !matches!(session.poll_output(now), Output::Sleep(_)) {}
        }
    };
    if let Some(at) = recording.windows(HEAD_END.len()).position(|end| end == HEAD_END) {
        feed(&recording[at + HEAD_END.len()..]);
    } else {
        for line in recording.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let (header, len) = header(line.len());
            feed(&header[..len]);
            feed(line);
        }
    }
    session.state().snapshot(now).write_json(out).unwrap_or_default()
}

/// The header of a server's frame with a text of `len` bytes, and how much of it counts.
pub(crate) fn header(len: usize) -> ([u8; 4], usize) {
    let [high, low] = u16::try_from(len).expect("no recorded text is longer").to_be_bytes();
    if len < 126 { ([0x81, low, 0, 0], 2) } else { ([0x81, 126, high, low], 4) }
}
