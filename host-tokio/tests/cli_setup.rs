//! `comfyglow setup` with a board behind a pseudo-terminal, which is the gadget's own side of the protocol.
#![cfg(all(unix, feature = "boards"))]

mod support;

use std::io::Write as _;

use comfyglow::simulator::Simulator;
use comfyglow_setup::{Asked, Settings};
use support::{
    Ran,
    board::{FakeBoard, Script},
    comfyglow, ended, run,
    seen::Seen,
};

/// A log's frame, torn ones, and what a ROM says, between and within the lines of an answer.
const NOISE: &[u8] = b"\xFF\0\x01\x02\x03\0I (12) boot: ESP-IDF\r\n\xFF\x80\x81\0\xFF\0\x04\xFF\0\x05\0# hello\r\n";

fn saved(words: &str) -> Settings {
    Settings::parse(words).expect("they are settings")
}

/// What `comfyglow setup` with `args` did with `board`.
fn set_up(board: &FakeBoard, args: &[&str]) -> Ran {
    let port = board.port();
    let all: Vec<&str> = ["setup", "--port", &port, "--json"].iter().chain(args).copied().collect();
    let output = comfyglow(&all).env("COMFYGLOW_WIFI_PASSWORD", "correct horse").output().expect("the command starts");
    Ran::of(output)
}

/// The results of a step, and its messages.
fn told(ran: &Ran, step: &str) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of = |line: &serde_json::Value| (text(&line["result"]), text(&line["message"]));
    ran.json().iter().filter(|line| line["step"] == step).map(of).collect()
}

fn ends(ran: &Ran, status: i32, step: &str, words: &str) {
    assert_eq!(ran.status, Some(status), "{ran:?}");
    let last = ran.last();
    assert_eq!(last["step"], step, "{ran:?}");
    assert!(last["message"].as_str().is_some_and(|message| message.contains(words)), "{ran:?}");
    assert_eq!(last["advice"].is_string(), status != 0, "{ran:?}");
    assert!(!format!("{ran:?}").contains("correct horse"), "{ran:?}");
}

