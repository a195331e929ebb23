//! What the fuzz targets do with their bytes: each is a function that panics where a law is broken.
//!
//! They stand here, not in `tests/fuzz`, so that `cargo test` plays all seeds and findings to them without a fuzzer. The
//! first bytes of each input say how the rest is cut.

mod console;
mod http;
mod log;
mod queue;
mod record;
mod reducer;
mod text;
mod websocket;

use std::{fs, path::Path};

pub use console::console;
pub use http::http;
pub use log::log;
pub use queue::queue;
pub use record::record;
pub use reducer::reducer;
pub use text::{binary, lexer, model, prediction};
pub use websocket::websocket;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of its folders below `tests/fuzz` too.
    pub name: &'static str,
    /// What it does with an input.
    pub check: fn(&[u8]),
    /// The inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "lexer", check: lexer, seeds: text::messages },
    Target { name: "prediction", check: prediction, seeds: text::messages },
    Target { name: "model", check: model, seeds: text::sessions },
    Target { name: "binary", check: binary, seeds: text::binaries },
    Target { name: "websocket", check: websocket, seeds: websocket::seeds },
    Target { name: "http", check: http, seeds: http::seeds },
    Target { name: "record", check: record, seeds: record::seeds },
    Target { name: "queue", check: queue, seeds: queue::seeds },
    Target { name: "log", check: log, seeds: log::seeds },
    Target { name: "reducer", check: reducer, seeds: reducer::seeds },
    Target { name: "console", check: console, seeds: console::seeds },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Takes from the front of an input how the rest is to be cut: two bytes, each a size of pieces from 1 to 256 bytes, used
/// in turn.
fn cut(data: &[u8]) -> ([usize; 2], &[u8]) {
    match data {
        [a, b, rest @ ..] => ([usize::from(*a) + 1, usize::from(*b) + 1], rest),
        _ => ([1, 1], data),
    }
}

/// The rest in these pieces, again and again.
fn pieces<'a>(sizes: &'a [usize], mut rest: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    sizes.iter().cycle().map_while(move |size| {
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// An input that is cut in pieces of 7 and 64 bytes.
fn seed(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    [&[6, 63], bytes.as_ref()].concat()
}

/// The findings kept of a target: inputs that broke a law once, in `fixtures/fuzz`.
///
/// # Panics
///
/// Where a file can't be read.
pub fn findings(target: &Target) -> Vec<(String, Vec<u8>)> {
    let read = |path: &Path| fs::read(path).expect("a finding can be read");
    let folder = crate::fixtures().join("fuzz").join(target.name);
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.map(|path| (path.display().to_string(), read(&path))).collect()
}
