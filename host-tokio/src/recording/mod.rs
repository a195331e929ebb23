//! Recordings of real servers: JSON lines, one thing that happened on a socket or over HTTP a line.
//!
//! The format is described in `tests/fixtures/traces/README.md`. [`Recording::read`] reads a file whole and checks
//! every line; what it can't read is an error that names file, line and reason.

mod messages;

pub use messages::{Heard, Message, server_frame};

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

/// One line of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Milliseconds since the recording's start.
    pub t_ms: f64,
    /// The connection, numbered in order of opening; −1 for HTTP exchanges and remarks.
    pub conn: i64,
    /// What happened.
    pub what: What,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A socket was opened: the raw HTTP request and answer.
    Open {
        /// The request's path and query.
        path: String,
        /// The raw request head.
        request: String,
        /// The raw response head.
        response: String,
    },
    /// The server sent a frame.
    Rx(Frame),
    /// The client sent a frame.
    Tx(Frame),
    /// The connection ended: `eof`, `error`, `abort`, `http` or `timeout`.
    Close(String),
    /// A request over HTTP.
    Request {
        /// GET, POST, …
        method: String,
        /// The path and query.
        path: String,
        /// The body.
        text: String,
    },
    /// The answer to the request of the same method and path before it.
    Response {
        /// GET, POST, …
        method: String,
        /// The path and query.
        path: String,
        /// The status code.
        status: u16,
        /// The content type, where there was one.
        content_type: Option<String>,
        /// The body.
        text: String,
        /// The body was cut by the recorder.
        cut: bool,
    },
    /// A remark, or an exchange that failed.
    Note,
}

/// A WebSocket frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The last frame of its message.
    pub fin: bool,
    /// The reserved bits, 4 = RSV1.
    pub rsv: u8,
    /// 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// The payload, for a close with its two bytes of code.
    pub payload: Vec<u8>,
}

/// Why a recording can't be read.
#[derive(Debug)]
pub struct RecordingError {
    file: PathBuf,
    line: Option<usize>,
    reason: String,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for RecordingError {}

/// A recording, read whole.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The lines in the file's order: `rows[i]` stands on line i + 1. An empty line is a remark.
    pub rows: Vec<Row>,
}

impl Recording {
    /// Reads the recording in `file`.
    ///
    /// # Errors
    ///
    /// [`RecordingError`] where the file or a line of it can't be read.
    pub fn read(file: &Path) -> Result<Self, RecordingError> {
        let error = |line, reason| RecordingError { file: file.to_owned(), line, reason };
        let bytes = std::fs::read(file).map_err(|e| error(None, format!("cannot be read: {e}")))?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].split(|byte| *byte == b'\n').count();
            error(Some(line), "is no UTF-8 text".to_owned())
        })?;
        Self::parse(text).map_err(|(line, reason)| error(Some(line), reason))
    }

    /// Parses a recording's text; the error is the line's number, from 1, and the reason.
    ///
    /// # Errors
    ///
    /// The line's number, from 1, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let rows =
            text.lines().zip(1..).map(|(line, n)| parse_row(line).map_err(|e| (n, e))).collect::<Result<_, _>>()?;
        Ok(Self { rows })
    }

    /// The number of nodes of each submitted graph, by the `prompt_id` that the server gave it.
    pub fn nodes_total(&self) -> HashMap<String, usize> {
        self.graphs().into_iter().filter_map(|(id, graph)| Some((id, graph.as_object()?.len()))).collect()
    }

    /// The graphs that were submitted by `POST /prompt`, by the `prompt_id` in the response.
    pub fn graphs(&self) -> HashMap<String, Value> {
        let mut asked: HashMap<&str, std::collections::VecDeque<&str>> = HashMap::new();
        let mut graphs = HashMap::new();
        for row in &self.rows {
            match &row.what {
                What::Request { method, path, text } if is_submission(method, path) => {
                    asked.entry(path).or_default().push_back(text);
                }
                What::Response { method, path, text, .. } if is_submission(method, path) => {
                    let request = asked.get_mut(path.as_str()).and_then(std::collections::VecDeque::pop_front);
                    let id = serde_json::from_str::<Value>(text)
                        .ok()
                        .and_then(|v| Some(v["prompt_id"].as_str()?.to_owned()));
                    if let (Some(request), Some(id)) = (request, id)
                        && let Ok(mut submitted) = serde_json::from_str::<Value>(request)
                    {
                        graphs.insert(id, submitted["prompt"].take());
                    }
                }
                _ => {}
            }
        }
        graphs
    }
}

