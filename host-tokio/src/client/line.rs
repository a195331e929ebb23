//! One link of a session: dialled, written and read, decided nowhere.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use comfyglow_core::session::End;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::stream::{self, Dialer, Stream};

type Dialling = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

/// A link to the server.
pub(super) struct Line {
    place: Place,
    outgoing: Vec<u8>,
    /// How much of `outgoing` was written.
    written: usize,
}

enum Place {
    Closed,
    Dialling(Dialling),
    Open(Stream),
}

/// What happened on a line.
pub(super) enum Happened {
    Opened,
    /// Bytes were read.
    Read,
    Sent,
    Ended(End, Option<io::Error>),
}

impl Line {
    pub(super) fn new() -> Self {
        Self { place: Place::Closed, outgoing: Vec::new(), written: 0 }
    }

    pub(super) fn dial(&mut self, dialer: Dialer) {
        self.close();
        self.place = Place::Dialling(Box::pin(async move { dialer.dial().await }));
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(bytes);
        self.written = 0;
    }

    pub(super) fn close(&mut self) {
        self.place = Place::Closed;
        self.outgoing.clear();
        self.written = 0;
    }

    /// Waits for the next thing that happens; what is read is in `buffer` then, which is empty before. Nothing is lost
    /// when nobody waits any more.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Happened> {
        match &mut self.place {
            Place::Closed => Poll::Pending,
            Place::Dialling(dialling) => match ready!(dialling.as_mut().poll(context)) {
                Ok(stream) => {
                    self.place = Place::Open(stream);
                    Poll::Ready(Happened::Opened)
                }
                Err(error) => {
                    let end = if stream::is_untrusted(&error) { End::Untrusted } else { End::Unreachable };
                    Poll::Ready(self.ended(end, Some(error)))
                }
            },
            Place::Open(_) => self.poll_open(context, buffer),
        }
    }

    fn poll_open(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Happened> {
        let Place::Open(stream) = &mut self.place else { return Poll::Pending };
        while !self.outgoing.is_empty() {
            let is_written = self.written == self.outgoing.len();
            let mut stream = Pin::new(&mut *stream);
            // TLS keeps what it is given until it is flushed.
            let result = if is_written {
                stream.poll_flush(context).map_ok(|()| 0)
            } else {
                stream.as_mut().poll_write(context, &self.outgoing[self.written..])
            };
            match result {
                Poll::Ready(Ok(_)) if is_written => {
                    self.outgoing.clear();
                    self.written = 0;
                    return Poll::Ready(Happened::Sent);
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(self.broken(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(len)) => self.written += len,
                Poll::Ready(Err(error)) => return Poll::Ready(self.broken(error)),
                Poll::Pending => break,
            }
        }
        let read = ready!(Pin::new(stream).poll_read(context, buffer));
        Poll::Ready(match read {
            Ok(()) if !buffer.filled().is_empty() => Happened::Read,
            Ok(()) => self.ended(End::Eof, None),
            Err(error) => self.broken(error),
        })
    }

    fn broken(&mut self, error: io::Error) -> Happened {
        let end = match error.kind() {
            // A server that is killed, or leaves before it has read all that we sent, resets the connection.
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            // As TLS has it where the stream ends without a word.
            | io::ErrorKind::UnexpectedEof => End::Eof,
            _ => End::Broken,
        };
        self.ended(end, Some(error))
    }

    fn ended(&mut self, end: End, error: Option<io::Error>) -> Happened {
        self.close();
        Happened::Ended(end, error)
    }
}
