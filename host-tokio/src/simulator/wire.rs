//! A connection's bytes on their way out, and what becomes of them.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What no peer can read: neither HTTP nor a frame, for all of its reserved bits are set.
pub(super) const GARBAGE: &[u8] = b"\xff\xfe\xfd no answer, nor a frame \x00\x01\x02\r\n\r\n";

// 0 is a connection that is well.
const MUTE: u8 = 1;
const RESET: u8 = 2;
const DRIP: u8 = 3;
const GARBLED: u8 = 4;
const ENDED: u8 = 5;

/// What is wrong with a connection, for whoever decides that.
#[derive(Clone, Debug, Default)]
pub(super) struct Ailment(Arc<AtomicU8>);

impl Ailment {
    /// From now on all that is sent is lost, and nobody is told.
    pub(super) fn mute(&self) {
        self.set(MUTE);
    }

    /// The next that is sent resets the connection.
    pub(super) fn reset(&self) {
        self.set(RESET);
    }

    /// The next that is sent ends the connection.
    pub(super) fn end(&self) {
        self.set(ENDED);
    }

    /// From now on each byte is sent alone.
    pub(super) fn drip(&self) {
        self.set(DRIP);
    }

    /// [`GARBAGE`] is sent in place of what comes next, and then nothing more.
    pub(super) fn garble(&self) {
        self.set(GARBLED);
    }

    fn set(&self, what: u8) {
        self.0.store(what, Ordering::Relaxed);
    }
}

/// A connection that may have an [`Ailment`].
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    ailment: Ailment,
    /// Others had their turn since the last byte that went out alone.
    has_waited: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, ailment: Ailment::default(), has_waited: false }
    }

    pub(super) fn ailment(&self) -> Ailment {
        self.ailment.clone()
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.ailment.0.load(Ordering::Relaxed) {
            MUTE => Poll::Ready(Ok(bytes.len())),
            RESET => {
                // Dropped with this, the connection is reset rather than ended.
                let set = self.stream.set_zero_linger();
                Poll::Ready(set.and(Err(io::ErrorKind::ConnectionReset.into())))
            }
            ENDED => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            DRIP => {
                self.has_waited = !self.has_waited;
                if self.has_waited {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.stream().poll_write(context, bytes.get(..1).unwrap_or_default())
            }
            GARBLED => self.as_mut().stream().poll_write(context, GARBAGE).map_ok(|_| {
                self.ailment.mute();
                bytes.len()
            }),
            _ => self.stream().poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ailment.0.load(Ordering::Relaxed) == RESET {
            // An end in good order would come before the reset.
            return Poll::Ready(Ok(()));
        }
        self.stream().poll_shutdown(context)
    }
}
