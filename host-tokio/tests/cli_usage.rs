//! The command's words and exit statuses where no server is needed.
mod support;

use std::io::Write as _;

use support::{Ran, comfyglow, run};

fn fails_with_usage(ran: &Ran, said: &[&str]) {
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert!(said.iter().all(|said| ran.stderr.contains(said)), "{ran:?}");
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().prefix("recording").suffix(".jsonl").tempfile().expect("a file");
    file.write_all(text.as_bytes()).expect("it is written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("the path is UTF-8")
}

fn name(file: &tempfile::NamedTempFile) -> &str {
    file.path().file_name().and_then(|name| name.to_str()).expect("the name is UTF-8")
}

const RECORDING: &str = r#"{"t_ms": 0.0, "conn": 0, "dir": "open", "kind": "handshake", "path": "/ws", "request": "GET /ws HTTP/1.1\r\n\r\n", "response": "HTTP/1.1 101 Switching Protocols\r\n\r\n"}
{"t_ms": 10.0, "conn": 0, "dir": "rx", "kind": "text", "text": "{\"type\": \"execution_start\", \"data\": {\"prompt_id\": \"p\", \"timestamp\": 1}}"}
{"t_ms": 1260.0, "conn": 0, "dir": "rx", "kind": "text", "text": "{\"type\": \"execution_success\", \"data\": {\"prompt_id\": \"p\", \"timestamp\": 2}}"}
"#;

#[test]
fn help_shows_how_it_is_used() {
    for (args, shown) in [
        (&["--help"][..], &["comfyglow demo", "comfyglow watch --once", "Exit statuses", "5  the prompt ended"][..]),
        (
            &["watch", "--help"],
            &["[default: http://127.0.0.1:8188]", "--client-id <ID>", "--history <FILE>", "Examples"],
        ),
        (&["demo", "--help"], &["--fail", "--speed <X>", "no ComfyUI needed"]),
        (
            &["simulate", "--help"],
            &["--listen <ADDR>", "127.0.0.1:8188", "--trace <FILE>", "--conn <N>", "status:CODE[/SECONDS]"],
        ),
        (&["replay", "--help"], &["<FILE>", "--rows <N>", "--pieces <BYTES>", "--json"]),
        #[cfg(feature = "boards")]
        (&["flash", "--help"], &["--dry-run", "--chip <CHIP>", "--image <FILE>", "COMFYGLOW_WIFI_PASSWORD"]),
        #[cfg(feature = "boards")]
        (&["setup", "--help"], &["--port <PORT>", "--password-file <FILE>", "[NAME=VALUE]", "Exit statuses"]),
        #[cfg(feature = "boards")]
        (&["serial", "--help"], &["--elf <FILE>", "--json", "a line of the board"]),
    ] {
        let ran = run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(shown.iter().all(|shown| ran.stdout.contains(shown)), "{args:?}: {}", ran.stdout);
    }
}

#[test]
fn wrong_usage_is_2() {
    fails_with_usage(&run(&[]), &["Usage"]);
    fails_with_usage(&run(&["watch", "--nonsense"]), &["--nonsense"]);
    fails_with_usage(&run(&["watch", "ftp://host"]), &["ftp is none of ComfyUI's protocols"]);
    fails_with_usage(&run(&["watch", "http://host:99999"]), &["invalid port number", "http://host:8188"]);
    fails_with_usage(&run(&["demo", "--speed", "0"]), &["more than 0"]);
    fails_with_usage(&run(&["replay", "x", "--pieces", "0"]), &["--pieces"]);
}

#[test]
fn no_error_shows_a_password() {
    for url in
        ["http://ann:secret@host:99999", "https://ann:secret@host", "http://ann:secret@127.0.0.1:1/?token=secret"]
    {
        let ran = run(&["-v", "watch", "--once", "--attempts", "1", url]);
        assert!(!format!("{ran:?}").contains("secret"), "{ran:?}");
    }
}

#[test]
fn what_happens_is_told_without_colours_into_a_pipe() {
    let ran = run(&["-v", "watch", "127.0.0.1:1", "--attempts", "1"]);
    assert!(ran.stderr.contains("dialling") && !ran.stderr.contains('\x1b'), "{ran:?}");
}

#[test]
fn a_history_that_cant_be_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("the path is UTF-8");
    fails_with_usage(&run(&["watch", "127.0.0.1:1", "--history", folder]), &[folder, "can't be written"]);
}

#[test]
fn replay_tells_people() {
    let file = file(RECORDING);
    let ran = run(&["replay", path(&file)]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout, "✔ p · 1.2 s\n  2 text and 0 binary messages, 0 malformed, 0 unknown; still connected\n");
}

#[test]
fn replay_tells_programs() {
    let file = file(RECORDING);
    for pieces in ["1", "7", "1460"] {
        let ran = run(&["replay", path(&file), "--json", "--pieces", pieces]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(ran.last()["prompt"]["state"], "success");
        assert_eq!(ran.last()["prompt"]["elapsed_ms"], 1_250);
    }
    let cut = run(&["replay", path(&file), "--json", "--rows", "2"]);
    assert_eq!(cut.last()["prompt"]["state"], "running");
}

#[test]
fn replay_names_file_line_and_reason() {
    fails_with_usage(&run(&["replay", "no/such/file.jsonl"]), &["no/such/file.jsonl", "No such file"]);
    let broken = file(&format!("{RECORDING}{{\"t_ms\": \n"));
    fails_with_usage(&run(&["replay", path(&broken)]), &[name(&broken), "line 4", "JSON"]);
    let whole = file(RECORDING);
    fails_with_usage(&run(&["replay", path(&whole), "--conn", "7"]), &[name(&whole), "no connection 7", "it has: 0"]);
    fails_with_usage(
        &run(&["simulate", "--listen", "127.0.0.1:0", "--trace", path(&whole), "--conn", "7"]),
        &[name(&whole), "no connection 7"],
    );
}

#[test]
fn an_address_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    fails_with_usage(&run(&["simulate", "--listen", &address]), &[&address, "--listen"]);
}

#[test]
fn a_reader_who_leaves_before_the_demos_end_is_no_error_but_no_success() {
    let mut child = comfyglow(&["demo", "--json", "--speed", "50"]).spawn().expect("the command starts");
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(141), ""));
}
