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

mod common;
#[path = "messages/host.rs"]
mod host;

use std::{env, process::ExitCode, time::Instant as Clock};

use comfyglow_core::{
    session::{Config, Link},
    time::Instant,
};
use common::{Links, show};
use host::{MessageHost, Step};

fn main() -> ExitCode {
    let server = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8188".to_owned());
    let mut host = MessageHost::new(Config::new(&server));
    let start = Clock::now();
    let now = || Instant::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    let (mut links, mut shown) = (Links::new(&server), String::new());
    while !host.session.is_over() {
        match host.poll(now()) {
            Step::Open(link, request) => {
                if let Err(end) = links.dial(link).and_then(|()| links.send(link, &request)) {
                    host.closed(now(), link, end);
                }
            }
            Step::Send(bytes) => {
                if let Err(end) = links.send(Link::Socket, &bytes) {
                    host.closed(now(), Link::Socket, end);
                }
            }
            Step::Close(link) => links.close(link),
            Step::Changed => show(&host.session.view(now()), &mut shown),
            Step::Sleep(until) => match links.read(until.map(|until| until.saturating_since(now()))) {
                Some((Link::Socket, Ok(bytes))) => host.socket_bytes(now(), bytes),
                Some((Link::Http, Ok(bytes))) => host.http_bytes(now(), bytes),
                Some((link, Err(end))) => host.closed(now(), link, end),
                None => host.wake(now()),
            },
        }
    }
    if host.session.view(now()).connection.fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
