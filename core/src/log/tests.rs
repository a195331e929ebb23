use std::{format, string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::{Bar, Log, Logged};
use crate::{
    api::ErrorField,
    limits::{BAR_STREAK, BAR_STREAK_BEHIND_FULL},
};

fn read(text: &str) -> Vec<Logged> {
    let mut log = Log::new();
    text.bytes().filter_map(|byte| log.next(byte)).collect()
}

/// The followed bars: value, max, and whether it is another bar than before.
fn bars(text: &str) -> Vec<(u32, u32, bool)> {
    let bars = read(text).into_iter().filter_map(|item| match item {
        Logged::Bar { bar, begins, .. } => Some((bar.value, bar.max, begins)),
        _ => None,
    });
    bars.collect()
}

/// A line as tqdm draws it.
fn bar(value: u32, max: u32) -> String {
    let filled = value * 10 / max;
    let blocks: String = (0..10).map(|at| if at < filled { '\u{2588}' } else { ' ' }).collect();
    format!("\r{:3}%|{blocks}| {value}/{max} [00:06<00:04,  1.41it/s]", value * 100 / max)
}

#[test]
fn bar_of_a_sampler_gives_steps_time_and_rate() {
    let cases = [
        ("\r  0%|          | 0/12 [00:00<?, ?it/s]", (0, 12, None, None)),
        ("\r  8%|\u{258a}         | 1/12 [00:01<00:21,  1.97s/it]", (1, 12, Some(21), Some(1_970_000))),
        ("\r 50%|\u{2588}\u{2588}     | 6/12 [00:06<00:04,  1.41it/s]", (6, 12, Some(4), Some(709_219))),
        ("\r100%|\u{2588}\u{2588}| 12/12 [1:02:03<2:03:04, 10.00it/s]", (12, 12, Some(7_384), Some(100_000))),
        (" 25%|##5       | 5/20 [00:01<00:04,  3.70it/s, loss=0.1]", (5, 20, Some(4), Some(270_270))),
        ("Sampling 81 frames:  5%|5  | 1/20 [00:01<00:04,  3.70it/s]", (1, 20, Some(4), Some(270_270))),
        ("\u{1b}[32mDenoising\u{1b}[0m: 5%|\u{1b}[34m#\u{1b}[0m| 1/20 [00:01]", (1, 20, None, None)),
    ];
    for (text, (value, max, remaining, step_micros)) in cases {
        let bar = Bar { value, max, remaining, step_micros };
        assert_eq!(read(text), [Logged::Bar { bar, begins: true, behind_full: false }], "{text:?}");
    }
}

#[test]
fn a_bar_cut_at_the_terminals_edge_is_one_and_what_is_none_is_none() {
    assert_eq!(bars(" 50%|##| 6/12 [00:06<00\n"), [(6, 12, true)]);
    for text in [
        "model.safetensors:  45%|##| 1.20G/2.66G [00:12<00:15, 98.1MB/s]",
        "VAE tiles:  40%|####      | 4/10 [00:01<00:01,  3.00it/s]",
        " 45%|##| 1203/2660 [00:12<00:15, 98.1B/s]",
        " 50%|##| 2/4 [00:12<00:15,  2.10tile/s]",
        "  0%|  | 0/4 [00:00<?, ?tile/s]",
        "5it [00:01, 3.20it/s]",
        "50% of 6/12 [00:01]",
        " 50%|##| 6/12\n",
        " 50%|##| 13/12 [00:01<00:01, 1.00it/s]",
        " 0%|##| 0/0 [00:01<00:01, 1.00it/s]",
        "| 6/12 [00:01<00:01, 1.00it/s]",
    ] {
        assert_eq!(bars(text), [], "{text:?}");
    }
}

#[test]
fn bar_beside_other_text_both_are_read() {
    let text = format!("{}[INFO] Prompt executed in 7.34 seconds\n", bar(3, 4));
    assert_eq!(read(&text).last(), Some(&Logged::Executed));
    assert_eq!(bars(&format!("{}{}\x1b[A\n", bar(3, 4), bar(4, 4))), [(3, 4, true), (4, 4, false)]);
}

#[test]
fn nested_bars_the_inner_one_is_followed() {
    let mut text = String::new();
    for frame in 0..3 {
        text += &bar(frame, 3);
        for step in 0..=8 {
            text += &["\n", &bar(step, 8), "\x1b[A"].concat();
        }
    }
    let followed = bars(&text);
    let inner = (0..=8).map(|step| (step, 8, step == 0));
    let expected: Vec<_> = [(0, 3, true)].into_iter().chain(inner.clone()).chain(inner.clone()).chain(inner).collect();
    assert_eq!(followed, expected);
}

#[test]
fn bar_that_breaks_off_is_replaced_after_a_streak_of_another() {
    for (followed, streak) in [(3, BAR_STREAK), (20, BAR_STREAK_BEHIND_FULL)] {
        let streak = u32::from(streak);
        let moves = |to| (1..=to).map(|value| bar(value, 8)).collect::<String>();
        let followed = (followed, 20, true);
        assert_eq!(bars(&(bar(followed.0, 20) + &moves(streak - 1))), [followed]);
        assert_eq!(bars(&(bar(followed.0, 20) + &moves(streak))), [followed, (streak, 8, true)]);
        let more = [followed, (streak, 8, true), (streak + 1, 8, false)];
        assert_eq!(bars(&(bar(followed.0, 20) + &moves(streak + 1))), more);
    }
    let mut log = Log::new();
    let full = bar(20, 20) + &bar(0, 20);
    let last = full.bytes().filter_map(|byte| log.next(byte)).last();
    assert!(matches!(last, Some(Logged::Bar { begins: true, behind_full: true, .. })), "{last:?}");
}

#[test]
fn end_of_a_prompt_with_or_without_level_and_colour_is_read() {
    for text in [
        "\u{1b}[32m[INFO]\u{1b}[0m \u{1b}[32mPrompt executed in 7.34 seconds\u{1b}[0m\n",
        "Prompt executed in 00:12:34\n",
        "[2026-11-22 17:47:36.414] [INFO] Prompt executed in 7.34 seconds\n",
    ] {
        assert_eq!(read(text), [Logged::Executed], "{text:?}");
    }
    assert_eq!(read("Processing interrupted\n"), [Logged::Interrupted]);
    for noise in [
        "a prompt: Prompt executed in 7\n",
        "Prompt executed in Paris\n",
        "Prompt executed i\nn 7\n",
        "Traceback (most recent call last):\n  File\nValueError: 7\n",
        "[INFO Prompt executed in 7\n",
        "[worker 2] Prompt executed in 7\n",
    ] {
        assert_eq!(read(noise), [], "{noise:?}");
    }
}

/// The error's type and message.
fn error(text: &str) -> (String, String) {
    let mut texts = (Vec::new(), Vec::new());
    for item in read(text) {
        if let Logged::Error(text, byte, first) = item {
            let bytes = if text == ErrorField::ExceptionType { &mut texts.0 } else { &mut texts.1 };
            if first {
                bytes.clear();
            }
            bytes.push(byte);
        }
    }
    (String::from_utf8(texts.0).unwrap(), String::from_utf8(texts.1).unwrap())
}

#[test]
fn failed_node_gives_the_exceptions_message_and_type() {
    let text = "\u{1b}[1m\u{1b}[31m[ERROR]\u{1b}[0m !!! Exception during processing !!! CUDA: out of \u{fc}\n\
        [ERROR] Traceback (most recent call last):\n  File \"execution.py\", line 1, in f\n    raise it\n\
        KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n\
        Traceback (most recent call last):\n  File \"execution.py\", line 1, in f\n\
        torch.OutOfMemoryError: CUDA: out\n\nGot an OOM, unloading all loaded models.\n";
    assert!(read(text).contains(&Logged::Failed));
    assert_eq!(error(text), (String::from("torch.OutOfMemoryError"), String::from("CUDA: out of \u{fc}")));
    // A traceback that a node prints without failing is ignored.
    assert_eq!(read(text.split_once('\n').unwrap().1), []);
    assert_eq!(error("!!! Exception during processing !!! \n"), (String::new(), String::new()));
}

/// Terminal text with anything that a log may hold.
fn noise() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        (0..30_u32, 1..30_u32).prop_map(|(value, max)| bar(value.min(max), max)),
        (0..30_u32, 1..30_u32).prop_map(|(value, max)| format!("tiles: {}", bar(value.min(max), max))),
        "[ -~]{0,12}",
        "\\PC{0,6}",
        Just(String::from("\u{1b}[1;31m")),
        Just(String::from("\u{1b}[A")),
        Just(String::from("\u{1b}]0;title\u{7}")),
        Just(String::from("\u{1b}")),
        Just(String::from("\n")),
        Just(String::from("\r")),
        Just(String::from("[INFO] Prompt executed in 7.34 seconds\n")),
        Just(String::from("!!! Exception during processing !!! no\n")),
        Just(String::from("Traceback (most recent call last):\n")),
        Just(String::from("Processing interrupted\n")),
        Just(String::from("%|")),
        Just(String::from("| 99999999999/99999999999 [99999999999:99999999999<99999999:9,9999999999.99it/s]")),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn steps_never_fall_within_a_bar(text in noise()) {
        let mut last = (0, 0);
        for (value, max, begins) in bars(&text) {
            prop_assert!(max > 0 && value <= max);
            prop_assert!(begins || (max == last.1 && value >= last.0), "{value}/{max} after {last:?}");
            last = (value, max);
        }
    }

    #[test]
    fn any_bytes_before_a_bar_the_bar_is_followed(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut log = Log::new();
        bytes.extend_from_slice(b"\x1b\\\n");
        for byte in bytes {
            log.next(byte);
        }
        let text: String = [bar(0, 7), bar(1, 7)].concat();
        let items: Vec<_> = text.bytes().filter_map(|byte| log.next(byte)).collect();
        let followed = items.iter().any(|item| matches!(item, Logged::Bar { bar: Bar { value: 1, max: 7, .. }, .. }));
        prop_assert!(followed, "{items:?}");
    }

    #[test]
    fn bar_between_any_text_is_read(before in "[a-z \n]{0,20}\n", value in 1..99_u32, after in "[a-z\n]{0,20}") {
        prop_assert_eq!(bars(&format!("{before}{}{after}", bar(value, 99))), vec![(value, 99, true)]);
    }
}
