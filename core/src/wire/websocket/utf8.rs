//! Checks UTF-8 in pieces of any size.

/// Checks whether the bytes so far are, or may become, UTF-8. It keeps no bytes, only which byte may come next in a
/// character that was cut off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf8 {
    /// Continuation bytes that the current character lacks, `0..=3`.
    missing: u8,
    /// The least and the greatest byte that may come next, if one is missing.
    next: (u8, u8),
}

/// The bytes are not UTF-8, whatever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Utf8 {
    /// Checks the next bytes. It returns an error at the first wrong byte.
    pub(super) fn check(&mut self, mut bytes: &[u8]) -> Result<(), NotUtf8> {
        while self.missing > 0 {
            let Some(&byte) = bytes.split_off_first() else { return Ok(()) };
            if !(self.next.0..=self.next.1).contains(&byte) {
                return Err(NotUtf8);
            }
            *self = Self { missing: self.missing.saturating_sub(1), next: (0x80, 0xBF) };
        }
        if is_ascii(bytes) {
            return Ok(());
        }
        let Err(error) = str::from_utf8(bytes) else { return Ok(()) };
        // An error with a length means wrong bytes, one without means that a character is cut off.
        if error.error_len().is_some() {
            return Err(NotUtf8);
        }
        let mut cut_off = bytes.get(error.valid_up_to()..).unwrap_or_default();
        let Some(&first) = cut_off.split_off_first() else { return Ok(()) };
        *self = Self::after_first(first);
        self.missing = self.missing.saturating_sub(u8::try_from(cut_off.len()).unwrap_or(u8::MAX));
        if !cut_off.is_empty() {
            self.next = (0x80, 0xBF);
        }
        Ok(())
    }

    /// Checks that no character is cut off.
    pub(super) fn finish(self) -> Result<(), NotUtf8> {
        if self.missing == 0 { Ok(()) } else { Err(NotUtf8) }
    }

    /// The state after a character's first byte, by the table of well-formed sequences (Unicode, 3.9, D92): it excludes
    /// overlong forms, surrogates, and code points above U+10FFFF.
    fn after_first(byte: u8) -> Self {
        let (missing, next) = match byte {
            0xE0 => (2, (0xA0, 0xBF)),
            0xED => (2, (0x80, 0x9F)),
            0xE1..=0xEF => (2, (0x80, 0xBF)),
            0xF0 => (3, (0x90, 0xBF)),
            0xF4 => (3, (0x80, 0x8F)),
            0xF1..=0xF3 => (3, (0x80, 0xBF)),
            // `from_utf8` reports "cut off" only after a valid first byte, so this begins two bytes.
            _ => (1, (0x80, 0xBF)),
        };
        Self { missing, next }
    }
}

/// Whether `bytes` are at least 16 bytes of ASCII, as nearly all texts of a server are. On small cores this takes half
/// the time of `from_utf8`.
#[inline(never)]
pub(super) fn is_ascii(bytes: &[u8]) -> bool {
    const CHUNK: usize = 16;
    let (chunks, _) = bytes.as_chunks::<CHUNK>();
    let all = chunks.iter().fold(0, |all, chunk| all | u128::from_ne_bytes(*chunk));
    // The last chunk overlaps with the one before.
    bytes.last_chunk().is_some_and(|end| (all | u128::from_ne_bytes(*end)) & u128::from_ne_bytes([0x80; CHUNK]) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// The result for the bytes of all pieces.
    fn check_all(pieces: &[&[u8]]) -> Result<(), NotUtf8> {
        let mut utf8 = Utf8::default();
        pieces.iter().try_for_each(|piece| utf8.check(piece))?;
        utf8.finish()
    }

    fn assert_agrees_with_core(bytes: &[u8]) {
        let expected = str::from_utf8(bytes).map(|_| ()).map_err(|_| NotUtf8);
        for at in 0..=bytes.len() {
            let (left, right) = bytes.split_at(at);
            assert_eq!(check_all(&[left, right]), expected, "{bytes:x?} at {at}");
        }
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(check_all(&bytewise), expected, "{bytes:x?} byte by byte");
    }

    #[test]
    fn check_characters_and_all_byte_pairs_agrees_with_core() {
        for code in (0..0x11_0000).step_by(7).chain(0xD7F0..0xE010).chain(0x10_FFF0..0x11_0000) {
            if let Some(character) = char::from_u32(code) {
                assert_agrees_with_core(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        for pair in 0..=u16::MAX {
            assert_agrees_with_core(&pair.to_be_bytes());
        }
    }

    #[test]
    fn check_wrong_byte_is_an_error_at_once() {
        // The last byte of each is the first wrong one.
        for bytes in [
            &b"\x80"[..],
            b"\xC0",
            b"\xC1",
            b"\xF5",
            b"\xFF",
            b"\xC2a",
            b"\xE0\x9F",
            b"\xED\xA0",
            b"\xE1\x80\xC0",
            b"\xF0\x8F",
            b"\xF4\x90",
            b"\xF1\x80\x80\x7F",
            b"ok\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90",
        ] {
            let mut utf8 = Utf8::default();
            let (last, before) = bytes.split_last().unwrap();
            for byte in before {
                assert_eq!(utf8.check(&[*byte]), Ok(()), "{bytes:x?}");
            }
            assert_eq!(utf8.check(&[*last]), Err(NotUtf8), "{bytes:x?}");
            assert_eq!(Utf8::default().check(bytes), Err(NotUtf8), "{bytes:x?}");
        }
    }

    #[test]
    fn finish_inside_a_character_is_an_error() {
        for bytes in [&b"\xC2"[..], b"\xE1\x80", b"\xF1\x80\x80", b"ab\xF0"] {
            assert_eq!(Utf8::default().check(bytes), Ok(()));
            assert_agrees_with_core(bytes);
        }
    }

    proptest! {
        #[test]
        fn check_any_bytes_in_any_pieces_agrees_with_core(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x80..=0xBFu8, 0xE0..=0xF4u8], 0..12),
        ) {
            assert_agrees_with_core(&bytes);
        }

        #[test]
        fn check_any_text_in_any_pieces_agrees_with_core(text in "\\PC{0,12}") {
            assert_agrees_with_core(text.as_bytes());
        }
    }
}
