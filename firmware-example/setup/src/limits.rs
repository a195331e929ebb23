//! What there is room for. What is longer is refused, and said so; nothing is cut.

/// Bytes of a Wi-Fi network's name: as long as 802.11 lets it be. In UTF-8, so a name beyond ASCII has fewer characters.
pub const SSID_BYTES: usize = 32;

/// Bytes of a Wi-Fi password at least, as WPA wants them; none at all is an open network.
pub const PASSWORD_LEAST_BYTES: usize = 8;

/// Bytes of a Wi-Fi password at most, as WPA wants them. One byte more is a key: 64 hexadecimal digits.
pub const PASSWORD_BYTES: usize = 63;

/// Digits of a key that takes a password's place.
pub const KEY_DIGITS: usize = 64;

/// Bytes of a server's name or address with its port, in decimal digits, and the colon.
pub const SERVER_BYTES: usize = 72;

/// Percent of a brightness at most.
pub const BRIGHTNESS: u8 = 100;

/// LEDs of a strip at most: a metre of the densest. At full white they would take 8 A, more than USB gives to a board;
/// how bright they get is a setting.
pub const LEDS: u16 = 144;

/// Bytes of a line of the protocol without its end, in either direction. A longer one is answered by an error.
pub const LINE_BYTES: usize = 160;

/// Bytes of an answer at most: what a buffer must have room for.
pub const ANSWER_BYTES: usize = 1_024;
