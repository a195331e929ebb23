//! Every limit of the core, once, with its unit and what happens past it.
//!
//! Those that cost memory are a session's [`Capacity`](crate::capacity::Capacity).

/// Containers that a JSON text may nest. A deeper message is malformed.
pub const JSON_DEPTH: u8 = 64;

/// Bytes of a member's name that are compared. A longer name is none that the server's events use.
pub const KEY_BYTES: usize = 28;

/// Bytes of an entry of a `progress_state` that is put together where the end of a piece cuts it, which is quicker than
/// to look at each token; a longer one is looked at. Ids of ComfyUI make it 190.
pub const ENTRY_BYTES: usize = 224;

/// Steps are clamped to ± this many thousandths (2^40 steps).
pub const STEP_MILLIS: i64 = (1 << 40) * 1_000;

/// Prompts whose record was replaced that are remembered by a hash of their id; late events of an older one would begin
/// a record of their own.
pub const REPLACED_PROMPTS: usize = 8;

/// Payload bytes of a control frame (RFC 6455, 5.5). A longer one fails the connection.
pub const CONTROL_BYTES: usize = 125;

/// Bytes that a text of a user's own event type may have with its escapes decoded; a message with a longer one is none of
/// that type.
pub const DECODED_TEXT_BYTES: usize = 512;

/// Microseconds that changes are held back after one was told; the first is told at once, the last is never lost.
pub const DEBOUNCE_MICROS: u64 = 16_000;

/// Seconds that a connection may take from dialling to the server's answer to the handshake; then it is given up.
pub const CONNECT_SECONDS: u64 = 10;

/// Seconds that an HTTP exchange may take; then it is given up and changes nothing.
pub const HTTP_SECONDS: u64 = 10;

/// Seconds that the question after the extension, and the subscription to the log, may take; then they count as not there, for
/// [`WAY_AGAIN_SECONDS`]. Nothing else is asked meanwhile.
pub const WAY_SECONDS: u64 = 3;

/// Seconds after which it is tried again whether prompts of other clients can be followed by more than asking.
pub const WAY_AGAIN_SECONDS: u64 = 300;

/// Seconds between questions over HTTP while there is no socket; twice as long after each that nobody answered, up to
/// [`POLL_MAX_SECONDS`].
pub const POLL_SECONDS: u64 = 2;

/// The most seconds between questions over HTTP that nobody answers.
pub const POLL_MAX_SECONDS: u64 = 30;

/// Milliseconds after the socket opened, or told of another queue, until it is asked over HTTP what it may have left out.
pub const RECONCILE_MILLIS: u64 = 300;

/// Seconds of a socket's silence after which it is compared with what HTTP says.
pub const DEAF_SECONDS: u64 = 30;

/// Seconds after which a difference between socket and HTTP that stays, the socket silent, makes the socket a deaf one.
pub const DEAF_GRACE_SECONDS: u64 = 2;

/// Questions after a prompt's outcome that may fail; then it counts as not known. Where nobody answered them it is asked on,
/// each [`POLL_MAX_SECONDS`].
pub const OUTCOME_TRIES: u8 = 5;

/// Answers in a row after a prompt that ended unseen that don't count since another ended meanwhile, which may have moved it in
/// the list; the next one counts all the same, and may skip one.
pub const MOVED_ANSWERS: u8 = 3;

/// Seconds that a connection must live to prove itself: then the next failure begins with the shortest wait again.
pub const PROVEN_SECONDS: u64 = 5;

/// Seconds that we stay away from the socket after we could not keep up with it.
pub const COURTESY_SECONDS: u64 = 60;

/// The longest wait in seconds that a server's `Retry-After` may ask for; a longer one is cut to this.
pub const RETRY_AFTER_SECONDS: u32 = 3_600;

/// Seconds that the close handshake may take once we leave.
pub const CLOSE_SECONDS: u64 = 2;

/// Attempts to connect that may be made within the breaker's window; the next one would open the circuit instead.
pub const BREAKER_ATTEMPTS: usize = 5;

/// Moves of another sampler's bar in the log, without one of the bar that is followed between them, after which it is followed
/// instead; before, it is passed over.
pub const BAR_STREAK: u8 = 3;

/// As [`BAR_STREAK`], where the bar that is followed is full.
pub const BAR_STREAK_BEHIND_FULL: u8 = 2;

/// Milliseconds between two reads past which bytes flow no longer without a gap.
pub const FLOW_GAP_MILLIS: u64 = 1_000;

/// Seconds past a deadline after which whoever comes is taken to have slept: nobody could have answered meanwhile.
pub const LATE_WAKE_SECONDS: u64 = 5;

const _: () = {
    assert!(JSON_DEPTH as u32 == u64::BITS, "the lexer keeps one bit a container");
    assert!("supports_preview_metadata".len() <= KEY_BYTES, "the longest name that an event uses");
};
