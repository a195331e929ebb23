//! An echo client of the core alone, over a plain socket.
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use comfyglow_core::event::MessageKind;
use comfyglow_core::wire::http::RequestHead;
use comfyglow_core::wire::websocket::{Handshake, Outgoing, Received, Receiver};

/// How the core is fed.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    /// What the socket gives at a time.
    AsTheyCome,
    /// One byte at a time.
    ByteByByte,
}

impl Reads {
    pub(super) const ALL: [Self; 2] = [Self::AsTheyCome, Self::ByteByByte];

    /// The client's name in the suite's report.
    pub(super) const fn agent(self) -> &'static str {
        match self {
            Self::AsTheyCome => "as-they-come",
            Self::ByteByByte => "byte-by-byte",
        }
    }

    /// What the core gets first of what the socket gave.
    fn first_piece(self, input: &[u8]) -> &[u8] {
        match self {
            Self::AsTheyCome => input,
            Self::ByteByByte => &input[..input.len().min(1)],
        }
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsTheyCome => "reads as they come",
            Self::ByteByByte => "byte by byte",
        })
    }
}

/// The server answers at once or never: even 16 MB take it a few seconds only.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs every case that the server at `address` has, and lets it write its report.
///
/// # Errors
/// The server can't be talked to. What goes wrong within a case is for its report.
pub(super) fn run_all(address: SocketAddr, reads: Reads) -> Result<()> {
    let mut count = None;
    Connection::open(address, "/getCaseCount", reads)?
        .listen(|text| count = str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok()))?;
    let count = count.context("Autobahn didn't say how many cases it has")?;
    ensure!(count > 0, "Autobahn has no such cases");
    for case in 1..=count {
        let target = format!("/runCase?case={case}&agent={}", reads.agent());
        let connection = Connection::open(address, &target, reads).with_context(|| {
            format!("case {case} of {count} can't be begun: does Autobahn have all that were asked for?")
        })?;
        if let Err(error) = connection.echo() {
            println!("case {case} of {count}: {error:#}");
        }
    }
    Connection::open(address, &format!("/updateReports?agent={}", reads.agent()), reads)?.listen(|_| {})
}

/// A connection after the handshake.
struct Connection {
    wire: Wire,
    receiver: Receiver,
    reads: Reads,
    /// What came right behind the handshake's answer.
    ahead: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, target: &str, reads: Reads) -> Result<Self> {
        let mut stream = TcpStream::connect(address).context("Autobahn can't be reached")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;

        let mut handshake = Handshake::new(entropy()?);
        let mut buffer = [0; 1024];
        let request = RequestHead { host: &address.to_string(), target: &[target], headers: &[] };
        let len = handshake.write_request(&request, &mut buffer)?;
        stream.write_all(&buffer[..len])?;
        loop {
            let len = stream.read(&mut buffer)?;
            ensure!(len > 0, "Autobahn closed during the handshake");
            let mut input = &buffer[..len];
            while !input.is_empty() {
                let mut piece = reads.first_piece(input);
                let first = piece.len();
                let open = handshake.feed(&mut piece)?;
                input = &input[first - piece.len()..];
                if open {
                    let wire = Wire { stream, frame: Vec::new() };
                    return Ok(Self { wire, receiver: Receiver::new(), reads, ahead: input.to_vec() });
                }
            }
        }
    }

    /// Sends every message back until the server closes.
    fn echo(self) -> Result<()> {
        self.run(|wire, kind, message| match kind {
            MessageKind::Text => {
                wire.send(Outgoing::Text(str::from_utf8(message).context("the core let pass text that isn't UTF-8")?))
            }
            MessageKind::Binary => wire.send(Outgoing::Binary(message)),
        })
    }

    /// Hands every message to `hear` until the server closes.
    fn listen(self, mut hear: impl FnMut(&[u8])) -> Result<()> {
        self.run(|_, _, message| {
            hear(message);
            Ok(())
        })
    }

    fn run(mut self, mut on_message: impl FnMut(&mut Wire, MessageKind, &[u8]) -> Result<()>) -> Result<()> {
        let mut message = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        let ahead = std::mem::take(&mut self.ahead);
        self.handle(&ahead, &mut message, &mut on_message)?;
        loop {
            match self.wire.stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(len) => self.handle(&buffer[..len], &mut message, &mut on_message)?,
                // The server may drop a connection that it has judged.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error).context("the socket failed"),
            }
        }
    }

    /// Handles all of `input`, of which nothing counts once the connection is finished.
    fn handle(
        &mut self,
        mut input: &[u8],
        message: &mut Vec<u8>,
        on_message: &mut impl FnMut(&mut Wire, MessageKind, &[u8]) -> Result<()>,
    ) -> Result<()> {
        while !input.is_empty() && !self.receiver.is_finished() {
            let mut piece = self.reads.first_piece(input);
            input = &input[piece.len()..];
            loop {
                match self.receiver.next(&mut piece) {
                    Ok(None) => break,
                    Ok(Some(Received::Data { kind, bytes, last, .. })) => {
                        message.extend_from_slice(bytes);
                        if last {
                            on_message(&mut self.wire, kind, message)?;
                            message.clear();
                        }
                    }
                    Ok(Some(Received::Ping(payload))) => self.wire.send(Outgoing::Pong(payload))?,
                    Ok(Some(Received::Pong(_))) => {}
                    Ok(Some(Received::Close { code, .. })) => self.wire.send(Outgoing::Close { code, reason: "" })?,
                    Err(error) => {
                        self.wire.send(Outgoing::Close { code: Some(error.close_code()), reason: "" })?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The way to the server.
struct Wire {
    stream: TcpStream,
    /// The frame being written.
    frame: Vec<u8>,
}

impl Wire {
    fn send(&mut self, outgoing: Outgoing<'_>) -> Result<()> {
        let payload = match outgoing {
            Outgoing::Text(text) => text.len(),
            Outgoing::Binary(bytes) | Outgoing::Ping(bytes) | Outgoing::Pong(bytes) => bytes.len(),
            Outgoing::Close { reason, .. } => reason.len() + 2,
        };
        self.frame.resize(payload + Outgoing::OVERHEAD, 0);
        let len = outgoing.write(entropy()?, &mut self.frame)?;
        self.stream.write_all(&self.frame[..len]).context("the socket failed")
    }
}

fn entropy<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    Ok(bytes)
}
