//! Follows a server with blocking sockets of the standard library: one thread, no runtime, no other crate.
//!
//! The host speaks bytes: [`Wire`] does the WebSocket and HTTP. Start ComfyUI, or `comfyglow simulate`, then:
//!
//! ```sh
//! cargo run -p comfyglow-core --example blocking -- 127.0.0.1:8188
//! ```

mod common;

use std::{
    env,
    hash::{BuildHasher, Hasher, RandomState},
    process::ExitCode,
    time::Instant as Clock,
};

use comfyglow_core::{
    capacity::DesktopCapacity,
    session::{Config, Host},
    time::Instant,
    wire::{Input, Output, Wire},
};
use common::{Links, show};

fn main() -> ExitCode {
    let server = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8188".to_owned());
    // The standard library's only random numbers are its hash keys.
    let seed = RandomState::new().build_hasher().finish();
    let mut wire = Wire::<DesktopCapacity>::new(Config::new(&server), seed);
    let start = Clock::now();
    let now = || Instant::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    let (mut links, mut shown) = (Links::new(&server), String::new());
    while !wire.is_over() {
        let input = match wire.poll_output(now()) {
            Output::Dial(link) => {
                links.dial(link).map_or_else(|end| Input::Closed(link, end), |()| Input::Opened(link))
            }
            Output::Send(link, bytes) => {
                links.send(link, bytes).map_or_else(|end| Input::Closed(link, end), |()| Input::Sent(link))
            }
            Output::Close(link) => {
                links.close(link);
                continue;
            }
            Output::Changed(_) => {
                show(&wire.view(now()), &mut shown);
                continue;
            }
            Output::Sleep(until) => match links.read(until.map(|until| until.saturating_since(now()))) {
                Some((link, Ok(bytes))) => Input::Bytes(link, bytes),
                Some((link, Err(end))) => Input::Closed(link, end),
                None => Input::Host(Host::Wake),
            },
        };
        wire.handle_input(now(), input);
    }
    if wire.view(now()).connection.fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
