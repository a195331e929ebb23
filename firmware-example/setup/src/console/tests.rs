use std::{string::String, vec::Vec};

use super::*;
use crate::Setting;

/// What is echoed, and what the lines ask for, in words.
fn hear(console: &mut Console, bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
    let (mut echo, mut lines) = (Vec::new(), Vec::new());
    for byte in bytes {
        let heard = console.hear(*byte);
        echo.extend(heard.echo);
        lines.extend(heard.line.map(|line| match line {
            Ok(Command::Set(setting, value)) => std::format!("{}={value}", setting.name()),
            line => std::format!("{line:?}"),
        }));
    }
    (echo, lines)
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let (echo, lines) = hear(&mut Console::new(), bytes);
    assert!(echo.is_empty(), "nothing is echoed unless it is wanted");
    lines
}

#[test]
fn a_line_ends_in_any_way() {
    for bytes in ["save\rshow\r", "save\nshow\n", "save\r\nshow\r\n", "\n\rsave\n\r\n  \rshow\n"] {
        assert_eq!(lines(bytes.as_bytes()), ["Ok(Save)", "Ok(Show)"], "{bytes:?}");
    }
}

#[test]
fn a_character_is_taken_back_whole() {
    assert_eq!(lines("\x08sax\x08vé\x7fe\r".as_bytes()), ["Ok(Save)"]);
    assert_eq!(lines("set ssid Zü☕\x08\x08ürich\r".as_bytes()), ["ssid=Zürich"]);
    assert_eq!(lines(b"x\x08\r"), [""; 0], "nothing is left of it");
}

#[test]
fn a_line_is_taken_back() {
    assert_eq!(lines(b"half a li\x03save\r"), ["Ok(Save)"]);
    assert_eq!(lines(b"\xff\x00 rubbish\x15save\r"), ["Ok(Save)"]);
    assert_eq!(lines(&[&[b'x'; 500][..], b"\x03save\r"].concat()), ["Ok(Save)"]);
}

#[test]
fn a_line_has_160_bytes() {
    let line = |bytes: usize| [&b"x".repeat(bytes)[..], b"\rsave\r"].concat();
    assert_eq!(lines(&line(LINE_BYTES)), ["Err(Unknown)", "Ok(Save)"]);
    assert_eq!(lines(&line(LINE_BYTES + 1)), ["Err(TooLong)", "Ok(Save)"]);
    assert_eq!(lines(&line(100_000)), ["Err(TooLong)", "Ok(Save)"]);
    let back = [&b"x".repeat(LINE_BYTES + 1)[..], b"\x08\rsave\r"].concat();
    assert_eq!(lines(&back), ["Err(TooLong)", "Ok(Save)"], "what was too long isn't guessed");
}

#[test]
fn rubbish_is_told_and_harms_nothing() {
    assert_eq!(lines(b"sa\xffve\rsave\r"), ["Err(NotText)", "Ok(Save)"]);
    assert_eq!(lines(b"set ssid caf\xe9\rsave\r"), ["Err(NotText)", "Ok(Save)"]);
    assert_eq!(lines(b"sa\x00ve\rsave\r"), ["Err(Control)", "Ok(Save)"]);
    assert_eq!(lines(b"\x1b[Asave\rsave\r"), ["Err(Control)", "Ok(Save)"]);
}

#[test]
fn what_is_typed_is_echoed_where_that_is_wanted() {
    let console = &mut Console::new();
    assert_eq!(hear(console, b"echo on\r\n"), (Vec::new(), std::vec!["Ok(Echo(true))".into()]));
    let (echo, lines) = hear(console, "sé\x08et\x08\x08\x08\x08save\r\n".as_bytes());
    assert_eq!(String::from_utf8(echo).unwrap(), "sé\x08 \x08et\x08 \x08\x08 \x08\x08 \x08save\r\n");
    assert_eq!(lines, ["Ok(Save)"]);
    assert_eq!(hear(console, b"\x1b\xff\x00\r").0, b"\r\n", "what is no text isn't");
    assert_eq!(hear(console, b"abc\x03").0, b"abc\r\n");
    assert_eq!(hear(console, b"echo off\r").0, b"echo off\r\n");
    assert_eq!(hear(console, b"save\r").0, b"");
}

#[test]
fn of_a_password_stars_are_echoed() {
    let console = &mut Console::new();
    hear(console, b"echo on\r");
    let (echo, lines) = hear(console, "set password pä☕sword1x\x08\r".as_bytes());
    assert_eq!(String::from_utf8(echo).unwrap(), "set password **********\x08 \x08\r\n");
    assert_eq!(lines, ["password=pä☕sword1"]);
}

#[test]
fn a_line_s_secret_is_no_part_of_the_next() {
    let console = &mut Console::new();
    hear(console, b"set password hunter22\r");
    let heard = console.hear(b'\r');
    assert_eq!(heard, Heard { echo: b"", line: None });
    assert_eq!(Command::parse("set ssid Home"), Ok(Command::Set(Setting::Ssid, "Home")));
}
