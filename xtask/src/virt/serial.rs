//! The board's serial line, as a person's terminal has it: text both ways, defmt's frames between.
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use comfyglow_setup::Reply;
use defmt_decoder::Table;

/// Linux's `O_NONBLOCK | O_NOCTTY`: reading takes what is there, and it is no terminal of this program's.
const FLAGS: i32 = 0o4000 | 0o400;

/// The line, and what came over it.
pub(super) struct Serial {
    line: File,
    table: Table,
    pending: Vec<u8>,
    /// Lines of answers that were not taken yet.
    answers: Vec<String>,
    /// All that was logged.
    pub(super) logs: Vec<String>,
}

impl Serial {
    /// At the terminal `path`.
    ///
    /// # Errors
    /// It can't be opened.
    pub(super) fn open(path: &Path, table: Table) -> Result<Self> {
        let line = OpenOptions::new().read(true).write(true).custom_flags(FLAGS).open(path);
        let line = line.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { line, table, pending: Vec::new(), answers: Vec::new(), logs: Vec::new() })
    }

    /// Sends a line.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        write!(self.line, "{line}\r\n").context("the serial line is gone")
    }

    /// The next answer, if all of it has come.
    pub(super) fn answer(&mut self) -> Option<Vec<String>> {
        let end = self.answers.iter().position(|line| Reply::parse(line).is_last())?;
        Some(self.answers.drain(..=end).collect())
    }

    /// Takes in what has come.
    ///
    /// # Errors
    /// The line is gone.
    pub(super) fn listen(&mut self) -> Result<()> {
        let mut bytes = [0; 4_096];
        loop {
            match self.line.read(&mut bytes) {
                Ok(0) => break,
                Ok(some) => self.pending.extend(&bytes[..some]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("the serial line is gone"),
            }
        }
        while self.next() {}
        Ok(())
    }

    /// Takes the next line or frame, if it is whole.
    fn next(&mut self) -> bool {
        let frame = self.pending.first() == Some(&0xFF);
        let end = if frame {
            // Behind its mark, FF 00.
            self.pending.iter().skip(2).position(|byte| *byte == 0).map(|len| len + 2)
        } else {
            self.pending.iter().position(|byte| matches!(byte, b'\n' | 0 | 0xFF))
        };
        let Some(end) = end else { return false };
        let rest = self.pending.split_off(if !frame && self.pending[end] == 0xFF { end } else { end + 1 });
        let taken = std::mem::replace(&mut self.pending, rest);
        if frame {
            let mut decoder = self.table.new_stream_decoder();
            decoder.received(&taken[2..]);
            if let Ok(frame) = decoder.decode() {
                let line = frame.display(false).to_string();
                println!("  {line}");
                self.logs.push(line);
            }
        } else {
            let line = String::from_utf8_lossy(&taken[..end]).trim().to_owned();
            if !line.is_empty() && !matches!(Reply::parse(&line), Reply::Hint(_)) {
                println!("  > {line}");
                self.answers.push(line);
            }
        }
        true
    }
}
