//! Ctrl-C, and being told to end.

use std::io;

use super::Exit;

/// Waits for the signals that end a program.
pub(super) struct Interrupt {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupt {
    /// From now on the signals end nothing by themselves.
    #[cfg_attr(not(unix), expect(clippy::unnecessary_wraps, reason = "it can fail on unix"))]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    /// Waits for a signal, and tells the exit that belongs to it.
    pub(super) async fn wait(&mut self) -> Exit {
        const INT: u8 = 2;
        const TERM: u8 = 15;
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => Exit::Signal(INT),
            _ = self.terminate.recv() => Exit::Signal(TERM),
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
            Exit::Signal(INT)
        }
    }
}
