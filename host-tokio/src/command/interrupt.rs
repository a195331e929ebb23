//! Ctrl-C, and being told to end.

use std::io;

use tokio::sync::watch;

use super::Exit;

/// The signal that ends a program at a system's or container's end.
pub(super) const TERM: u8 = 15;

/// Waits for what ends a program, or a part of it. What comes while nobody waits is not lost.
pub(super) enum Interrupt {
    /// The signals that end a program.
    #[cfg(unix)]
    Signals { interrupt: tokio::signal::unix::Signal, terminate: tokio::signal::unix::Signal },
    /// Ctrl-C.
    #[cfg(windows)]
    Signals { interrupt: tokio::signal::windows::CtrlC },
    /// Whoever watches several servers tells each watch of it.
    Told(watch::Receiver<Option<Exit>>),
}

impl Interrupt {
    /// From now on the signals end nothing by themselves.
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            Ok(Self::Signals { interrupt, terminate })
        }
        #[cfg(windows)]
        Ok(Self::Signals { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for a signal, and tells the exit that belongs to it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self) -> Exit {
        const INT: u8 = 2;
        match self {
            #[cfg(unix)]
            Self::Signals { interrupt, terminate } => tokio::select! {
                _ = interrupt.recv() => Exit::Signal(INT),
                _ = terminate.recv() => Exit::Signal(TERM),
            },
            #[cfg(windows)]
            Self::Signals { interrupt } => {
                interrupt.recv().await;
                Exit::Signal(INT)
            }
            Self::Told(told) => {
                while told.changed().await.is_ok() {
                    if let Some(exit) = *told.borrow_and_update() {
                        return exit;
                    }
                }
                // Nobody is left who could tell.
                std::future::pending().await
            }
        }
    }
}
