//! `comfyglow serial` with a board behind a pseudo-terminal.
#![cfg(all(unix, feature = "boards"))]

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Stdio},
};

use serde_json::{Value, json};
use support::{
    board::{FakeBoard, Script},
    comfyglow, elf,
};

const TEXTS: [(&str, &str); 3] = [("info", "hello {=u8}"), ("error", "all is lost"), ("warn", "slow")];

struct Serial {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Serial {
    fn new(board: &FakeBoard, args: &[&str]) -> Self {
        let port = board.port();
        let all: Vec<&str> = ["serial", "--port", &port].iter().chain(args).copied().collect();
        let mut child = comfyglow(&all).stdin(Stdio::piped()).spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it says something");
        line.trim_end().to_owned()
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("it is JSON")
    }

    fn kill(mut self) {
        self.child.kill().expect("it ends");
        self.child.wait().expect("it ends");
    }
}

fn image() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&elf::logging(&TEXTS)).expect("it is written");
    file
}

#[test]
fn text_passes_the_log_is_read_and_rubbish_is_counted() {
    let board = FakeBoard::new(Script::default());
    let image = image();
    let mut serial = Serial::new(&board, &["--elf", image.path().to_str().expect("UTF-8")]);
    assert!(serial.line().starts_with("-- listening to "));
    let bytes = [
        b"plain \x1b[31mtext\r\n".to_vec(),
        elf::frame(&[1, 0, 12, 7]),
        b"\xFF\0torn".to_vec(),
        elf::frame(&[2, 0, 13]),
        elf::frame(&[99, 0, 13]),
        b"end\n".to_vec(),
    ];
    board.say(&bytes.concat());
    assert_eq!(serial.line(), "plain text");
    assert_eq!(serial.line(), "0.012 info  hello 7");
    assert_eq!(serial.line(), "0.013 error all is lost");
    assert!(serial.line().contains("a log frame can't be read"));
    assert_eq!(serial.line(), "end");
    serial.kill();
}

#[test]
fn what_is_typed_is_sent_and_a_board_that_is_unplugged_is_waited_for() {
    let board = FakeBoard::new(Script::default());
    let mut serial = Serial::new(&board, &["--json"]);
    assert_eq!(serial.json()["event"], "open");
    let mut keys = serial.child.stdin.take().expect("it is piped");
    keys.write_all(b"version\n").expect("it is typed");
    board.heard("version");
    assert_eq!(serial.json(), json!({"text": "version comfyglow 0.1.0 esp32c3"}));
    assert_eq!(serial.json(), json!({"text": "protocol 1"}));
    assert_eq!(serial.json(), json!({"text": "ok"}));
    board.unplug();
    assert_eq!(serial.json()["event"], "gone");
    board.plug();
    assert_eq!(serial.json()["event"], "open");
    board.say(&[&elf::frame(&[1, 0, 12, 7])[..], b"again\n"].concat());
    assert_eq!(serial.json()["event"], "log", "frames can't be read without the image");
    assert_eq!(serial.json(), json!({"text": "again"}));
    serial.kill();
}

#[test]
fn levels_are_told_to_programs() {
    let board = FakeBoard::new(Script::default());
    let image = image();
    let mut serial = Serial::new(&board, &["--json", "--elf", image.path().to_str().expect("UTF-8")]);
    assert_eq!(serial.json()["event"], "open");
    board.say(&elf::frame(&[3, 0, 250]));
    let line = json!({"level": "warn", "time": "0.250", "message": "slow", "place": null});
    assert_eq!(serial.json(), line);
    serial.kill();
}
