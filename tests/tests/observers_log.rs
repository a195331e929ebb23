//! The log's text, recorded and made up, from the socket's bytes to the steps that are shown.

use comfyglow::recording::{Message, Recording, What};
use comfyglow_core::log::Logged;
use comfyglow_tests::{
    observer_log::{Followed, Shown, logs, said},
    traces,
};
use proptest::{collection, prelude::*, sample::select};
use serde_json::Value;

/// The texts of the entries of a `logs` event or an answer.
fn texts(entries: &Value) -> Vec<String> {
    let entries = entries.as_array().expect("entries");
    entries.iter().map(|entry| entry["m"].as_str().expect("a text").to_owned()).collect()
}

/// All logs recorded: of each connection that was told one, and of each answer, the texts of its entries.
fn recorded() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for file in traces() {
        let recording = Recording::read(&file).expect("the recording can be read");
        for conn in recording.connections() {
            // Those of broken frames tell no log.
            let heard = recording.messages(conn).unwrap_or_default();
            let events = heard.iter().filter_map(|heard| match &heard.wire {
                Message::Text(text) if text.starts_with(r#"{"type": "logs""#) => {
                    Some(serde_json::from_str::<Value>(text).expect("it is JSON"))
                }
                _ => None,
            });
            all.push(events.flat_map(|event| texts(&event["data"]["entries"])).collect());
        }
        for row in &recording.rows {
            if let What::Response { path, text, cut, .. } = &row.what
                && path == "/internal/logs/raw"
            {
                // The recorder cut a long one: as many entries as are whole.
                let whole = text.rfind("}, {").filter(|_| *cut).map(|end| format!("{}}}]}}", &text[..end]));
                let raw: Value = serde_json::from_str(whole.as_ref().unwrap_or(text)).expect("it is JSON");
                all.push(texts(&raw["entries"]));
            }
        }
    }
    all.retain(|texts: &Vec<String>| !texts.is_empty());
    all
}

/// The bar of a line, found another way: a percentage, what stands between two strokes, then `value/max [`.
fn bar(line: &str) -> Option<(u32, u32)> {
    let (percent, rest) = line.split_once("%|")?;
    let (_, counts) = rest.split_once("| ")?;
    let (counts, _) = counts.split_once(" [")?;
    let (value, max) = counts.split_once('/')?;
    let _: u32 = percent.trim().parse().ok()?;
    Some((value.trim().parse().ok()?, max.parse().ok()?))
}

fn bars(text: &str) -> Vec<(u32, u32)> {
    let bars = said(text.as_bytes()).into_iter().filter_map(|said| match said {
        Logged::Bar { bar, .. } => Some((bar.value, bar.max)),
        _ => None,
    });
    bars.collect()
}

#[test]
fn every_recorded_bar_is_found_and_nothing_else() {
    let (mut found, mut ends) = (0, 0);
    for texts in recorded() {
        let text = texts.concat();
        let expected: Vec<_> = text.split(['\r', '\n']).filter_map(bar).collect();
        assert_eq!(bars(&text), expected, "{text}");
        found += expected.len();
        let executed = said(text.as_bytes()).iter().filter(|said| **said == Logged::Executed).count();
        assert_eq!(executed, text.matches("Prompt executed in ").count(), "{text}");
        let failed = said(text.as_bytes()).iter().filter(|said| **said == Logged::Failed).count();
        assert_eq!(failed, text.matches("!!! Exception during processing !!!").count(), "{text}");
        ends += executed;
    }
    assert!(found >= 9 && ends >= 1, "only {found} bars and {ends} ends");
}

/// What is shown after each of the events.
fn shown<'a>(events: impl IntoIterator<Item = &'a [&'a str]>) -> Shown {
    let mut followed = Followed::default();
    for event in events {
        followed.hear_whole(&logs(event.iter().copied()));
    }
    followed.shown()
}

#[test]
fn every_recorded_text_may_be_cut_anywhere() {
    let mut cuts = 0;
    for texts in recorded() {
        // What came before it, too, of the text that the cut is in.
        for window in texts.windows(2) {
            let [before, text] = window else { continue };
            let whole = shown([&[before.as_str(), text.as_str()][..]]);
            for (at, _) in text.char_indices() {
                let (first, second) = text.split_at(at);
                assert_eq!(shown([&[before, first][..], &[second]]), whole, "{text:?} cut at {at}, two events");
                assert_eq!(shown([&[before, first, second][..]]), whole, "{text:?} cut at {at}, two entries");
                cuts += 1;
            }
            let wire = logs([before.as_str(), text]);
            for at in 0..wire.bytes().len() {
                let mut followed = Followed::default();
                let (first, second) = wire.bytes().split_at(at);
                followed.hear([first, second]);
                assert_eq!(followed.shown(), whole, "{wire:?} cut at {at}");
            }
        }
    }
    assert!(cuts > 500, "only {cuts} cuts");
}

