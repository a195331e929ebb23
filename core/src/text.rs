//! Texts of bounded memory and unbounded length.

use core::fmt;

use crate::{capacity::Bytes, json::same};

/// FNV-1a's offset basis and prime for 64 bits.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

#[inline(never)]
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(PRIME))
}

/// Stands for a whole text: two texts with the same key are taken for the same, however much of them was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Key(u64);

impl Key {
    /// No text's, unless by a chance of 1 in 2^64.
    pub(crate) const NONE: Self = Self(0);

    /// Its lower half, where a table has room for no more.
    #[expect(clippy::cast_possible_truncation, reason = "as wanted")]
    pub(crate) const fn low(self) -> u32 {
        self.0 as u32
    }

    /// Its lowest quarter.
    #[expect(clippy::cast_possible_truncation, reason = "as wanted")]
    pub(crate) const fn lowest(self) -> u16 {
        self.0 as u16
    }
}

/// A text of which at most as many bytes are kept as the array `B` has, cut at a character's boundary, and compared whole.
#[derive(Clone)]
pub struct Text<B> {
    buffer: B,
    /// Bytes of `buffer` that were filled.
    filled: u16,
    /// The hash of the bytes past the buffer, begun with the basis.
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
        Self { buffer: B::ZERO, filled: 0, past: BASIS }
    }

    /// Forgets everything.
    pub const fn clear(&mut self) {
        self.filled = 0;
        self.past = BASIS;
    }

    /// Becomes a copy of `other`.
    #[inline(never)]
    pub fn set(&mut self, other: Id<'_>) {
        self.clear();
        self.push(other.kept);
        if other.past != BASIS {
            // What the other didn't keep can't be hashed again; of the same capacity, what it kept fills this one exactly.
            self.past = other.past;
        }
    }

    /// Becomes the text `bytes`.
    pub(crate) fn become_bytes(&mut self, bytes: &[u8]) {
        self.clear();
        self.push(bytes);
    }

    /// Takes the text's next piece, which may end inside a character.
    pub fn push(&mut self, piece: &[u8]) {
        push(self.buffer.as_mut(), &mut self.filled, &mut self.past, piece);
    }

    /// What was kept, to the last byte.
    #[inline(never)]
    pub fn as_bytes(&self) -> &[u8] {
        self.kept()
    }

    /// What was kept, as far as it is whole characters.
    pub fn as_str(&self) -> &str {
        whole_characters(self.as_bytes())
    }

    /// The text, borrowed.
    #[inline(never)]
    pub fn as_id(&self) -> Id<'_> {
        Id { kept: self.kept(), past: self.past }
    }

    /// As [`as_bytes`](Self::as_bytes), where an instruction counts.
    #[inline]
    pub(crate) fn kept(&self) -> &[u8] {
        self.buffer.as_ref().get(..usize::from(self.filled)).unwrap_or_default()
    }

    /// Whether it is the text `other`.
    #[inline]
    pub(crate) fn is(&self, other: Id<'_>) -> bool {
        self.past == other.past && same(self.kept(), other.kept)
    }

    /// Whether less than the whole was kept.
    pub const fn is_cut(&self) -> bool {
        self.past != BASIS
    }

    /// What was kept, and the hash of the rest.
    #[cfg(feature = "record")]
    pub(crate) fn parts(&self) -> (&[u8], u64) {
        (self.as_bytes(), self.past)
    }

    /// The text of these [`parts`](Self::parts); of a text that was kept by a larger capacity, what fits.
    #[cfg(feature = "record")]
    pub(crate) fn from_parts(kept: &[u8], past: u64) -> Self {
        let mut text = Self::new();
        text.set(Id { kept, past });
        text
    }
}

/// Takes a text's next piece, as [`Text::push`] does for any capacity: so it stands in a program once.
#[cfg_attr(target_pointer_width = "64", inline)]
fn push(buffer: &mut [u8], filled: &mut u16, past: &mut u64, piece: &[u8]) {
    let room = buffer.get_mut(usize::from(*filled)..).unwrap_or_default();
    let (kept, surplus) = piece.split_at_checked(room.len()).unwrap_or((piece, &[]));
    if let Some(room) = room.get_mut(..kept.len()) {
        room.copy_from_slice(kept);
    }
    *filled = filled.saturating_add(u16::try_from(kept.len()).unwrap_or(u16::MAX));
    if !surplus.is_empty() {
        *past = fnv1a(*past, surplus);
    }
}

/// `bytes` up to the first that is no whole character: where a text was cut, its last may be none.
fn whole_characters(bytes: &[u8]) -> &str {
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
/// Compared whole, though only a part may have been kept; of two that were cut, both must have been kept by texts of the
/// same capacity, as all ids of a session are.
#[derive(Clone, Copy)]
pub struct Id<'a> {
    kept: &'a [u8],
    past: u64,
}

impl<'a> Id<'a> {
    /// The text `bytes`, where a [`Text<B>`] would keep all of it.
    pub(crate) fn whole<B: Bytes>(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() <= B::LEN).then_some(Self { kept: bytes, past: BASIS })
    }

    /// What was kept of the text, as far as it is whole characters.
    pub fn as_str(&self) -> &'a str {
        whole_characters(self.kept)
    }

    /// Whether less than the whole was kept.
    pub const fn is_cut(&self) -> bool {
        self.past != BASIS
    }

    /// Stands for the whole text in tables.
    #[inline(never)]
    pub fn key(&self) -> Key {
        let kept = fnv1a(BASIS, self.kept);
        // The bytes past the buffer were hashed apart, since most ids have none and are compared without any hash.
        Key(if self.past == BASIS { kept } else { kept.rotate_left(32) ^ self.past })
    }
}

impl<'a> From<&'a str> for Id<'a> {
    fn from(text: &'a str) -> Self {
        Self { kept: text.as_bytes(), past: BASIS }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text<const N: usize>(whole: &str) -> Text<[u8; N]> {
        Text::from(whole)
    }

    #[test]
    fn keeps_up_to_its_capacity_and_marks_the_cut() {
        assert_eq!((text::<4>("abc").as_str(), text::<4>("abc").is_cut()), ("abc", false));
        assert_eq!((text::<4>("abcd").as_str(), text::<4>("abcd").is_cut()), ("abcd", false));
        assert_eq!((text::<4>("abcde").as_str(), text::<4>("abcde").is_cut()), ("abcd", true));
    }

    #[test]
    fn cuts_at_a_characters_boundary() {
        for (whole, kept) in [("ab€", "ab"), ("a€", "a€"), ("abc€", "abc"), ("a😀", "a"), ("😀", "😀"), ("😀x", "😀")]
        {
            let t = text::<4>(whole);
            assert_eq!((t.as_str(), t.is_cut()), (kept, kept != whole), "{whole}");
        }
    }

    #[test]
    fn texts_that_share_what_is_kept_differ_by_the_rest() {
        assert_eq!(text::<4>("abcdX"), text::<4>("abcdX"));
        assert_ne!(text::<4>("abcdX"), text::<4>("abcdY"));
        assert_ne!(text::<4>("abcd"), text::<4>("abcdY"));
        assert_ne!(text::<4>("ab€"), text::<4>("ab\u{20ad}"), "the cut character counts too");
        assert_ne!(text::<4>("abcdX").as_id().key(), text::<4>("abcdY").as_id().key());
        assert_eq!(text::<4>("abcd").as_id().key(), Id::from("abcd").key());
    }

    #[test]
    fn pieces_of_any_size_make_the_same_text() {
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
}
