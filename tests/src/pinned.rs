//! The results of recordings: what the snapshot of each connection says after so many lines of the file.
//!
//! A pinned file is one JSON array with a connection per line: `{"conn", "cuts"}`. Each cut is
//! `[rows, changes]`: after the first `rows` lines the snapshot is the one of the cut before with these changes, each
//! a path (`prompt/percentage`) and the new value there. The first cut starts from nothing; a last one stands for the
//! whole file. Left out are `connection` and the ETA (both are policy), and the elapsed time of a prompt that has not
//! ended, which depends on when one asks. Texts are cut as on the desktop.

use anyhow::{Context as _, Result};
use comfyglow::recording::Recording;
use serde_json::{Map, Value, json};

use crate::{compare::keep_what_is_pinned, recorded};

/// Of each recording so many first lines are pinned one by one, and as many cuts as `SPREAD` over the whole.
const FIRST_LINES: usize = 40;
const SPREAD: usize = 10;

/// The results of one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The connection's number in the recording.
    pub conn: i64,
    /// The snapshots, by rising number of lines; the last is that of the whole file.
    pub cuts: Vec<Cut>,
}

/// The snapshot after some lines of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// How many lines of the file are played, those of other connections and of HTTP among them.
    pub rows: usize,
    /// The fields that are pinned; compare them by [`crate::compare::assert_matches`].
    pub snapshot: Value,
}

/// Works out the results of all connections of a recording by the model.
///
/// # Errors
///
/// As [`Recording::messages`].
pub fn results(recording: &Recording) -> Result<Vec<Connection>> {
    let lines = recording.rows.len();
    let mut all_rows: Vec<usize> =
        (0..=FIRST_LINES.min(lines)).chain((1..=SPREAD).map(|n| lines * n / SPREAD)).collect();
    all_rows.sort_unstable();
    all_rows.dedup();
    let connections = recording.connections().into_iter();
    connections.map(|conn| Ok(Connection { conn, cuts: cuts(recording, conn, &all_rows)? })).collect()
}

fn cuts(recording: &Recording, conn: i64, all_rows: &[usize]) -> Result<Vec<Cut>> {
    let messages = recording.messages(conn)?;
    let mut messages = messages.iter().peekable();
    let mut model = recorded::model(recording);
    let mut cut = |rows: usize| {
        while let Some(heard) = messages.next_if(|heard| heard.line <= rows) {
            recorded::hear(&mut model, heard);
        }
        let mut snapshot = model.snapshot(0.0);
        keep_what_is_pinned(&mut snapshot);
        Cut { rows, snapshot }
    };
    Ok(all_rows.iter().map(|rows| cut(*rows)).collect())
}

/// The results as a pinned file's text.
pub fn write(connections: &[Connection]) -> String {
    let lines: Vec<String> = connections
        .iter()
        .map(|connection| {
            let mut before = Value::Null;
            let cuts = connection.cuts.iter().map(|cut| {
                let mut changes = Map::new();
                collect_changes("", &before, &cut.snapshot, &mut changes);
                before.clone_from(&cut.snapshot);
                json!([cut.rows, changes])
            });
            json!({"conn": connection.conn, "cuts": cuts.collect::<Vec<_>>()}).to_string()
        })
        .collect();
    format!("[{}]\n", lines.join(",\n"))
}

/// Collects the values that must be set for `old` to become `new`.
fn collect_changes(path: &str, old: &Value, new: &Value, changes: &mut Map<String, Value>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) if before.keys().eq(after.keys()) => {
            for (key, value) in after {
                let path = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                collect_changes(&path, &before[key], value, changes);
            }
        }
        _ if old == new => {}
        _ => {
            changes.insert(path.to_owned(), new.clone());
        }
    }
}

/// Reads a pinned file's text.
///
/// # Errors
///
/// Where the text is not what [`write()`] writes.
pub fn parse(text: &str) -> Result<Vec<Connection>> {
    let connections: Value = serde_json::from_str(text)?;
    let connections = connections.as_array().context("a pinned file is an array")?;
    connections.iter().map(parse_connection).collect()
}

fn parse_connection(connection: &Value) -> Result<Connection> {
    let mut snapshot = Value::Null;
    let cuts = connection["cuts"].as_array().context("a connection has `cuts`")?.iter().map(|cut| {
        let rows = cut[0].as_u64().context("a cut has a number of rows")?;
        for (path, value) in cut[1].as_object().context("a cut has an object of changes")? {
            let pointer = if path.is_empty() { String::new() } else { format!("/{path}") };
            let place = snapshot.pointer_mut(&pointer).with_context(|| format!("{path} is nowhere"))?;
            place.clone_from(value);
        }
        Ok(Cut { rows: usize::try_from(rows)?, snapshot: snapshot.clone() })
    });
    Ok(Connection {
        conn: connection["conn"].as_i64().context("a connection has a number")?,
        cuts: cuts.collect::<Result<_>>()?,
    })
}
