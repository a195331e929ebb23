//! Percent-encoding of ids, which may be any text: whoever submits a prompt chooses its id.

/// Where bytes are written to.
pub(crate) trait Sink {
    /// Takes a byte; `None` once there is no room.
    fn put(&mut self, byte: u8) -> Option<()>;
}

/// Writes `text` so that it can stand as a path's segment or a query's value: everything but letters, digits and `-._~`
/// becomes `%XX`, which is at most three times its bytes.
pub(crate) fn encode(text: &str, out: &mut impl Sink) -> Option<()> {
    text.bytes().try_for_each(|byte| {
        if let b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' = byte {
            return out.put(byte);
        }
        out.put(b'%')?;
        hex(byte, out)
    })
}

/// Writes a percent-encoded text, given in parts, as it stands between the quotes of a JSON string: at most twice its
/// bytes.
pub(crate) fn json_from_encoded(text: [&str; 3], out: &mut impl Sink) -> Option<()> {
    let mut bytes = text.iter().flat_map(|part| part.bytes());
    while let Some(byte) = bytes.next() {
        let plain = if byte == b'%' { nibble(bytes.next()) << 4 | nibble(bytes.next()) } else { byte };
        if let b'"' | b'\\' | ..b' ' = plain {
            out.put(b'\\')?;
        }
        if plain < b' ' {
            b"u00".iter().try_for_each(|byte| out.put(*byte))?;
            hex(plain, out)?;
        } else {
            out.put(plain)?;
        }
    }
    Some(())
}

/// Writes into a buffer.
struct Buffer<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl Sink for Buffer<'_> {
    #[inline(never)]
    fn put(&mut self, byte: u8) -> Option<()> {
        *self.room.get_mut(self.len)? = byte;
        self.len = self.len.saturating_add(1);
        Some(())
    }
}

/// As [`encode`], into `out`; `None` where `out` is too small.
pub(crate) fn encode_into<'a>(text: &str, out: &'a mut [u8]) -> Option<&'a str> {
    let mut buffer = Buffer { room: out, len: 0 };
    encode(text, &mut buffer)?;
    buffer.text()
}

/// As [`json_from_encoded`], into `out`; `None` where `out` is too small or the text isn't UTF-8.
pub(crate) fn json_from_encoded_into<'a>(text: [&str; 3], out: &'a mut [u8]) -> Option<&'a str> {
    let mut buffer = Buffer { room: out, len: 0 };
    json_from_encoded(text, &mut buffer)?;
    buffer.text()
}

impl<'a> Buffer<'a> {
    fn text(self) -> Option<&'a str> {
        let Self { room, len } = self;
        room.get(..len).and_then(|bytes| str::from_utf8(bytes).ok())
    }
}

/// The number of a hexadecimal digit; 0 for any other byte.
fn nibble(digit: Option<u8>) -> u8 {
    digit.and_then(|digit| char::from(digit).to_digit(16)).and_then(|number| number.try_into().ok()).unwrap_or_default()
}

/// Writes the two hexadecimal digits of a byte.
fn hex(byte: u8, out: &mut impl Sink) -> Option<()> {
    [byte >> 4, byte & 0x0F].into_iter().try_for_each(|digit| {
        out.put(if digit < 10 { b'0'.wrapping_add(digit) } else { b'A'.wrapping_sub(10).wrapping_add(digit) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encode_any_character_escapes_all_but_unreserved_ones() {
        let mut room = [0; 64];
        let encoded = encode_into("\0\t/09:@AZ[`az{\u{7f}\u{ff}\u{10ffff}", &mut room);
        assert_eq!(encoded, Some("%00%09%2F09%3A%40AZ%5B%60az%7B%7F%C3%BF%F4%8F%BF%BF"));
        assert_eq!(encode_into("a b&c=d/ü%\r\n~", &mut room), Some("a%20b%26c%3Dd%2F%C3%BC%25%0D%0A~"));
        assert_eq!(encode_into("", &mut []), Some(""));
    }

    #[test]
    fn encode_room_at_and_below_its_length() {
        assert_eq!(encode_into("a/ü", &mut [0; 10]), Some("a%2F%C3%BC"));
        assert_eq!(encode_into("a/ü", &mut [0; 9]), None);
    }

    #[test]
    fn json_from_encoded_text_escapes_what_json_asks_for() {
        let mut room = [0; 20];
        assert_eq!(json_from_encoded_into(["my", "-", "id"], &mut room), Some("my-id"));
        assert_eq!(json_from_encoded_into(["a%22%5C%0a%C3%BC", "", ""], &mut room), Some("a\\\"\\\\\\u000A\u{fc}"));
        assert_eq!(json_from_encoded_into(["%00%00%00%00", "", ""], &mut room), None, "too small");
        assert_eq!(json_from_encoded_into(["%ff", "", ""], &mut room), None, "not UTF-8");
    }
}
