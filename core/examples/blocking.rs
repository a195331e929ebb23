//! Follows a server with blocking sockets of the standard library: one thread, no runtime, no other crate.
//!
//! The host speaks bytes: [`Wire`] does the WebSocket and HTTP. Start ComfyUI, or `comfyglow simulate`, then:
//!
//! ```sh
//! cargo run -p comfyglow-core --example blocking -- 127.0.0.1:8188
//! ```

use std::{
    collections::VecDeque,
    env,
    hash::{BuildHasher, Hasher, RandomState},
    io::{ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    process::ExitCode,
    thread,
    time::{Duration, Instant as Clock},
};

use comfyglow_core::{
    capacity::DesktopCapacity,
    session::{Config, End, Host, Link},
    time::Instant,
    view::View,
    wire::{Input, Output, Wire},
};

/// How long a connection attempt or a write may block.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one link is read while the other waits. A thread reads one socket at a time, and the HTTP link is open for a
/// few milliseconds per request, so nobody sees this delay. Waiting for both sockets at once takes `poll(2)` or a thread
/// for each.
const TURN: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let server = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8188".to_owned());
    // The standard library's only random numbers are its hash keys.
    let seed = RandomState::new().build_hasher().finish();
    let mut wire = Wire::<DesktopCapacity>::new(Config::new(&server), seed);
    let start = Clock::now();
    let now = || Instant::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    // The open links. The first one is read next.
    let mut links: VecDeque<(Link, TcpStream)> = VecDeque::new();
    let (mut buffer, mut shown) = ([0; 4_096], String::new());
    while !wire.is_over() {
        match wire.poll_output(now()) {
            Output::Dial(link) => match dial(&server) {
                Ok(stream) => {
                    links.push_back((link, stream));
                    wire.handle_input(now(), Input::Opened(link));
                }
                Err(end) => wire.handle_input(now(), Input::Closed(link, end)),
            },
            Output::Send(link, bytes) => {
                let stream = links.iter_mut().find(|(open, _)| *open == link);
                let is_sent = stream.is_some_and(|(_, stream)| stream.write_all(bytes).is_ok());
                links.retain(|(open, _)| is_sent || *open != link);
                wire.handle_input(now(), if is_sent { Input::Sent(link) } else { Input::Closed(link, End::Broken) });
            }
            Output::Close(link) => links.retain(|(open, _)| *open != link),
            Output::Changed(_) => show(&wire.view(now()), &mut shown),
            Output::Sleep(until) => {
                let rest = until.map(|until| Duration::from_micros(until.saturating_since(now()).as_micros()));
                let input = wait(&mut links, rest, &mut buffer);
                wire.handle_input(now(), input);
            }
        }
    }
    if wire.view(now()).connection.fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn dial(server: &str) -> Result<TcpStream, End> {
    let mut addresses = server.to_socket_addrs().map_err(|_| End::NameUnknown)?;
    let stream = addresses.find_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok());
    let stream = stream.ok_or(End::Unreachable)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|_| End::Broken)?;
    Ok(stream)
}

/// Reads the link whose turn it is, until the deadline at the latest. Drops a link that ended.
fn wait<'a>(links: &mut VecDeque<(Link, TcpStream)>, rest: Option<Duration>, buffer: &'a mut [u8]) -> Input<'a> {
    let turn = if links.len() > 1 { Some(rest.unwrap_or(TURN).min(TURN)) } else { rest };
    let Some((link, mut stream)) = links.pop_front() else {
        // Without a link there is nothing to read: the session waits for its next attempt to connect.
        thread::sleep(rest.unwrap_or_default());
        return Input::Host(Host::Wake);
    };
    // A timeout of zero is an error.
    let read = stream.set_read_timeout(turn.map(|turn| turn.max(Duration::from_millis(1))));
    match read.and_then(|()| stream.read(buffer)).map_err(|error| error.kind()) {
        Ok(0) | Err(ErrorKind::ConnectionReset) => Input::Closed(link, End::Eof),
        Ok(len) => {
            links.push_back((link, stream));
            Input::Bytes(link, &buffer[..len])
        }
        Err(ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
            links.push_back((link, stream));
            Input::Host(Host::Wake)
        }
        Err(_) => Input::Closed(link, End::Broken),
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
