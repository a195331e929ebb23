//! What the hosts among the examples share: TCP connections of the standard library, and what they print.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    thread,
    time::Duration,
};

use comfyglow_core::{
    session::{End, Link},
    time,
    view::View,
};

/// How long a connection attempt or a write may block.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one link is read while the other waits. A thread reads one socket at a time, and the HTTP link is open for a
/// few milliseconds per request, so a user notices no delay. Waiting for both sockets at once takes `poll(2)` or a thread
/// for each.
const TURN: Duration = Duration::from_millis(50);

/// The open connections to a server.
pub(crate) struct Links<'s> {
    server: &'s str,
    /// The first one is read next.
    open: VecDeque<(Link, TcpStream)>,
    buffer: [u8; 4_096],
}

impl<'s> Links<'s> {
    pub(crate) const fn new(server: &'s str) -> Self {
        Self { server, open: VecDeque::new(), buffer: [0; 4_096] }
    }

    pub(crate) fn dial(&mut self, link: Link) -> Result<(), End> {
        let mut addresses = self.server.to_socket_addrs().map_err(|_| End::NameUnknown)?;
        let stream = addresses.find_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok());
        let stream = stream.ok_or(End::Unreachable)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(|_| End::Broken)?;
        self.open.push_back((link, stream));
        Ok(())
    }

    /// Sends `bytes` on `link`, which is dropped if that fails.
    pub(crate) fn send(&mut self, link: Link, bytes: &[u8]) -> Result<(), End> {
        let stream = self.open.iter_mut().find(|(open, _)| *open == link);
        if stream.is_some_and(|(_, stream)| stream.write_all(bytes).is_ok()) {
            return Ok(());
        }
        self.close(link);
        Err(End::Broken)
    }

    pub(crate) fn close(&mut self, link: Link) {
        self.open.retain(|(open, _)| *open != link);
    }

    /// Reads the link whose turn it is, for `rest` at most. Drops a link that ended.
    pub(crate) fn read(&mut self, rest: Option<time::Duration>) -> Option<(Link, Result<&[u8], End>)> {
        let rest = rest.map(|rest| Duration::from_micros(rest.as_micros()));
        let turn = if self.open.len() > 1 { Some(rest.unwrap_or(TURN).min(TURN)) } else { rest };
        let Some((link, mut stream)) = self.open.pop_front() else {
            // Without a link there is nothing to read: the session waits for its next attempt to connect.
            thread::sleep(rest.unwrap_or_default());
            return None;
        };
        // A timeout of zero is an error.
        let is_set = stream.set_read_timeout(turn.map(|turn| turn.max(Duration::from_millis(1))));
        match is_set.and_then(|()| stream.read(&mut self.buffer)).map_err(|error| error.kind()) {
            Ok(0) | Err(ErrorKind::ConnectionReset) => Some((link, Err(End::Eof))),
            Ok(len) => {
                self.open.push_back((link, stream));
                Some((link, Ok(&self.buffer[..len])))
            }
            Err(ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                self.open.push_back((link, stream));
                None
            }
            Err(_) => Some((link, Err(End::Broken))),
        }
    }
}

/// Prints what changed: the fault, or percentage, steps and time left.
pub(crate) fn show(view: &View<'_>, shown: &mut String) {
    let line = if let Some(fault) = view.connection.fault {
        format!("{}. {}", fault.message(), fault.advice())
    } else if let Some(prompt) = &view.prompt {
        let percentage = prompt.percentage.map_or("?".to_owned(), |share| (share.permille() / 10).to_string());
        let steps = prompt.steps.map_or(String::new(), |steps| format!(", step {} of {}", steps.value, steps.max));
        let left = prompt.eta.map_or(String::new(), |left| format!(", {} s left", left.nearest_millis() / 1_000));
        format!("{}: {percentage} %{steps}{left}", prompt.state.name())
    } else {
        view.connection.status.name().to_owned()
    };
    if *shown != line {
        println!("{line}");
        *shown = line;
    }
}
