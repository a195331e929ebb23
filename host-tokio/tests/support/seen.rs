//! The command in a terminal, as it is seen.

use std::{
    io::{Read as _, Write},
    num::NonZero,
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::PATIENCE;

/// The command in a terminal.
pub(crate) struct Seen {
    pub(crate) screen: vt100::Parser,
    pub(crate) bytes: Vec<u8>,
    output: Receiver<Vec<u8>>,
    pub(crate) keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Seen {
    pub(crate) fn new(columns: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
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

    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut wanted: impl FnMut(&vt100::Screen) -> bool) {
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
    pub(crate) fn end(&mut self) -> u32 {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.take(&bytes);
        }
        self.child.wait().expect("it ends").exit_code()
    }
}
