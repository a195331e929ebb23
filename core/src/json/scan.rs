//! Searches bytes, a machine word at a time.

use crate::text::same;

const WORD: usize = size_of::<usize>();
const ONES: usize = usize::MAX / 0xff;
const HIGHS: usize = ONES << 7;

/// The length of the longest prefix without a quote, a backslash or a control character.
#[inline]
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    len_before(bytes, specials, is_special)
}

/// Index of the first `byte`, which is ASCII.
pub(crate) fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let pattern = ONES.wrapping_mul(usize::from(byte));
    let len = len_before(bytes, |word| zeros(word ^ pattern) & HIGHS, |b| b == byte);
    (len < bytes.len()).then_some(len)
}

/// `bytes` without the whitespace at the front.
#[inline]
pub(crate) fn behind_spaces(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', after @ ..] = bytes {
        bytes = after;
    }
    bytes
}

/// The length of the longest prefix without a byte that `is_special`. `specials` marks the special bytes of a word by
/// their high bits.
#[inline]
fn len_before(bytes: &[u8], specials: impl Fn(usize) -> usize, is_special: impl Fn(u8) -> bool) -> usize {
    let mut len = 0_usize;
    let mut words = bytes.chunks_exact(WORD);
    for chunk in words.by_ref() {
        let special = chunk.first_chunk().map_or(HIGHS, |word| specials(usize::from_le_bytes(*word)));
        if special != 0 {
            // The lowest set bit is right: `specials` marks wrong bytes only above a special one.
            return len.saturating_add(special.trailing_zeros() as usize / 8);
        }
        len = len.saturating_add(WORD);
    }
    len.saturating_add(words.remainder().iter().take_while(|b| !is_special(**b)).count())
}

/// `text` without the prefix `front`; `None` if it does not begin with it.
#[inline]
pub(crate) fn behind<'t>(text: &'t [u8], front: &[u8]) -> Option<&'t [u8]> {
    let (begin, after) = text.split_at_checked(front.len())?;
    same(begin, front).then_some(after)
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// Marks the special bytes of `word` by their high bits.
const fn specials(word: usize) -> usize {
    let below_space = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
    (below_space | zeros(word ^ ONES.wrapping_mul(b'"' as usize)) | zeros(word ^ ONES.wrapping_mul(b'\\' as usize)))
        & HIGHS
}

const fn zeros(word: usize) -> usize {
    word.wrapping_sub(ONES) & !word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_len_and_find_any_byte_at_any_index_agree_with_a_bytewise_search() {
        for byte in 0..=255_u8 {
            for at in 0..40 {
                for fill in [b'a', 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff] {
                    let mut text = [fill; 41];
                    text[at] = byte;
                    let expect = text.iter().take_while(|b| !is_special(**b)).count();
                    assert_eq!(plain_len(&text), expect, "byte {byte} at {at} in {fill}");
                    assert_eq!(plain_len(&text[..at]), at, "before {at} in {fill}");
                    if byte != fill {
                        assert_eq!(find(&text, byte), Some(at));
                        assert_eq!(find(&text[..at], byte), None);
                    }
                }
            }
        }
    }
}
