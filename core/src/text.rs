//! Texts of any length in fixed memory.

use core::fmt;

use crate::capacity::Bytes;

/// FNV-1a's offset basis and prime for 64 bits.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

#[inline(never)]
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(PRIME))
}

/// A hash of a whole text, however much of it was kept. Texts with the same key count as the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Key(u64);

impl Key {
    /// The key of no text, but for a chance of 1 in 2^64.
    pub(crate) const NONE: Self = Self(0);

    /// The lower half, for tables without room for more.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
    pub(crate) const fn low(self) -> u32 {
        self.0 as u32
    }

    /// The lowest quarter, for tables without room for more.
    #[expect(clippy::cast_possible_truncation, reason = "the lowest quarter is wanted")]
    pub(crate) const fn lowest(self) -> u16 {
        self.0 as u16
    }
}

/// A text of any length, of which as many bytes are kept as the array `B` holds.
///
/// [`as_str`](Self::as_str) ends at the last complete character. A comparison covers the bytes that were not kept
/// too, by a hash.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::text::Text;
/// let mut text = Text::<[u8; 8]>::new();
/// text.push(b"expanded.0");
/// text.push(b".1");
/// assert_eq!((text.as_str(), text.is_cut()), ("expanded", true));
/// assert_eq!(text, Text::from("expanded.0.1"));
/// assert_ne!(text, Text::from("expanded.0.2"));
/// ```
#[derive(Clone)]
pub struct Text<B> {
    buffer: B,
    /// Bytes of `buffer` in use.
    filled: u16,
    /// The hash of the bytes past the buffer, exclusive-or [`BASIS`]: 0 if there are none, so an empty text is all
    /// zeros.
    past: u64,
}

impl<B: Bytes> Default for Text<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Bytes> Text<B> {
    /// The empty text.
    pub const fn new() -> Self {
        Self { buffer: B::ZERO, filled: 0, past: 0 }
    }

    /// Makes the text empty.
    pub const fn clear(&mut self) {
        self.filled = 0;
        self.past = 0;
    }

    /// Replaces the text by a copy of `other`.
    #[inline(never)]
    pub fn set(&mut self, other: Id<'_>) {
        self.clear();
        self.push(other.kept);
        if other.past != 0 {
            // The bytes that `other` did not keep can't be hashed again. With the same capacity its hash fits this
            // text.
            self.past = other.past;
        }
    }

    /// Replaces the text by `bytes`.
    pub(crate) fn become_bytes(&mut self, bytes: &[u8]) {
        self.clear();
        self.push(bytes);
    }

    /// Appends a piece, which may end inside a character.
    pub fn push(&mut self, piece: &[u8]) {
        push(self.buffer.as_mut(), &mut self.filled, &mut self.past, piece);
    }

    /// The bytes that were kept. The last character may be incomplete.
    #[inline(never)]
    pub fn as_bytes(&self) -> &[u8] {
        self.kept()
    }

    /// The complete characters that were kept.
    pub fn as_str(&self) -> &str {
        complete_characters(self.as_bytes())
    }

    /// Borrows the text, with the hash of the bytes that were not kept.
    #[inline(never)]
    pub fn as_id(&self) -> Id<'_> {
        Id { kept: self.kept(), past: self.past }
    }

    /// As [`as_bytes`](Self::as_bytes), inlined for where each instruction counts.
    #[inline]
    pub(crate) fn kept(&self) -> &[u8] {
        self.buffer.as_ref().get(..usize::from(self.filled)).unwrap_or_default()
    }

    /// Whether the text is `other`.
    #[inline]
    pub(crate) fn is(&self, other: Id<'_>) -> bool {
        self.past == other.past && same(self.kept(), other.kept)
    }

    /// Whether bytes of the text were not kept.
    pub const fn is_cut(&self) -> bool {
        self.past != 0
    }

    /// The bytes that were kept, and the hash of the others.
    #[cfg(feature = "record")]
    pub(crate) fn parts(&self) -> (&[u8], u64) {
        (self.as_bytes(), self.past ^ BASIS)
    }

    /// The text of these [`parts`](Self::parts), cut if a larger text kept them.
    #[cfg(feature = "record")]
    pub(crate) fn from_parts(kept: &[u8], past: u64) -> Self {
        let mut text = Self::new();
        text.set(Id { kept, past: past ^ BASIS });
        text
    }
}

