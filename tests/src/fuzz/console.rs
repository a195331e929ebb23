//! Bytes of a serial line, to a gadget that is set up by it.

use comfyglow_setup::{Answer, Asked, Board, Console, Desk, Display, RECORD_BYTES, Reply, Settings};

const BOARD: Board = Board { version: "0.1.0", chip: "test", radio: true, displays: &Display::ALL };

/// Whatever comes, each line is answered once, what is set can be saved and read again, the next command is understood; and
/// two gadgets that differ by the saved password only say the same.
///
/// # Panics
///
/// Where that doesn't hold.
pub fn console(data: &[u8]) {
    let said = ["saved one", "saved two"].map(|password| {
        let mut saved = Settings::new();
        saved.set("password", password).expect("it is long enough");
        let (mut console, mut desk) = (Console::new(), Desk::new(BOARD, saved));
        let said = hear(&mut console, &mut desk, data);
        let mut record = [0; RECORD_BYTES];
        let record = desk.settings().write(&mut record).expect("there is room");
        assert_eq!(Settings::read(record).as_ref(), Ok(desk.settings()), "what is set can be saved");
        let version = hear(&mut console, &mut desk, b"\x03echo off\rversion\r");
        assert!(version.ends_with(b"version comfyglow 0.1.0 test\r\nprotocol 1\r\nok\r\n"), "the next is understood");
        said
    });
    assert_eq!(said[0], said[1], "no secret comes back");
}

fn hear(console: &mut Console, desk: &mut Desk, bytes: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    for byte in bytes {
        let heard = console.hear(*byte);
        said.extend(heard.echo);
        let Some(line) = heard.line else { continue };
        let mut answer = Answer::new();
        match desk.answer(line, &mut answer) {
            Asked::Nothing | Asked::Restart => {}
            Asked::Save => desk.saved(Ok::<_, &str>(()), &mut answer),
            Asked::Forget => desk.forgotten(Ok::<_, &str>(()), &mut answer),
            Asked::Status => Desk::done(&mut answer),
        }
        let ends = answer.lines().map(Reply::parse).filter(Reply::is_last).count();
        assert!(ends == 1 && answer.ends_with("\r\n"), "{answer}");
        said.extend(answer.as_bytes());
    }
    said
}

/// What people and hosts send.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        "help\rversion\rshow\rstatus\r",
        "\x03set ssid \" My home\"\r\nset password p\u{e4}ss w\u{f6}rd\r\nset server http://desk:8188/\r\nsave\r\nrestart\r\n",
        "echo on\nset passwrod\x08\x08\x08ord hunter22\nshow\nset display gc9a01-240x240\nset layout round\n",
        "unset password\rset leds 144\rset leds-brightness 101\rset name lamp-2\rforget\rshow\r",
    ];
    let mut seeds: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    seeds.push([&[b'x'; 200][..], b"\r\xff\x00\x1b[A\rshow\r"].concat());
    seeds
}
