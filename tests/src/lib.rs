//! What comfyglow's tests share: recordings, a model of the session, splitters and generators.
//!
//! - [`model`]: what a snapshot must say, a second time and independently;
//! - [`recorded`]: plays recordings to the model;
//! - [`pinned`]: the results of all recordings, kept in `fixtures/expected`;
//! - [`answers`]: what `serde_json` finds in the body of an answer over HTTP;
//! - [`compare`]: whether a snapshot is what was expected;
//! - [`oracle`], [`prediction`], [`lockstep`]: the lexer beside `serde_json`, the two ways to read a message, and the core
//!   beside the model;
//! - [`fuzz`]: what the fuzz targets do with their bytes;
//! - [`eta`]: how far the time left is off, over recordings and simulated workflows;
//! - [`strategies`]: messages, sessions and actions for property tests, and the laws, published as a crate of their own;
//! - [`observer`]: a session that submits nothing, before servers whose socket tells it next to nothing;
//! - [`observer_log`]: a prompt that is followed by the server's log only;
//! - [`client`]: a plain client of a server, WebSocket and HTTP;
//! - [`script`]: what a recording's client did, done again with the simulator;
//! - [`told`]: what a decoder tells, as values that can be compared.

pub mod answers;
#[cfg(feature = "host")]
pub mod client;
pub mod compare;
#[cfg(feature = "host")]
pub mod eta;
pub mod fuzz;
pub mod lockstep;
pub mod model;
#[cfg(feature = "host")]
pub mod observer;
pub mod observer_log;
pub mod oracle;
#[cfg(feature = "host")]
pub mod pinned;
pub mod prediction;
#[cfg(feature = "host")]
pub mod recorded;
#[cfg(feature = "host")]
pub mod script;
pub mod server;
pub mod told;

pub use comfyglow_proptest::{self as strategies, ServerMessage, frame};

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use comfyglow_core::{
    capacity::Capacity,
    reducer::Observer,
    time::Instant,
    wire::{Input, Output, Wire},
};
use serde_json::Value;

/// A worked example: what is heard, and what the snapshot says then.
#[derive(Clone, Debug)]
pub struct Vector {
    /// What it shows.
    pub name: String,
    /// The number of nodes of each known graph, by `prompt_id`.
    pub nodes_total: BTreeMap<String, usize>,
    /// The messages, in order.
    pub wire: Vec<ServerMessage>,
    /// The snapshot's fields that the example is about; compare them by [`compare::assert_matches`].
    pub expect: Value,
}

/// The folder of fixtures inside the repository.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The worked examples: those of `fixtures/vectors.jsonl`, and those of `fixtures/rules.jsonl`, which go through the
/// snapshot's rules one by one.
///
/// # Panics
///
/// Where the files are not what they should be.
pub fn vectors() -> Vec<Vector> {
    let read = |name| std::fs::read_to_string(fixtures().join(name)).expect("the vectors are in the repository");
    let files = ["vectors.jsonl", "rules.jsonl"].map(read);
    files.iter().flat_map(|text| text.lines()).map(vector).collect()
}

fn vector(line: &str) -> Vector {
    let mut line: Value = serde_json::from_str(line).expect("a vector is JSON");
    let wire = line["rx"].as_array().expect("a vector has an array `rx`").iter().map(|message| match message {
        Value::String(text) => ServerMessage::Text(text.clone()),
        other => {
            let b64 = other["b64"].as_str().expect("a binary message has a text `b64`");
            ServerMessage::Binary(BASE64_STANDARD.decode(b64).expect("`b64` is base64"))
        }
    });
    Vector {
        wire: wire.collect(),
        name: line["name"].as_str().expect("a vector has a `name`").to_owned(),
        nodes_total: serde_json::from_value(line["nodes_total"].take()).expect("`nodes_total` maps ids to numbers"),
        expect: line["expect"].take(),
    }
}

/// The recordings at hand, by name: those in the repository, and all of the folder that the environment variable
/// `COMFYGLOW_TRACES` names, else of `shared/traces` beside the workspace, where there is one.
///
/// # Panics
///
/// Where the repository's own folder can't be read.
pub fn traces() -> Vec<PathBuf> {
    let curated = recordings_in(&fixtures().join("traces"));
    assert!(!curated.is_empty(), "the repository has recordings in tests/fixtures/traces");
    let by_name = |path: PathBuf| (name_of(&path), path);
    let mut all: BTreeMap<String, PathBuf> = recordings_in(&shared_traces()).into_iter().map(by_name).collect();
    all.extend(curated.into_iter().map(by_name));
    all.into_values().collect()
}

fn shared_traces() -> PathBuf {
    std::env::var_os("COMFYGLOW_TRACES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces"), PathBuf::from)
}

/// The `*.jsonl` files of a folder, sorted; none where there is no such folder.
pub fn recordings_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    files.sort();
    files
}

/// The messages of `fixtures/bench-messages`, by file name: what servers send, one of each, and one long `progress_state`.
/// The lines of `session.ndjson`, a whole session, are not among them, see [`bench_session`].
///
/// # Panics
///
/// Where the folder can't be read.
pub fn bench_messages() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(fixtures().join("bench-messages")).expect("the messages are in the repository");
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a message is UTF-8");
        (name_of(&path), text.trim_end_matches('\n').to_owned())
    };
    paths.filter(|path| path.extension().is_some_and(|e| e == "json")).map(read).collect()
}

/// The messages of a session, in order.
///
/// # Panics
///
/// Where the file can't be read.
pub fn bench_session() -> Vec<String> {
    let file = fixtures().join("bench-messages/session.ndjson");
    let text = std::fs::read_to_string(file).expect("the session is in the repository");
    text.lines().map(str::to_owned).collect()
}

/// A recording's name: the file's, without its ending.
///
/// # Panics
///
/// Where the path names no file.
pub fn name_of(recording: &Path) -> String {
    recording.file_stem().expect("a recording is a file").to_string_lossy().into_owned()
}

/// The pinned results of the recording of that name, see [`pinned`]; `None` where none were pinned.
///
/// # Panics
///
/// Where the pinned file is not what it should be.
#[cfg(feature = "host")]
pub fn expected(name: &str) -> Option<Vec<pinned::Connection>> {
    let text = std::fs::read_to_string(fixtures().join("expected").join(format!("{name}.json"))).ok()?;
    Some(pinned::parse(&text).expect("a pinned result is in the form that the example `pin` writes"))
}

/// Carries out what `session` wants done at `now`, until it sleeps: what is to be sent is on its way at once.
pub fn settle<C: Capacity>(session: &mut Wire<'_, C>, now: Instant, observer: &mut impl Observer<C>) {
    loop {
        match session.poll_output_with(now, observer) {
            Output::Sleep(_) => return,
            Output::Send(link, _) => session.handle_input_with(now, Input::Sent(link), observer),
            Output::Dial(_) | Output::Close(_) | Output::Changed(_) => {}
        }
    }
}
