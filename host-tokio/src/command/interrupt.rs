//! Ctrl-C, and being told to end.

use std::io;

use super::Exit;

/// The signal that ends a program at a system's or container's end.
pub(super) const TERM: u8 = 15;

/// Waits for the signals that end a program. One that comes while nobody waits is not lost.
pub(super) struct Interrupt {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Interrupt {
    /// From now on the signals end nothing by themselves.
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        }
        #[cfg(windows)]
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for a signal, and tells the exit that belongs to it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self) -> Exit {
        const INT: u8 = 2;
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Signal(INT),
            _ = self.terminate.recv() => Exit::Signal(TERM),
        }
        #[cfg(windows)]
        {
            self.interrupt.recv().await;
            Exit::Signal(INT)
        }
    }
}
