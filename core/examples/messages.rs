//! Follows a server with a WebSocket and HTTP of the host's own: the session receives whole messages and responses.
//!
//! The WebSocket is the crate `embedded-websocket`, on blocking sockets of the standard library. It takes more lines than
//! `blocking.rs`, which leaves the protocols to the core: this codec needs its input prepared (`messages/host.rs`). A host
//! whose platform speaks WebSocket well, such as a browser, has only to match the outputs. Start ComfyUI, or
//! `comfyglow simulate`, then:
//!
//! ```sh
//! cargo run -p comfyglow-core --example messages -- 127.0.0.1:8188
//! ```

#[path = "messages/host.rs"]
mod host;

use std::{
    collections::VecDeque,
    env,
    io::{ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    process::ExitCode,
    thread,
    time::{Duration, Instant as Clock},
};

use comfyglow_core::{
    session::{Config, End, Link},
    time::Instant,
    view::View,
};
use host::{MessageHost, Step};

/// How long a connection attempt or a write may block.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one link is read while the other waits, see `blocking.rs`.
const TURN: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let server = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8188".to_owned());
    let mut host = MessageHost::new(Config::new(&server));
    let start = Clock::now();
    let now = || Instant::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    // The open links. The first one is read next.
    let mut links: VecDeque<(Link, TcpStream)> = VecDeque::new();
    let (mut buffer, mut shown) = ([0; 4_096], String::new());
    while !host.session.is_over() {
        match host.poll(now()) {
            Step::Open(link, request) => match dial(&server, &request) {
                Ok(stream) => links.push_back((link, stream)),
                Err(end) => host.closed(now(), link, end),
            },
            Step::Send(bytes) => {
                let socket = links.iter_mut().find(|(link, _)| *link == Link::Socket);
                if socket.is_some_and(|(_, stream)| stream.write_all(&bytes).is_err()) {
                    links.retain(|(link, _)| *link != Link::Socket);
                    host.closed(now(), Link::Socket, End::Broken);
                }
            }
            Step::Close(link) => links.retain(|(open, _)| *open != link),
            Step::Changed => show(&host.session.view(now()), &mut shown),
            Step::Sleep(until) => {
                let rest = until.map(|until| Duration::from_micros(until.saturating_since(now()).as_micros()));
                match wait(&mut links, rest, &mut buffer) {
                    Some((Link::Socket, Ok(bytes))) => host.socket_bytes(now(), bytes),
                    Some((Link::Http, Ok(bytes))) => host.http_bytes(now(), bytes),
                    Some((link, Err(end))) => host.closed(now(), link, end),
                    None => host.wake(now()),
                }
            }
        }
    }
    if host.session.view(now()).connection.fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn dial(server: &str, request: &[u8]) -> Result<TcpStream, End> {
    let mut addresses = server.to_socket_addrs().map_err(|_| End::NameUnknown)?;
    let stream = addresses.find_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok());
    let mut stream = stream.ok_or(End::Unreachable)?;
    let is_sent = stream.set_write_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request));
    is_sent.map(|()| stream).map_err(|_| End::Broken)
}

/// Reads the link whose turn it is, until the deadline at the latest. Drops a link that ended.
fn wait<'a>(
    links: &mut VecDeque<(Link, TcpStream)>,
    rest: Option<Duration>,
    buffer: &'a mut [u8],
) -> Option<(Link, Result<&'a [u8], End>)> {
    let turn = if links.len() > 1 { Some(rest.unwrap_or(TURN).min(TURN)) } else { rest };
    let Some((link, mut stream)) = links.pop_front() else {
        // Without a link there is nothing to read: the session waits for its next attempt to connect.
        thread::sleep(rest.unwrap_or_default());
        return None;
    };
    // A timeout of zero is an error.
    let read = stream.set_read_timeout(turn.map(|turn| turn.max(Duration::from_millis(1))));
    match read.and_then(|()| stream.read(buffer)).map_err(|error| error.kind()) {
        Ok(0) | Err(ErrorKind::ConnectionReset) => Some((link, Err(End::Eof))),
        Ok(len) => {
            links.push_back((link, stream));
            Some((link, Ok(&buffer[..len])))
        }
        Err(ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
            links.push_back((link, stream));
            None
        }
        Err(_) => Some((link, Err(End::Broken))),
    }
}

/// Prints what changed: the fault, or percentage, steps and time left.
fn show(view: &View<'_>, shown: &mut String) {
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