/// Implements [`Text::push`] for all capacities, so that a program contains it once.
#[cfg_attr(target_pointer_width = "64", inline)]
fn push(buffer: &mut [u8], filled: &mut u16, past: &mut u64, piece: &[u8]) {
    let room = buffer.get_mut(usize::from(*filled)..).unwrap_or_default();
    let (kept, surplus) = piece.split_at_checked(room.len()).unwrap_or((piece, &[]));
    if let Some(room) = room.get_mut(..kept.len()) {
        room.copy_from_slice(kept);
    }
    *filled = filled.saturating_add(u16::try_from(kept.len()).unwrap_or(u16::MAX));
    if !surplus.is_empty() {
        *past = fnv1a(*past ^ BASIS, surplus) ^ BASIS;
    }
}

/// The valid characters at the front of `bytes`. The last character of a cut text may be incomplete.
fn complete_characters(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_else(|error| {
        let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
        core::str::from_utf8(whole).unwrap_or_default()
    })
}

impl<B: Bytes> From<&str> for Text<B> {
    fn from(text: &str) -> Self {
        let mut this = Self::new();
        this.push(text.as_bytes());
        this
    }
}

impl<B: Bytes> fmt::Debug for Text<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<B: Bytes> fmt::Display for Text<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<B: Bytes> PartialEq for Text<B> {
    fn eq(&self, other: &Self) -> bool {
        self.as_id() == other.as_id()
    }
}

impl<B: Bytes> Eq for Text<B> {}

#[cfg(feature = "defmt")]
impl<B: Bytes> defmt::Format for Text<B> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

/// A text borrowed from a [`Text`] or a `&str`: an id, a type, a message.
///
/// A comparison covers the bytes that were not kept too, by a hash. Two cut texts compare correctly only if both come
/// from texts of the same capacity, as all ids of a session do.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::text::{Id, Text};
/// let text = Text::<[u8; 48]>::from("3.0.1");
/// let id = Id::from(&text);
/// assert_eq!(id, Id::from("3.0.1"));
/// assert_eq!((id.as_str(), id.is_cut()), ("3.0.1", false));
/// assert_eq!(id.key(), Id::from("3.0.1").key());
/// ```
#[derive(Clone, Copy)]
pub struct Id<'a> {
    kept: &'a [u8],
    past: u64,
}

impl<'a> Id<'a> {
    /// The text `bytes`; `None` if a [`Text<B>`] would cut it.
    pub(crate) fn whole<B: Bytes>(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() <= B::LEN).then_some(Self { kept: bytes, past: 0 })
    }

    /// The complete characters that were kept of the text.
    pub fn as_str(&self) -> &'a str {
        complete_characters(self.kept)
    }

    /// Whether bytes of the text were not kept.
    pub const fn is_cut(&self) -> bool {
        self.past != 0
    }

    /// The hash of the whole text, for tables.
    #[inline(never)]
    pub fn key(&self) -> Key {
        let kept = fnv1a(BASIS, self.kept);
        // The bytes past the buffer have a hash of their own: most ids have none, and compare without a hash.
        Key(if self.past == 0 { kept } else { kept.rotate_left(32) ^ self.past ^ BASIS })
    }
}

impl<'a> From<&'a str> for Id<'a> {
    fn from(text: &'a str) -> Self {
        Self { kept: text.as_bytes(), past: 0 }
    }
}

impl<'a, B: Bytes> From<&'a Text<B>> for Id<'a> {
    fn from(text: &'a Text<B>) -> Self {
        text.as_id()
    }
}

impl PartialEq for Id<'_> {
    #[inline(never)]
    fn eq(&self, other: &Self) -> bool {
        self.past == other.past && same(self.kept, other.kept)
    }
}