/// Lines and scraps that are no sampler's bar.
fn noise() -> impl Strategy<Value = String> {
    let known = select(
        &[
            "\u{1b}[32m[INFO]\u{1b}[0m got prompt\n",
            "\u{1b}[33m[WARNING]\u{1b}[0m lowvram: 12/345 [loaded]\n",
            "model.safetensors:  45%|\u{2588}\u{2588}\u{258d}  | 1.20G/2.66G [00:12<00:15, 98.1MB/s]",
            "\rmodel.safetensors: 100%|\u{2588}\u{2588}| 2.66G/2.66G [00:27<00:00, 98.1MB/s]\n",
            "\rVAE tiles:  40%|####      | 4/10 [00:01<00:01,  3.00it/s]",
            "\rLoading weights:   3%|\u{258e}  | 10/291 [00:00<00:02, 99.91it/s]\n",
            "Requested to load BaseModel\nloaded completely;  3.82 MB loaded, full load: True\n",
            "\u{1b}]0;title\u{7}",
            "\u{1b}[2K",
            "\u{1b}[1;34m",
            "5it [00:01, 3.20it/s]\n",
            "100%\n",
            "\r\n",
            "|",
            "\t\u{1f600} \"quoted\" C:\\path\\file\n",
            "Traceback (most recent call last):\n  File \"x.py\", line 3, in f\n    g()\nKeyError: 'x'\n",
        ][..],
    );
    prop_oneof![6 => known.prop_map(str::to_owned), 2 => "\\PC{0,20}", 1 => "[a-zA-Z .:]{0,40}\n"]
}

/// A sampler's bar amid noise: the text, each piece with the steps that are shown behind it.
fn sampling() -> impl Strategy<Value = (Vec<(String, Option<u32>)>, u32)> {
    (2..80_u32).prop_flat_map(|max| {
        let moves = collection::vec((1..=(max / 4).max(1), collection::vec(noise(), 0..3)), 1..12);
        (moves, collection::vec(noise(), 0..3)).prop_map(move |(moves, before)| {
            let mut pieces: Vec<_> = before.into_iter().map(|noise| (noise, None)).collect();
            let mut value = 0;
            let bar = |value: u32| {
                let blocks: String = (0..10).map(|at| if at * max < value * 10 { '\u{2588}' } else { ' ' }).collect();
                let percent = value * 100 / max;
                format!("\r{percent:3}%|{blocks}| {value}/{max} [00:06<00:04,  1.41it/s]")
            };
            pieces.push((bar(0), Some(0)));
            for (by, noise) in moves {
                // A bar stands at a line's beginning: what was written without an end is overwritten.
                pieces.extend(noise.into_iter().map(|noise| (noise, Some(value))));
                value = (value + by).min(max);
                pieces.push((bar(value), Some(value)));
            }
            (pieces, max)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_samplers_bar_amid_noise_is_shown_however_it_is_cut(
        (pieces, max) in sampling(),
        entries in collection::vec(1..60_usize, 1..8),
        events in collection::vec(1..5_usize, 1..8),
        reads in collection::vec(1..200_usize, 1..8),
    ) {
        // Piece by piece, all is as it was made.
        let mut followed = Followed::default();
        for (text, value) in &pieces {
            followed.hear_whole(&logs([text.as_str()]));
            let shown = followed.shown();
            prop_assert_eq!(shown.steps, value.map(|value| [value.into(), max.into()]), "behind {:?}", text);
        }
        let expected = followed.shown();

        let text: Vec<char> = pieces.iter().flat_map(|(text, _)| text.chars()).collect();
        let mut rest = text.as_slice();
        let mut cut = Vec::new();
        for size in entries.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (entry, behind) = rest.split_at((*size).min(rest.len()));
            cut.push(entry.iter().collect::<String>());
            rest = behind;
        }
        let mut cut = cut.as_slice();
        let mut followed = Followed::default();
        let mut before = -1;
        for size in events.iter().cycle() {
            if cut.is_empty() {
                break;
            }
            let (event, behind) = cut.split_at((*size).min(cut.len()));
            cut = behind;
            let wire = logs(event.iter().map(String::as_str));
            let mut bytes = wire.bytes();
            let mut read = Vec::new();
            for size in reads.iter().cycle() {
                if bytes.is_empty() {
                    break;
                }
                let (piece, behind) = bytes.split_at((*size).min(bytes.len()));
                read.push(piece);
                bytes = behind;
            }
            followed.hear(read);
            let value = followed.shown().steps.map_or(-1, |[value, _]| value);
            prop_assert!(value >= before, "{} behind {}", value, before);
            before = value;
        }
        prop_assert_eq!(followed.shown(), expected);
    }
}
