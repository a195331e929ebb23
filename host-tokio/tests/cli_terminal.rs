//! The live display in a terminal, as it is seen.
#![cfg(unix)]

use std::{
    io::{Read as _, Write},
    num::NonZero,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const PATIENCE: Duration = Duration::from_mins(1);

/// The command in a terminal.
struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Seen {
    fn new(columns: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        // The terminal's own echo of a key may come amid what the command writes, and spoil a sequence of it.
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "stty -echo; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_comfyglow")]);
        command.args(args);
        for name in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "LC_ALL", "LC_CTYPE"] {
            command.env_remove(name);
        }
        let usual = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")];
        for (name, value) in usual.iter().chain(env) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the command starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let (send, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose program has ended is an error on Linux.
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        let (rows, columns) = (NonZero::new(24), NonZero::new(columns));
        Self {
            screen: vt100::Parser::new(rows.expect("not 0"), columns.expect("not 0"), 0),
            bytes: Vec::new(),
            output,
            keys: pair.master.take_writer().expect("the terminal can be written"),
            child,
            _terminal: pair.master,
        }
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    fn until(&mut self, what: &str, mut wanted: impl FnMut(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self.screen.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!("{what}: {error}; the screen shows:\n{}", self.text()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.bytes.extend_from_slice(bytes);
    }

    /// Waits for the end, and returns the exit status.
    fn end(&mut self) -> u32 {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.take(&bytes);
        }
        self.child.wait().expect("it ends").exit_code()
    }
}

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
