//! A serial port, on threads of its own.

use std::{
    io::{self, Read as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serialport::SerialPort;
use tokio::{
    sync::mpsc,
    task,
    time::{self, Instant},
};

use super::BoardError;

/// Bits a second, where the line has such a thing; USB in the chip takes any.
pub const BAUD: u32 = 115_200;

/// How long a read waits before it looks whether anybody still listens, and a write for room.
const LOOK: Duration = Duration::from_millis(100);
/// Tries of a write that finds no room.
const WRITES: u32 = 20;

/// How often a port that has gone is looked for.
const REOPEN: Duration = Duration::from_millis(200);

/// Pieces that may wait to be taken.
const WAITING: usize = 64;

/// An open serial port, for this program alone. It is free again once [`close`](Self::close) has ended.
pub struct Wire {
    name: String,
    port: Arc<Mutex<Box<dyn SerialPort>>>,
    heard: mpsc::Receiver<Vec<u8>>,
    closing: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Wire {
    /// Opens the port `name`.
    ///
    /// # Errors
    ///
    /// It can't be opened, or is no serial port.
    pub async fn open(name: &str) -> Result<Self, BoardError> {
        let owned = name.to_owned();
        // A port may take its time.
        let opened = task::spawn_blocking(move || Self::open_now(&owned)).await;
        opened.unwrap_or_else(|error| Err(BoardError::Port { name: name.to_owned(), reason: error.to_string() }))
    }

    /// Waits until the port is there and may be opened, but no longer than `patience`.
    ///
    /// # Errors
    ///
    /// It isn't there in time, or can't be opened.
    pub async fn open_within(name: &str, patience: Duration) -> Result<Self, BoardError> {
        let deadline = Instant::now() + patience;
        loop {
            let error = match Self::open(name).await {
                Ok(wire) => return Ok(wire),
                // What the system does with a new port may take a moment until it lets others use it.
                Err(error) => error,
            };
            if Instant::now() >= deadline {
                return Err(match error {
                    BoardError::NoPort(name) => BoardError::Unplugged(name),
                    error => error,
                });
            }
            time::sleep(REOPEN).await;
        }
    }

    fn open_now(name: &str) -> Result<Self, BoardError> {
        let opening = |error: &serialport::Error| BoardError::opening(name, error);
        let port = serialport::new(name, BAUD).timeout(LOOK).open().map_err(|error| opening(&error))?;
        let mut ear = port.try_clone().map_err(|error| opening(&error))?;
        let (tell, heard) = mpsc::channel(WAITING);
        let closing = Arc::new(AtomicBool::new(false));
        let is_closing = closing.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 1_024];
            while !is_closing.load(Ordering::Relaxed) {
                match ear.read(&mut buffer) {
                    Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
                    // On Linux a port that has gone reads as its end.
                    Ok(0) | Err(_) => return,
                    Ok(len) => {
                        let Some(bytes) = buffer.get(..len) else { return };
                        if tell.blocking_send(bytes.to_vec()).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        let port = Arc::new(Mutex::new(port));
        Ok(Self { name: name.to_owned(), port, heard, closing, reader: Some(reader) })
    }

    /// What opened it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for bytes.
    ///
    /// # Errors
    ///
    /// The port has gone.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn hear(&mut self) -> Result<Vec<u8>, BoardError> {
        self.heard.recv().await.ok_or_else(|| BoardError::Unplugged(self.name.clone()))
    }

    /// What has come already.
    pub(super) fn heard_already(&mut self) -> Option<Vec<u8>> {
        self.heard.try_recv().ok()
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    ///
    /// The port has gone, or takes nothing for seconds.
    pub async fn say(&self, bytes: Vec<u8>) -> Result<(), BoardError> {
        let port = self.port.clone();
        let written = task::spawn_blocking(move || {
            let mut port = port.lock().unwrap_or_else(PoisonError::into_inner);
            write_all(&mut **port, &bytes)
        });
        match written.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(BoardError::Silent { name: self.name.clone(), talks: false })
            }
            Err(_) => Err(BoardError::Unplugged(self.name.clone())),
        }
    }

    /// Closes the port, and waits until others may open it.
    pub async fn close(mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // A reader that waits for room is let go.
        self.heard.close();
        if let Some(reader) = self.reader.take() {
            let _ = task::spawn_blocking(|| reader.join()).await;
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// Writes all of `bytes`: a board that is busy takes them by and by.
fn write_all(port: &mut dyn SerialPort, mut bytes: &[u8]) -> io::Result<()> {
    let mut tries = 0;
    while !bytes.is_empty() {
        match port.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => {
                bytes = bytes.get(len..).unwrap_or_default();
                tries = 0;
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut && tries < WRITES => tries += 1,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