/// A server whose name isn't one of this machine's own, though it leads here.
async fn server() -> (Simulator, String) {
    let simulator = Simulator::builder().start().await.expect("it starts");
    let server = simulator.url().replace("http://127.0.0.1", "127.1").trim_end_matches('/').to_owned();
    (simulator, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_board_is_set_up_and_followed_to_its_first_connection() {
    let (_simulator, server) = server().await;
    let board = FakeBoard::new(Script { noise: NOISE, reappears: true, ..Script::default() });
    let port = board.port();
    let given = format!("server=http://{server}/");
    let args = ["setup", "--port", &port, "--json", "ssid=Home, sweet home ", given.as_str(), "leds=08"];
    let child = comfyglow(&args).env("COMFYGLOW_WIFI_PASSWORD", "correct horse").spawn().expect("the command starts");
    let ran = ended(child).await;
    ends(&ran, 0, "result", "shows what its server does");
    let expected = board.saved();
    assert_eq!(
        (expected.ssid(), expected.password(), expected.server()),
        ("Home, sweet home ", "correct horse", &*server)
    );
    assert_eq!((expected.leds(), board.starts()), (8, 1));
    assert_eq!(told(&ran, "server"), [("ok".to_owned(), format!("ComfyUI answers at {server}, seen from here"))]);
    assert!(told(&ran, "board")[0].1.starts_with("comfyglow 0.1.0 on an esp32c3, at "), "{ran:?}");
    let network: Vec<_> = told(&ran, "network").into_iter().map(|(_, words)| words).collect();
    assert_eq!(network, ["joining", "up"]);
    assert!(told(&ran, "saved")[0].1.contains("password=(set)"), "{ran:?}");
}

#[test]
fn what_is_set_already_is_not_set_again() {
    let board = FakeBoard::new(Script { saved: saved("ssid=home server=127.1:1 brightness=60"), ..Script::default() });
    let port = board.port();
    let ran = run(&["setup", "--port", &port, "--json", "brightness=60", "--timeout", "1"]);
    ends(&ran, 4, "result", "the Wi-Fi password is wrong");
    assert_eq!(ran.last()["advice"], "Set the password again.");
    assert_eq!(board.starts(), 0, "there was no reason for a restart");
    let server = &told(&ran, "server")[0];
    assert!(server.0 == "better" && server.1.contains("nobody listens at port 1"), "{ran:?}");
}

#[test]
fn a_wrong_password_and_an_unknown_host_are_told_with_what_to_do() {
    for (network, connection, said, advice) in [
        ("offline: the Wi-Fi network was not found", "disconnected", "not found", "2.4 GHz"),
        ("up", "disconnected: the server's name can't be resolved", "can't be resolved", "IP address"),
        ("up", "disconnected: this server is not ComfyUI", "not ComfyUI", "comfyglow serial"),
        ("joining", "disconnected", "the network is not joined: it takes too long", "comfyglow serial"),
    ] {
        let status = move |_: &Settings, _| vec![format!("network={network}"), format!("connection={connection}")];
        let script = Script { saved: saved("ssid=home server=127.1:1"), status: Box::new(status), ..Script::default() };
        let board = FakeBoard::new(script);
        let ran = set_up(&board, &["--timeout", "1"]);
        ends(&ran, 4, "result", said);
        assert!(ran.last()["advice"].as_str().is_some_and(|words| words.contains(advice)), "{ran:?}");
    }
}

#[test]
fn what_is_missing_is_told_where_nobody_can_be_asked() {
    let board = FakeBoard::new(Script::default());
    ends(&set_up(&board, &[]), 2, "settings", "still needs ssid and server");
    ends(&set_up(&board, &["ssid=home"]), 2, "settings", "still needs server");
    ends(&set_up(&board, &["ssid=home", "server=localhost"]), 2, "server", "the board itself");
    assert_eq!(board.saved(), Settings::new(), "nothing is half set up");
}

#[test]
fn values_that_are_none_are_refused_before_the_board_is_asked() {
    for (args, said) in [
        (&["colour=red"][..], "there are the settings ssid"),
        (&["ssid"], "name=value"),
        (&["server=https://desk"], "https"),
        (&["brightness=101"], "0 to 100"),
        (&["--password-file", "no/such/file"], "no/such/file"),
    ] {
        let all: Vec<&str> = ["setup", "--port", "no-such-port", "--json"].iter().chain(args).copied().collect();
        ends(&run(&all), 2, "settings", said);
    }
}

#[test]
fn a_password_on_the_command_line_is_warned_about_and_never_shown() {
    let board = FakeBoard::new(Script { saved: saved("ssid=home server=127.1:1"), ..Script::default() });
    let port = board.port();
    let ran = run(&["setup", "--port", &port, "--json", "password=correct horse"]);
    ends(&ran, 0, "result", "shows");
    assert_eq!(told(&ran, "settings")[0], ("better".to_owned(), "the password is on the command line".to_owned()));
    assert_eq!(board.saved().password(), "correct horse");
    let ran = run(&["setup", "--port", &port, "--json", "password=short"]);
    ends(&ran, 2, "settings", "8 to 63 bytes");
    assert!(!format!("{:?}", ran.json()).contains("short"), "{ran:?}");
}

#[test]
fn a_password_may_come_from_a_file() {
    let board = FakeBoard::new(Script { saved: saved("ssid=home server=127.1:1"), ..Script::default() });
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"correct horse\r\n").expect("it is written");
    let (port, path) = (board.port(), file.path().to_str().expect("UTF-8"));
    ends(&run(&["setup", "--port", &port, "--json", "--password-file", path]), 0, "result", "shows");
    assert_eq!(board.saved().password(), "correct horse");
}

#[test]
fn what_only_the_board_refuses_is_told() {
    let board = FakeBoard::new(Script { saved: saved("ssid=home server=127.1:1"), ..Script::default() });
    ends(&set_up(&board, &["display=gc9a01-240x240"]), 6, "settings", "this firmware drives ssd1306-128x64");
    let script = Script { saved: saved("ssid=home server=127.1:1"), flash_is_broken: true, ..Script::default() };
    ends(&set_up(&FakeBoard::new(script), &["leds=3"]), 6, "saved", "the flash can't be written");
}

#[test]
fn a_board_that_restarts_amid_is_told_again() {
    let given = ["leds=3"];
    let script = Script { saved: saved("ssid=home server=127.1:1"), restarts_at_save: 1, ..Script::default() };
    let board = FakeBoard::new(script);
    ends(&set_up(&board, &given), 0, "result", "shows");
    assert_eq!((board.saved().leds(), board.starts()), (3, 2));
    let script = Script { saved: saved("ssid=home server=127.1:1"), restarts_at_save: 9, ..Script::default() };
    ends(&set_up(&FakeBoard::new(script), &given), 6, "saved", "doesn't keep what it is told");
}

#[test]
fn a_line_that_is_lost_is_said_again() {
    let script = Script { saved: saved("ssid=home server=127.1:1"), ignored: 2, ..Script::default() };
    ends(&set_up(&FakeBoard::new(script), &[]), 0, "result", "shows");
}

#[test]
fn a_board_that_does_not_answer_is_given_up() {
    for (only, said) in [(&b""[..], "nothing answers at"), (b"hello world\r\n", "doesn't answer as comfyglow does")] {
        let board = FakeBoard::new(Script { only: Some(only), ..Script::default() });
        ends(&set_up(&board, &[]), 6, "board", said);
    }
    let board = FakeBoard::new(Script { only: Some(b"protocol 9\r\nok\r\n"), ..Script::default() });
    ends(&set_up(&board, &[]), 6, "board", "protocol 9");
}

#[test]
fn a_board_that_is_pulled_out_amid_is_told() {
    let script = Script { saved: saved("ssid=home server=127.1:1"), pulled_at: Some(Asked::Save), ..Script::default() };
    ends(&set_up(&FakeBoard::new(script), &["leds=3"]), 6, "saved", "is gone");
    let script =
        Script { saved: saved("ssid=home server=127.1:1"), pulled_at: Some(Asked::Status), ..Script::default() };
    ends(&set_up(&FakeBoard::new(script), &[]), 6, "board", "is gone");
}

#[test]
fn ports_that_cannot_be_opened_are_told() {
    ends(&run(&["setup", "--port", "/dev/no-such-port", "--json"]), 2, "board", "there is no port /dev/no-such-port");
    let board = FakeBoard::new(Script::default());
    let port = board.port();
    let mut other = comfyglow(&["serial", "--port", &port, "--json"]).spawn().expect("the command starts");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(other.stdout.take().expect("it is piped"));
    std::io::BufRead::read_line(&mut out, &mut line).expect("it says that it listens");
    ends(&set_up(&board, &[]), 6, "board", "another program has the port");
    other.kill().expect("it ends");
    other.wait().expect("it ends");
}

#[test]
fn a_person_is_asked_for_what_is_missing() {
    let board = FakeBoard::new(Script::default());
    let state = tempfile::tempdir().expect("a folder");
    let home = state.path().to_str().expect("UTF-8");
    let port = board.port();
    let mut seen = Seen::new(100, &["setup", "--port", &port], &[("XDG_STATE_HOME", home), ("HOME", home)]);
    let mut answer = |question: &str, answer: &str| {
        seen.until(question, |screen| screen.contents().contains(question));
        seen.keys.write_all(answer.as_bytes()).expect("it is typed");
    };
    answer("Wi-Fi network", "Home\r");
    answer("Wi-Fi password", "short\r");
    answer("8 to 63 bytes", "correct horsf\x7Fe\r");
    answer("ComfyUI server", "127.0.0.1\r");
    answer("the board itself", "127.1:1\r");
    answer("Take it all the same", "y\r");
    assert_eq!(seen.end(), 0, "{}", seen.text());
    assert!(seen.text().contains("✔ result     The display shows what its server does."), "{}", seen.text());
    assert!(!String::from_utf8_lossy(&seen.bytes).contains("horse"), "a password is never shown");
    let saved = board.saved();
    assert_eq!((saved.ssid(), saved.password(), saved.server()), ("Home", "correct horse", "127.1:1"));
}

#[test]
fn control_c_leaves_and_the_terminal_is_as_it_was() {
    for at in ["Wi-Fi network", "Wi-Fi password"] {
        let board = FakeBoard::new(Script::default());
        let port = board.port();
        let mut seen = Seen::new(100, &["setup", "--port", &port], &[]);
        seen.until("a question", |screen| screen.contents().contains("Wi-Fi network"));
        if at == "Wi-Fi password" {
            seen.keys.write_all(b"Home\r").expect("it is typed");
            seen.until("a question", |screen| screen.contents().contains(at));
        }
        seen.keys.write_all(b"\x03").expect("it is typed");
        assert_eq!(seen.end(), 130);
        assert_eq!(board.saved(), Settings::new());
    }
}

#[test]
fn what_is_set_may_be_left_as_it_is() {
    let mut kept = saved("ssid=home server=127.1:1");
    kept.set("password", "correct horse").expect("it is one");
    let board = FakeBoard::new(Script { saved: kept.clone(), ..Script::default() });
    let state = tempfile::tempdir().expect("a folder");
    let home = state.path().to_str().expect("UTF-8");
    let port = board.port();
    let mut seen = Seen::new(100, &["setup", "--port", &port], &[("XDG_STATE_HOME", home), ("HOME", home)]);
    for question in ["[home]", "leaves it as it is", "[127.1:1]", "Take it all the same"] {
        seen.until(question, |screen| screen.contents().contains(question));
        let answer: &[u8] = if question.starts_with("Take") { b"y\r" } else { b"\r" };
        seen.keys.write_all(answer).expect("it is typed");
    }
    assert_eq!(seen.end(), 0, "{}", seen.text());
    assert_eq!((board.saved(), board.starts()), (kept, 0));
}
