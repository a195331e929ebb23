//! The live display in a terminal, as it is seen.
#![cfg(unix)]

mod support;

use std::io::Write as _;

use support::seen::Seen;

/// The workflow's percentage on the screen.
fn percentage(screen: &vt100::Screen) -> Option<f64> {
    let contents = screen.contents();
    let line = contents.lines().find(|line| line.contains("Workflow"))?;
    line.trim_end().strip_suffix(" %")?.rsplit(' ').next()?.parse().ok()
}

#[test]
fn bars_move_and_ctrl_c_leaves_the_terminal_as_it_was() {
    let mut seen = Seen::new(80, &["demo"], &[]);
    // What is seen may be a frame half drawn: nothing is concluded from what isn't there.
    let mut first = None;
    seen.until("a sampler's bar", |screen| {
        first = percentage(screen);
        first.is_some() && screen.contents().contains("KSampler #3") && screen.contents().contains('█')
    });
    seen.until("progress", |screen| percentage(screen) > first && screen.contents().lines().count() == 4);
    assert!(seen.screen.screen().hide_cursor());
    seen.keys.write_all(b"\x03").expect("the key is pressed");
    assert_eq!(seen.end(), 130);
    let screen = seen.screen.screen();
    assert!(!screen.hide_cursor());
    assert_eq!(screen.contents(), "", "nothing of the display is left");
}

#[test]
fn a_failure_stays_on_the_screen() {
    let mut seen = Seen::new(80, &["demo", "--fail", "--speed", "20"], &[]);
    assert_eq!(seen.end(), 1);
    let text = seen.text();
    let shown = ["✖ ", " · at KSampler #11", "torch.OutOfMemoryError: Allocation on device 0", "2.25 GiB"];
    assert!(shown.iter().all(|shown| text.contains(shown)), "{text}");
    assert!(!text.contains("Workflow"), "{text}");
    assert!(!seen.screen.screen().hide_cursor());
}

#[test]
fn a_success_stays_on_the_screen() {
    let mut seen = Seen::new(40, &["demo", "--speed", "20"], &[]);
    assert_eq!(seen.end(), 0);
    assert!(seen.text().starts_with("✔ "), "{}", seen.text());
    assert_eq!(seen.text().lines().count(), 1, "{}", seen.text());
}

#[test]
fn no_color_means_no_colours() {
    for env in [("NO_COLOR", "1"), ("CLICOLOR", "0")] {
        let mut seen = Seen::new(80, &["demo", "--speed", "20"], &[env]);
        assert_eq!(seen.end(), 0);
        let bytes = String::from_utf8_lossy(&seen.bytes).into_owned();
        assert!(bytes.contains("█"), "it draws");
        let coloured = bytes.split("\x1b[").skip(1).any(|code| {
            code.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == '?')).is_some_and(|at| &code[at..=at] == "m")
        });
        assert!(!coloured, "{bytes:?}");
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let mut seen = Seen::new(80, &["demo", "--speed", "20"], &[("TERM", "dumb")]);
    assert_eq!(seen.end(), 0);
    assert!(!seen.bytes.contains(&0x1b), "{:?}", String::from_utf8_lossy(&seen.bytes));
    assert!(seen.text().contains("KSampler #3"), "{}", seen.text());
}

#[test]
fn without_utf_8_it_draws_in_ascii() {
    let mut seen = Seen::new(80, &["demo", "--speed", "20"], &[("LANG", "C")]);
    assert_eq!(seen.end(), 0);
    assert!(seen.bytes.is_ascii(), "{:?}", String::from_utf8_lossy(&seen.bytes));
    assert!(String::from_utf8_lossy(&seen.bytes).contains("[##"));
}
