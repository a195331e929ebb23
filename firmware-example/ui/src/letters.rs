//! Texts as the fonts have them: ASCII and three signs more.

use crate::font::{ELLIPSIS, UNKNOWN};

/// The base letters of U+00C0 to U+017F, Latin with its accents; a space where two letters or none stand for one.
const LATIN: &[u8; 192] =
    b"AAAAAA CEEEEIIIIDNOOOOOxOUUUUY  aaaaaa ceeeeiiiidnooooo/ouuuuy yAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGg\
GgGgHhHhIiIiIiIiIi  JjKkkLlLlLlLlLlNnNnNnnNnOoOoOo  RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// The codes of a text, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Letters<'a> {
    rest: core::str::Chars<'a>,
    /// What follows.
    pieces: core::slice::Iter<'a, &'a str>,
    /// The second letter of two that stand for one; 0 where there is none.
    second: u8,
    /// The last one stood for what no font has.
    unknown: bool,
}

/// The codes of a text in pieces: accents fall, typographic signs become plain ones, what can't be shown becomes a box, one
/// for all that follow each other. White space and control characters are a space.
pub(crate) fn letters<'a>(pieces: &'a [&'a str]) -> Letters<'a> {
    Letters { rest: "".chars(), pieces: pieces.iter(), second: 0, unknown: false }
}

impl Iterator for Letters<'_> {
    type Item = u8;

    #[inline(never)]
    fn next(&mut self) -> Option<u8> {
        if self.second != 0 {
            return Some(core::mem::take(&mut self.second));
        }
        loop {
            let Some(c) = self.rest.next() else {
                self.rest = self.pieces.next()?.chars();
                continue;
            };
            let (first, second) = plain(c);
            let repeated = first == UNKNOWN && self.unknown;
            if first != 0 {
                self.unknown = first == UNKNOWN;
            }
            if first != 0 && !repeated {
                self.second = second.unwrap_or(0);
                return Some(first);
            }
        }
    }
}

/// The codes that stand for `c`; 0 where nothing does.
fn plain(c: char) -> (u8, Option<u8>) {
    let code = u32::from(c);
    let one = |code: u8| (code, None);
    match c {
        ' '..='~' => one(u8::try_from(code).unwrap_or(UNKNOWN)),
        '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{3000}' => {
            one(b' ')
        }
        'Æ' => (b'A', Some(b'E')),
        'æ' => (b'a', Some(b'e')),
        'Œ' => (b'O', Some(b'E')),
        'œ' => (b'o', Some(b'e')),
        'Þ' => (b'T', Some(b'h')),
        'þ' => (b't', Some(b'h')),
        'ß' => (b's', Some(b's')),
        'Ĳ' => (b'I', Some(b'J')),
        'ĳ' => (b'i', Some(b'j')),
        '\u{c0}'..='\u{17f}' => {
            let place = usize::try_from(code).ok().and_then(|code| LATIN.get(code.checked_sub(0xc0)?));
            one(place.copied().filter(|&letter| letter != b' ').unwrap_or(UNKNOWN))
        }
        '‘' | '’' | '‚' | '′' => one(b'\''),
        '“' | '”' | '„' | '«' | '»' => one(b'"'),
        '‐'..='―' | '−' => one(b'-'),
        '…' => one(ELLIPSIS),
        '·' | '•' => one(crate::font::DOT),
        '→' => (b'-', Some(b'>')),
        // Wide forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => one(u8::try_from(code.saturating_sub(0xfee0)).unwrap_or(UNKNOWN)),
        // Marks that only change what stands before them, and joints between signs.
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => one(0),
        _ => one(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, vec::Vec};

    fn shown(text: &str) -> String {
        let codes: Vec<u8> = letters(&[text]).collect();
        codes
            .iter()
            .map(|&code| match code {
                ELLIPSIS => '…',
                UNKNOWN => '□',
                crate::font::DOT => '·',
                ascii => char::from(ascii),
            })
            .collect()
    }

    #[test]
    fn what_has_a_plain_form_gets_it() {
        for (text, plain) in [
            ("KSampler (Advanced)", "KSampler (Advanced)"),
            ("Größe ändern", "Grosse andern"),
            ("Échantillonneur œuvre", "Echantillonneur oeuvre"),
            ("Łódź Žižkov ĳsje", "Lodz Zizkov ijsje"),
            ("“quoted” – it’s…", "\"quoted\" - it's…"),
            ("ＫＳａｍｐｌｅｒ", "KSampler"),
            ("e\u{301}tape", "etape"),
            ("two\nlines\tand a tab", "two lines and a tab"),
        ] {
            assert_eq!(shown(text), plain);
        }
    }

    #[test]
    fn what_has_none_is_one_box() {
        assert_eq!(shown("采样器 KSampler"), "□ KSampler");
        assert_eq!(shown("Anything Everywhere 🔗\u{fe0f}🔗"), "Anything Everywhere □");
        assert_eq!(shown("é采é"), "e□e");
    }

    #[test]
    fn accents_fall_from_their_own_letters() {
        assert_eq!(shown("ÀÏÑÕØÝàïñõøýÿ"), "AINOOYainooyy");
        assert_eq!(shown("ĀāČčĐđĒēĞğĦħĨĩıĴĵĶķĹĺŃńŇňŌōŔŕŚśŢţŨũŴŵŶŷŸŹźſ"), "AaCcDdEeGgHhIiiJjKkLlNnNnOoRrSsTtUuWwYyYZzs");
    }
}
