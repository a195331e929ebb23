use std::{format, string::String, vec::Vec};

use super::*;
use crate::{Missing, Reply, SettingsError};

const BOARD: Board = Board {
    version: "0.1.0",
    chip: "esp32c3",
    radio: true,
    displays: &[Display::Ssd1306W128H64, Display::Sh1106W128H64],
};

fn desk() -> Desk {
    Desk::new(BOARD, Settings::new())
}

fn ask(desk: &mut Desk, line: &str) -> (Asked, String) {
    let mut answer = Answer::new();
    let asked = desk.answer(Command::parse(line), &mut answer);
    (asked, answer.as_str().into())
}

fn tell(desk: &mut Desk, line: &str) {
    assert_eq!(ask(desk, line), (Asked::Nothing, "ok\r\n".into()));
}

#[test]
fn what_is_set_is_shown() {
    let desk = &mut desk();
    assert_eq!(ask(desk, "set ssid My home"), (Asked::Nothing, "ok\r\n".into()));
    assert_eq!(ask(desk, "set password hunter22").1, "ok\r\n");
    assert_eq!(
        ask(desk, "show").1.lines().collect::<Vec<_>>(),
        [
            "ssid=My home",
            "password=(set)",
            "server=",
            "display=ssd1306-128x64",
            "layout=auto",
            "brightness=100",
            "leds=0",
            "leds-brightness=30",
            "unsaved=yes",
            "missing=server",
            "ok",
        ]
    );
    tell(desk, "unset password");
    tell(desk, "unset ssid");
    let shown = ask(desk, "show").1;
    assert!(shown.contains("password=(none)\r\n") && shown.contains("unsaved=no\r\nmissing=ssid\r\n"), "{shown}");
    tell(desk, "set ssid Home");
    tell(desk, "set server desk");
    assert!(ask(desk, "show").1.contains("missing=none\r\n"));
}

#[test]
fn what_can_t_be_set_is_told_and_changes_nothing() {
    let desk = &mut desk();
    assert_eq!(ask(desk, "set brightness 101").1, format!("error: {}\r\n", SettingsError::Brightness));
    assert_eq!(ask(desk, "set display oled").1, format!("error: {}\r\n", SettingsError::Display));
    let driven = "error: this firmware drives ssd1306-128x64 sh1106-128x64\r\n";
    assert_eq!(ask(desk, "set display gc9a01-240x240").1, driven);
    assert_eq!(ask(desk, "set display sh1106-128x64").1, "ok\r\n");
    assert_eq!(ask(desk, "hello").1, "error: this is no command; type help\r\n");
    assert_eq!(desk.settings(), &Settings::parse("display=sh1106-128x64").unwrap());
}

#[test]
fn saving_is_answered_once_it_is_done() {
    let desk = &mut desk();
    tell(desk, "set ssid Home");
    tell(desk, "set server desk");
    assert_eq!(ask(desk, "save"), (Asked::Save, String::new()));
    assert!(!desk.is_set_up());
    let mut answer = Answer::new();
    desk.saved(Err("the flash is worn"), &mut answer);
    assert_eq!(answer, "error: the flash is worn\r\n");
    assert!(!desk.is_set_up() && ask(desk, "show").1.contains("unsaved=yes"));
    answer.clear();
    desk.saved(Ok::<_, &str>(()), &mut answer);
    assert_eq!(answer, "ok\r\n");
    assert!(desk.is_set_up() && ask(desk, "show").1.contains("unsaved=no"));
    tell(desk, "unset server");
    assert!(desk.is_set_up(), "it is saved still");
    assert_eq!(desk.settings().missing(true), Some(Missing::Server));
}

#[test]
fn what_is_forgotten_is_unset() {
    let desk = &mut Desk::new(BOARD, Settings::parse("ssid=Home server=desk").unwrap());
    assert_eq!(ask(desk, "forget"), (Asked::Forget, String::new()));
    let mut answer = Answer::new();
    desk.forgotten(Err("no"), &mut answer);
    assert!(desk.is_set_up());
    desk.forgotten(Ok::<_, &str>(()), &mut answer);
    assert_eq!(answer, "error: no\r\nok\r\n");
    assert_eq!((desk.settings(), desk.is_set_up()), (&Settings::new(), false));
}

#[test]
fn others_are_asked_for_what_only_they_can_do() {
    let desk = &mut desk();
    assert_eq!(ask(desk, "restart"), (Asked::Restart, "ok\r\n".into()));
    assert_eq!(ask(desk, "status"), (Asked::Status, String::new()));
    assert_eq!(ask(desk, "echo on"), (Asked::Nothing, "ok\r\n".into()));
    let mut answer = Answer::new();
    Desk::done(&mut answer);
    assert_eq!(answer, "ok\r\n");
}

#[test]
fn firmware_and_protocol_have_versions() {
    assert_eq!(ask(&mut desk(), "version").1, "version comfyglow 0.1.0 esp32c3\r\nprotocol 1\r\nok\r\n");
}

#[test]
fn help_names_all_settings_and_no_line_of_it_looks_like_an_answer() {
    let help = ask(&mut desk(), "help").1;
    let (ok, lines) =
        { help.lines().collect::<Vec<_>>() }.split_last().map(|(ok, lines)| (*ok, lines.to_vec())).unwrap();
    assert_eq!(ok, "ok");
    assert!(lines.iter().all(|line| matches!(Reply::parse(line), Reply::Text(_))), "{help}");
    assert!(Setting::ALL.into_iter().all(|setting| help.contains(setting.name())));
    assert!(lines.iter().all(|line| line.len() <= 80), "{help}");
}

#[test]
fn there_is_room_for_the_longest_answer() {
    let mut settings = Settings::new();
    for (setting, value) in Setting::ALL.into_iter().zip(["s".repeat(32), "p".repeat(63), "h".repeat(67)]) {
        settings.put(setting, &value).unwrap();
    }
    let desk = &mut Desk::new(Board { displays: &Display::ALL, ..BOARD }, settings);
    for line in ["show", "help", "version"] {
        assert!(ask(desk, line).1.ends_with("\r\nok\r\n"));
    }
}

#[test]
fn a_hint_belongs_to_no_answer() {
    assert!(matches!(Reply::parse(Desk::hint()), Reply::Hint(_)));
}
