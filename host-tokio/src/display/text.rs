//! Texts made to fit.

use std::time::Duration;

use comfyglow_core::{
    state::{ObserveMode, WaitingFor},
    view::View,
};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` without what would move the cursor or colour the screen: it comes from a server.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            // A colour or the like goes as a whole: parameters, then a letter.
            '\x1b' if chars.as_str().starts_with('[') => {
                chars.next();
                let _ = chars.find(|c| !matches!(c, ' '..='?'));
            }
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() || is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Marks that turn the direction of writing around, or take no room of their own.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` in at most `width` columns, its middle left out: both ends of a name tell more.
pub(super) fn cut_middle(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let gap = if unicode { "…" } else { ".." };
    let Some(room) = width.checked_sub(gap.width()) else { return String::new() };
    let front = fitting(text.chars(), room - room / 2);
    let back: Vec<char> = fitting(text.chars().rev(), room - front.iter().copied().map(columns).sum::<usize>());
    front.into_iter().chain(gap.chars()).chain(back.into_iter().rev()).collect()
}

/// `text` in at most `width` columns, its end left out.
pub(super) fn cut_end(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let gap = if unicode { "…" } else { ".." };
    let Some(room) = width.checked_sub(gap.width()) else { return String::new() };
    fitting(text.chars(), room).into_iter().chain(gap.chars()).collect()
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn fitting(chars: impl Iterator<Item = char>, width: usize) -> Vec<char> {
    let mut used = 0;
    let fits = |c: &char| {
        used += columns(*c);
        used <= width
    };
    chars.take_while(fits).collect()
}

/// When the next attempt to connect will be, where one is to come.
pub(super) fn next_attempt(view: &View<'_>) -> Option<String> {
    let waiting = view.connection.waiting?;
    let seconds = view.next_attempt?.as_micros().div_ceil(1_000_000);
    let attempt = view.connection.attempt.saturating_add(1);
    Some(match waiting.why {
        WaitingFor::Backoff => format!("reconnecting in {seconds} s, attempt {attempt}"),
        WaitingFor::Circuit => format!("circuit open, next try in {seconds} s"),
        WaitingFor::Server => format!("next try in {seconds} s, as the server asks"),
        WaitingFor::Courtesy => format!("back in {seconds} s"),
    })
}

/// `text` filled up with spaces to `width` columns.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The part of a prompt's id that people tell prompts apart by.
pub(super) fn short_id(id: &str, unicode: bool) -> String {
    let id = clean(id);
    match id.split_once('-') {
        Some((first, _)) if first.len() == 8 && id.len() == 36 => first.to_owned(),
        _ => cut_middle(&id, 12, unicode),
    }
}

/// A span of time as people say it: `5.9 s`, `1 min 05 s`, `2 h 03 min`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}.{} s", span.subsec_millis() / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A span of time that is but an estimate: whole seconds, rounded up.
pub(super) fn about(estimate: Duration) -> String {
    let seconds = estimate.as_millis().div_ceil(1_000);
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => span(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))),
    }
}

/// How prompts of other clients are followed, in a few words.
pub(super) fn follows(way: ObserveMode) -> &'static str {
    match way {
        ObserveMode::Extension => "all clients' prompts by the extension",
        ObserveMode::Logs => "other clients' steps by the server's log",
        ObserveMode::Polling => "of other clients' prompts starts and ends only",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_in_the_middle() {
        for (text, width, cut) in [
            ("KSampler", 8, "KSampler"),
            ("KSampler", 7, "KSa…ler"),
            ("KSampler", 2, "K…"),
            ("KSampler", 1, "…"),
            ("KSampler", 0, ""),
            ("画像を保存する", 9, "画像…する"),
            ("画像を保存する", 8, "画像…る"),
        ] {
            assert_eq!(cut_middle(text, width, true), cut, "{text} in {width}");
            assert!(cut.width() <= width);
        }
        assert_eq!(cut_middle("KSampler", 7, false), "KSa..er");
        assert_eq!(cut_end("KSampler", 5, true), "KSam…");
    }

    #[test]
    fn what_a_server_says_moves_no_cursor() {
        assert_eq!(clean("a\x1b[1;31mb\r\n\tc\u{9b}2J\u{202e}d\0\x1b"), "ab   c2Jd");
        assert_eq!(clean("a\x1b["), "a");
    }

    #[test]
    fn ids_people_can_tell_apart() {
        assert_eq!(short_id("9b1c2f3a-0000-4000-8000-000000000000", true), "9b1c2f3a");
        assert_eq!(short_id("my-prompt", true), "my-prompt");
        assert_eq!(short_id("a-very-long-prompt-name", true), "a-very…-name");
    }

    #[test]
    fn spans_as_people_say_them() {
        let ms = Duration::from_millis;
        for (time, said, estimated) in [
            (0, "0.0 s", "0 s"),
            (5_990, "5.9 s", "6 s"),
            (59_999, "59.9 s", "1 min 00 s"),
            (65_000, "1 min 05 s", "1 min 05 s"),
            (3_600_000, "1 h 00 min", "1 h 00 min"),
            (90_061_000, "25 h 01 min", "25 h 01 min"),
        ] {
            assert_eq!((span(ms(time)).as_str(), about(ms(time)).as_str()), (said, estimated));
        }
    }
}