impl Eq for Id<'_> {}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Id<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

/// Whether two texts are the same. A microcontroller's `memcmp` compares byte by byte; a desktop's is fast enough.
#[inline]
pub(crate) fn same(text: &[u8], other: &[u8]) -> bool {
    if cfg!(target_pointer_width = "64") { text == other } else { same_by_words(text, other) }
}

#[inline(never)]
fn same_by_words(text: &[u8], other: &[u8]) -> bool {
    const WORD: usize = size_of::<usize>();
    if text.len() != other.len() {
        return false;
    }
    let Some(last) = text.len().checked_sub(WORD) else {
        return text.iter().zip(other).all(|(a, b)| a == b);
    };
    // The last word overlaps with the one before.
    let end = |bytes: &[u8]| bytes.get(last..).and_then(|end| end.first_chunk().copied()).map(usize::from_ne_bytes);
    if end(text) != end(other) {
        return false;
    }
    let (mut text, mut other) = (text, other);
    while let (Some((a, text_after)), Some((b, other_after))) = (text.split_first_chunk(), other.split_first_chunk())
        && text.len() > WORD
    {
        if usize::from_ne_bytes(*a) != usize::from_ne_bytes(*b) {
            return false;
        }
        (text, other) = (text_after, other_after);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<const N: usize>(whole: &str) -> Text<[u8; N]> {
        Text::from(whole)
    }

    #[test]
    fn text_longer_than_its_capacity_is_cut_and_marked() {
        assert_eq!((text::<4>("abc").as_str(), text::<4>("abc").is_cut()), ("abc", false));
        assert_eq!((text::<4>("abcd").as_str(), text::<4>("abcd").is_cut()), ("abcd", false));
        assert_eq!((text::<4>("abcde").as_str(), text::<4>("abcde").is_cut()), ("abcd", true));
    }

    #[test]
    fn as_str_cut_inside_a_character_ends_before_it() {
        for (whole, kept) in [("ab€", "ab"), ("a€", "a€"), ("abc€", "abc"), ("a😀", "a"), ("😀", "😀"), ("😀x", "😀")]
        {
            let t = text::<4>(whole);
            assert_eq!((t.as_str(), t.is_cut()), (kept, kept != whole), "{whole}");
        }
    }

    #[test]
    fn texts_that_differ_past_the_capacity_are_not_equal() {
        assert_eq!(text::<4>("abcdX"), text::<4>("abcdX"));
        assert_ne!(text::<4>("abcdX"), text::<4>("abcdY"));
        assert_ne!(text::<4>("abcd"), text::<4>("abcdY"));
        assert_ne!(text::<4>("ab€"), text::<4>("ab\u{20ad}"), "the bytes of the cut character count");
        assert_ne!(text::<4>("abcdX").as_id().key(), text::<4>("abcdY").as_id().key());
        assert_eq!(text::<4>("abcd").as_id().key(), Id::from("abcd").key());
    }

    #[test]
    fn push_pieces_of_any_size_makes_the_same_text() {
        let whole = "ä€😀 expanded.0.0.1";
        for size in 1..=whole.len() {
            let mut t = Text::<[u8; 9]>::new();
            whole.as_bytes().chunks(size).for_each(|p| t.push(p));
            assert_eq!(t, text::<9>(whole));
            let mut copy = text::<9>("other");
            copy.set(t.as_id());
            assert_eq!(copy, t);
            assert_eq!(copy.as_str(), "ä€😀");
        }
    }

    #[test]
    fn same_one_byte_or_the_length_differs_is_false() {
        let text = [b'a'; 20];
        for len in 0..=text.len() {
            let whole = &text[..len];
            assert!(same_by_words(whole, whole) && same(whole, whole), "{len}");
            for at in 0..len {
                let mut other = text;
                other[at] = b'b';
                assert!(!same_by_words(whole, &other[..len]), "{at} of {len}");
                assert!(!same_by_words(whole, &text[..at]), "{at} of {len}");
            }
        }
    }
}
