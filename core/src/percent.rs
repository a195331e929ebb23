//! Percent-encoding of ids, which may be any text: whoever submits a prompt chooses its id.

/// The bytes of `text` as they can stand in a path's segment or a query's value: everything but letters, digits and
/// `-._~` becomes `%XX`.
pub(crate) fn encoded(text: &str) -> impl Iterator<Item = u8> {
    text.bytes()
        .flat_map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => [Some(byte), None, None],
            _ => [Some(b'%'), Some(hex(byte >> 4)), Some(hex(byte & 0x0F))],
        })
        .flatten()
}

/// Writes `text` [encoded] into `out`, at most three times its bytes; `None` where `out` is too small.
pub(crate) fn encode_into<'a>(text: &str, out: &'a mut [u8]) -> Option<&'a str> {
    fill(encoded(text), out)
}

/// The bytes that stand between the quotes of a JSON string for a percent-encoded text, which is given in parts.
pub(crate) fn json_from_encoded(text: [&str; 3]) -> impl Iterator<Item = u8> {
    let mut bytes = text.into_iter().flat_map(str::bytes);
    core::iter::from_fn(move || {
        let byte = bytes.next()?;
        Some(if byte == b'%' { nibble(bytes.next()) << 4 | nibble(bytes.next()) } else { byte })
    })
    .flat_map(|plain| match plain {
        b'"' | b'\\' => [Some(b'\\'), Some(plain), None, None, None, None],
        ..b' ' => [b'\\', b'u', b'0', b'0', hex(plain >> 4), hex(plain & 0x0F)].map(Some),
        _ => [Some(plain), None, None, None, None, None],
    })
    .flatten()
}

/// Writes [`json_from_encoded`] into `out`, at most twice the bytes of `text`; `None` where `out` is too small or the text
/// isn't UTF-8.
pub(crate) fn json_from_encoded_into<'a>(text: [&str; 3], out: &'a mut [u8]) -> Option<&'a str> {
    fill(json_from_encoded(text), out)
}

fn fill(bytes: impl Iterator<Item = u8>, out: &mut [u8]) -> Option<&str> {
    let (mut places, mut len) = (out.iter_mut(), 0_usize);
    for byte in bytes {
        *places.next()? = byte;
        len = len.saturating_add(1);
    }
    out.get(..len).and_then(|bytes| str::from_utf8(bytes).ok())
}

/// The number of a hexadecimal digit; 0 for any other byte.
fn nibble(digit: Option<u8>) -> u8 {
    digit.and_then(|digit| char::from(digit).to_digit(16)).and_then(|number| number.try_into().ok()).unwrap_or_default()
}

/// The digit of a number below 16.
const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0'.wrapping_add(digit) } else { b'A'.wrapping_sub(10).wrapping_add(digit) }
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
