//! The server's log.

use super::{cut, pieces, seed};
use crate::observer_log::{Followed, logs, said};

/// A log's text: whatever its bytes, what is said of it keeps the bars' laws; and as text, cut into entries, events and the
/// socket's pieces, it shows what it shows at once.
///
/// # Panics
///
/// Where it doesn't.
pub fn log(data: &[u8]) {
    let (sizes, rest) = cut(data);
    said(rest);
    let text = String::from_utf8_lossy(rest);
    let mut whole = Followed::default();
    whole.hear_whole(&logs([&*text]));

    let mut in_pieces = Followed::default();
    let characters: Vec<String> = text.chars().map(String::from).collect();
    let entries: Vec<String> = characters.chunks(sizes[0]).map(<[String]>::concat).collect();
    for event in entries.chunks(sizes[1]) {
        let wire = logs(event.iter().map(String::as_str));
        in_pieces.hear(pieces(&sizes, wire.bytes()));
    }
    assert_eq!(in_pieces.shown(), whole.shown(), "in pieces of {sizes:?}");
}

/// What servers write.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let bar = |value: u32| {
        let percent = value * 100 / 12;
        format!("\r{percent:3}%|{}| {value}/12 [00:06<00:04,  1.41it/s]", "\u{2588}".repeat(10))
    };
    let error =
        "!!! Exception during processing !!! no \u{fc}\nTraceback (most recent call last):\n  File \"x\"\nm.E: no\n\n";
    let executed = "\u{1b}[32m[INFO]\u{1b}[0m Prompt executed in 7.34 seconds\n";
    let texts = [
        (0..=12).map(bar).collect::<String>() + "\n" + executed,
        [&bar(3), "\n", error, executed].concat(),
        [&bar(3), "Processing interrupted\n", executed].concat(),
        [&bar(1), "\nmodel.safetensors:  45%|##| 1.20G/2.66G [00:12<00:15, 98.1MB/s]\n", &bar(2)].concat(),
        ["Sampling: ", "50%|##| 6/12 [1:02:03<?, ?it/s, loss=0.1]", "\u{1b}[A\u{1b}]0;title\u{7}"].concat(),
        ["\n", &bar(4), "\u{1b}[A", &bar(1), "\n"].concat(),
    ];
    texts.map(seed).into()
}
