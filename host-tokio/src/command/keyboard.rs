//! What a person types.

use std::{
    io::{self, IsTerminal as _, Read as _},
    thread,
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use tokio::sync::mpsc;

/// Bytes of a line at most: what is typed beyond is left out.
const LINE_BYTES: usize = 1_024;

/// What a person types, read on a thread of its own, as long as anybody wants it.
pub(super) struct Keyboard {
    typed: mpsc::Receiver<Vec<u8>>,
    held: Vec<u8>,
}

/// What came of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line, without its end.
    Line(String),
    /// There is nothing more to come.
    End,
    /// The person wants to leave.
    Leave,
}

impl Keyboard {
    /// Whether a person can be asked.
    pub(super) fn is_there() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// From now on what is typed is ours.
    pub(super) fn new() -> Self {
        let (tell, typed) = mpsc::channel(16);
        // It ends with the program, at the latest: nobody can wake it.
        thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(len @ 1..) = io::stdin().lock().read(&mut buffer) {
                let Some(bytes) = buffer.get(..len) else { return };
                if tell.blocking_send(bytes.to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { typed, held: Vec::new() }
    }

    /// Waits for a line, which the terminal shows as it is typed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn line(&mut self) -> Typed {
        loop {
            if let Some(end) = self.held.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return Typed::Line(text(&line));
            }
            match self.typed.recv().await {
                Some(bytes) => self.held.extend(bytes),
                None if self.held.is_empty() => return Typed::End,
                None => return Typed::Line(text(&std::mem::take(&mut self.held))),
            }
            self.held.truncate(LINE_BYTES);
        }
    }

    /// Waits for a line that isn't shown. The terminal is as it was when the future ends or is dropped.
    pub(super) async fn secret(&mut self) -> io::Result<Typed> {
        let _raw = Raw::new()?;
        let mut secret = Vec::new();
        loop {
            let byte = if self.held.is_empty() {
                match self.typed.recv().await {
                    Some(bytes) => {
                        self.held = bytes;
                        continue;
                    }
                    None => return Ok(Typed::End),
                }
            } else {
                self.held.remove(0)
            };
            match byte {
                b'\r' | b'\n' => return Ok(Typed::Line(text(&secret))),
                // In this mode control-C is a key.
                0x03 => return Ok(Typed::Leave),
                0x04 if secret.is_empty() => return Ok(Typed::End),
                0x15 => secret.clear(),
                0x08 | 0x7F => {
                    // The bytes of a character behind its first.
                    while secret.pop().is_some_and(|byte| matches!(byte, 0x80..0xC0)) {}
                }
                _ if secret.len() < LINE_BYTES => secret.push(byte),
                _ => {}
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned()
}

/// A terminal that shows nothing of what is typed.
struct Raw;

impl Raw {
    fn new() -> io::Result<Self> {
        enable_raw_mode().map(|()| Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}