fn is_submission(method: &str, path: &str) -> bool {
    method == "POST" && path.split('?').next().is_some_and(|p| p == "/prompt" || p == "/api/prompt")
}

fn parse_row(line: &str) -> Result<Row, String> {
    if line.trim().is_empty() {
        // An editor's, perhaps; it counts as a line.
        return Ok(Row { t_ms: 0.0, conn: -1, what: What::Note });
    }
    let row: Value = serde_json::from_str(line).map_err(|e| format!("is no JSON: {e}"))?;
    let text = |key: &str| row[key].as_str().map(str::to_owned).ok_or_else(|| format!("has no text `{key}`"));
    let t_ms = row["t_ms"].as_f64().ok_or("has no number `t_ms`")?;
    let conn = row["conn"].as_i64().ok_or("has no whole number `conn`")?;
    let (dir, kind) = (text("dir")?, text("kind").unwrap_or_default());
    let what = match (dir.as_str(), kind.as_str()) {
        ("open", _) => What::Open { path: text("path")?, request: text("request")?, response: text("response")? },
        ("rx", _) => What::Rx(parse_frame(&row, &kind)?),
        ("tx", _) => What::Tx(parse_frame(&row, &kind)?),
        ("close", _) => What::Close(kind),
        ("http", "request") => {
            What::Request { method: text("method")?, path: text("path")?, text: text("text").unwrap_or_default() }
        }
        ("http", "response") => What::Response {
            method: text("method")?,
            path: text("path")?,
            status: row["status"].as_u64().and_then(|s| u16::try_from(s).ok()).ok_or("has no `status`")?,
            content_type: text("ctype").ok(),
            text: text("text").unwrap_or_default(),
            cut: row.get("truncated_from").is_some(),
        },
        ("http" | "note", _) => What::Note,
        (other, _) => return Err(format!("has an unknown `dir`: {other}")),
    };
    Ok(Row { t_ms, conn, what })
}

fn parse_frame(row: &Value, kind: &str) -> Result<Frame, String> {
    let bits = |key: &str, default: u8| match row.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(b)) => Ok(u8::from(*b)),
        Some(v) => v.as_u64().and_then(|n| u8::try_from(n).ok()).ok_or_else(|| format!("has an odd `{key}`")),
    };
    let base64 = || {
        let text = row["b64"].as_str().ok_or("has no text `b64`")?;
        BASE64_STANDARD.decode(text).map_err(|e| format!("has a broken `b64`: {e}"))
    };
    let (opcode, payload) = match kind {
        "text" => (1, row["text"].as_str().ok_or("has no text `text`")?.as_bytes().to_vec()),
        "binary" => (2, base64()?),
        "ping" => (9, base64()?),
        "pong" => (10, base64()?),
        "frame" => (bits("opcode", 1)?, base64()?),
        "close" => {
            let code = row["code"].as_u64().and_then(|c| u16::try_from(c).ok());
            let mut payload = code.map(|c| c.to_be_bytes().to_vec()).unwrap_or_default();
            payload.extend_from_slice(row["text"].as_str().unwrap_or_default().as_bytes());
            (8, payload)
        }
        other => return Err(format!("has an unknown `kind`: {other}")),
    };
    Ok(Frame { fin: bits("fin", 1)? != 0, rsv: bits("rsv", 0)?, opcode: bits("op", opcode)?, payload })
}
