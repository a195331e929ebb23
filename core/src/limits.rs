//! Every limit of the core: its unit, and what happens past it.
//!
//! The limits that cost memory are in a session's [`Capacity`](crate::capacity::Capacity).

/// Nested containers of a JSON text. A deeper message is malformed.
pub const JSON_DEPTH: u8 = 64;

/// Bytes of a member's name that are compared. A longer name matches no member that the events use.
pub const KEY_BYTES: usize = 28;

/// Bytes of a `progress_state` entry that is kept when the end of a piece cuts it, so that it can be read in one go.
/// A longer entry is read token by token, which is slower. ComfyUI's ids make an entry 190 bytes.
pub const ENTRY_BYTES: usize = 224;

/// Thousandths of a step (2^40 steps). Values beyond ± this are clamped.
pub const STEP_MILLIS: i64 = (1 << 40) * 1_000;

/// Replaced prompts that are remembered by a hash of their id. A late event of an older one begins a record of its own.
pub const REPLACED_PROMPTS: usize = 8;

/// Payload bytes of a control frame (RFC 6455, section 5.5). A longer frame fails the connection.
pub const CONTROL_BYTES: usize = 125;

/// Bytes of a text in your own event type, with its escapes decoded. A message with a longer text is not of that type.
pub const DECODED_TEXT_BYTES: usize = 512;

/// Microseconds that a change waits after the one reported before. Then all changes since are reported together; the
/// first is reported at once.
pub const DEBOUNCE_MICROS: u64 = 16_000;

/// Seconds from dialling to the handshake's response. Past them the attempt fails as `timed_out`.
pub const CONNECT_SECONDS: u64 = 10;

/// Seconds of an HTTP exchange. Past them it is dropped and changes nothing.
pub const HTTP_SECONDS: u64 = 10;

/// Seconds of a probe for the extension, or of a subscription to the log; nothing else is requested meanwhile. Past
/// them it counts as unavailable, for [`WAY_AGAIN_SECONDS`].
pub const WAY_SECONDS: u64 = 3;

/// Seconds that prompts of other clients are followed by polling only. Past them the extension and the log are probed
/// again.
pub const WAY_AGAIN_SECONDS: u64 = 300;

/// Seconds between polls over HTTP while there is no socket. The wait doubles after each poll without a response, up to
/// [`POLL_MAX_SECONDS`].
pub const POLL_SECONDS: u64 = 2;

/// The most seconds between polls without a response. The wait grows no further.
pub const POLL_MAX_SECONDS: u64 = 30;

/// Milliseconds after the socket opens or reports another queue. Then HTTP is asked for what the socket left out.
pub const RECONCILE_MILLIS: u64 = 300;

/// Seconds of a socket's silence. Past them it is compared with what HTTP reports.
pub const DEAF_SECONDS: u64 = 30;

/// Seconds that socket and HTTP may differ while the socket is silent. Past them the socket counts as deaf.
pub const DEAF_GRACE_SECONDS: u64 = 2;

/// Failed requests for a prompt's outcome. Past them the outcome counts as unknown. Without any response they don't
/// count, and are repeated every [`POLL_MAX_SECONDS`].
pub const OUTCOME_TRIES: u8 = 5;

/// Responses in a row that are dropped because another prompt ended meanwhile and may have moved the requested one in
/// the list. The next one counts, and may skip a prompt.
pub const MOVED_ANSWERS: u8 = 3;

/// Seconds that a connection must live to prove itself. Past them the next failure begins with the shortest wait again.
pub const PROVEN_SECONDS: u64 = 5;

/// Seconds that the session stays away after it read too slowly. Past them it connects again.
pub const COURTESY_SECONDS: u64 = 60;

/// Seconds of a server's `Retry-After`. A longer wait is cut to this.
pub const RETRY_AFTER_SECONDS: u32 = 3_600;

/// Seconds of the close handshake when the session leaves. Past them the link is dropped.
pub const CLOSE_SECONDS: u64 = 2;

/// Attempts to connect within the breaker's window. The next one would open the circuit.
pub const BREAKER_ATTEMPTS: usize = 5;

/// Moves of another sampler's bar in the log, without a move of the followed one. From then on it is followed instead;
/// before, it is ignored.
pub const BAR_STREAK: u8 = 3;

/// As [`BAR_STREAK`], while the followed bar is full.
pub const BAR_STREAK_BEHIND_FULL: u8 = 2;

/// Milliseconds between two reads. A longer gap interrupts the flow of bytes, for which a late pong means a slow
/// reader.
pub const FLOW_GAP_MILLIS: u64 = 1_000;

/// Seconds that a wake-up may be late. A later one means that the host slept: no response could have come meanwhile.
pub const LATE_WAKE_SECONDS: u64 = 5;

const _: () = {
    assert!(JSON_DEPTH as u32 == u64::BITS, "the lexer keeps one bit per container");
    assert!("supports_preview_metadata".len() <= KEY_BYTES, "the longest name in an event fits");
};
