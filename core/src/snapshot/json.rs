//! Writes a snapshot's objects as JSON into a buffer that may be too small.

use super::{Decimal, Members, Object, TooSmall};

/// Digits of the largest `u64`.
const DIGITS: usize = 20;

/// Writes what fits and counts the rest.
pub(super) struct Json<'a> {
    out: &'a mut [u8],
    len: usize,
    /// The next member is the first in its object.
    first: bool,
}

impl<'a> Json<'a> {
    /// Writes an object; returns its length in bytes.
    pub(super) fn write(object: &impl Object, out: &'a mut [u8]) -> Result<usize, TooSmall> {
        let mut json = Json { out, len: 0, first: true };
        json.braced(object);
        if json.len > json.out.len() { Err(TooSmall) } else { Ok(json.len) }
    }

    fn braced(&mut self, object: &impl Object) {
        self.byte(b'{');
        self.first = true;
        object.write_members(self);
        self.first = false;
        self.byte(b'}');
    }

    #[inline(never)]
    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.out.get_mut(self.len) {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    fn raw(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
    }

    fn quoted(&mut self, text: &str) {
        self.byte(b'"');
        for byte in text.bytes() {
            let escaped = match byte {
                b'"' | b'\\' => byte,
                b'\x08' => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                b'\x0C' => b'f',
                b'\r' => b'r',
                ..b' ' => {
                    self.raw(if byte < 16 { "\\u000" } else { "\\u001" });
                    self.byte(b"0123456789ABCDEF".get(usize::from(byte & 15)).copied().unwrap_or_default());
                    continue;
                }
                _ => {
                    self.byte(byte);
                    continue;
                }
            };
            self.byte(b'\\');
            self.byte(escaped);
        }
        self.byte(b'"');
    }

    /// Writes a member's name, and `null` if its value is not `known`.
    #[inline(never)]
    fn name(&mut self, name: &str, known: bool) {
        if !core::mem::take(&mut self.first) {
            self.byte(b',');
        }
        self.quoted(name);
        self.raw(if known { ":" } else { ":null" });
    }

    /// Writes a number with `places` of its digits after the point, without trailing zeros except for one.
    #[inline(never)]
    fn digits(&mut self, mut number: u64, places: usize) {
        let mut digits = [b'0'; DIGITS];
        let (mut len, mut trailing) = (0_usize, 0_usize);
        for place in digits.iter_mut().rev() {
            if number == 0 && len > places {
                break;
            }
            let digit = u8::try_from(number % 10).unwrap_or_default();
            *place = b'0' | digit;
            number /= 10;
            if digit == 0 && trailing == len {
                trailing = trailing.saturating_add(1);
            }
            len = len.saturating_add(1);
        }
        let point = DIGITS.saturating_sub(places);
        let left_out = trailing.min(places.saturating_sub(1));
        let end = DIGITS.saturating_sub(left_out);
        for (at, digit) in digits.into_iter().enumerate().take(end).skip(DIGITS.saturating_sub(len)) {
            if at == point {
                self.byte(b'.');
            }
            self.byte(digit);
        }
    }
}

impl Members for Json<'_> {
    fn object(&mut self, name: &'static str, value: Option<&impl Object>) {
        self.name(name, value.is_some());
        if let Some(object) = value {
            self.braced(object);
        }
    }

    #[inline(never)]
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.name(name, value.is_some());
        if let Some(text) = value {
            self.quoted(text);
        }
    }

    #[inline(never)]
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        self.name(name, value.is_some());
        if let Some(number) = value {
            self.digits(number, 0);
        }
    }

    #[inline(never)]
    fn decimal(&mut self, name: &'static str, value: Option<Decimal>) {
        self.name(name, value.is_some());
        let Some(Decimal { units, places }) = value else { return };
        if units < 0 {
            self.byte(b'-');
        }
        // As the shortest float printers do below 0.00001.
        let tiny = places == 6 && (1..10).contains(&units.unsigned_abs());
        self.digits(units.unsigned_abs(), if tiny { 0 } else { usize::from(places) });
        if tiny {
            self.raw("e-6");
        }
    }

    #[inline(never)]
    fn flag(&mut self, name: &'static str, value: bool) {
        self.name(name, true);
        self.raw(if value { "true" } else { "false" });
    }
}
