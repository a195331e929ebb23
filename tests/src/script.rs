//! What a recording's client did, done again with the simulator.
//!
//! [`run`] opens, sends, requests, closes and aborts in the recording's order. Where the recording's client waited for
//! time to pass, the script waits for what was heard meanwhile: the simulator is stepped until every connection has
//! heard it, and until its queue is as long as the next answer says. So nothing depends on real time.
//!
//! What depends on a real server's timing is made equal before it's compared ([`Heard`]): the steps of a node, each
//! the same two or three messages, count as one, since a progress bar drops updates by the clock; so do `logs` that
//! follow each other, since a terminal is flushed by the clock. Messages of other people's nodes that come every second
//! are left out. A connection that the client aborted has heard at least what it read.

use std::{collections::BTreeMap, net::SocketAddr};

use comfyglow::{
    recording::{Frame, Recording, Row, What},
    simulator::{Builder, Simulator},
};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{Frame as RawFrame, FrameHeader},
};

use crate::client::{Answer, Client, binary_kind, http, kind, text_kind};

/// The kinds of messages a connection heard, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard(pub Vec<String>);

/// The messages that one step of a node brings, by what the client supports.
const STEPS: [&[&str]; 3] = [
    &["progress_state(prompt_id,nodes)", "binary 4", "progress(value,max,prompt_id,node)"],
    &["progress_state(prompt_id,nodes)", "progress(value,max,prompt_id,node)", "binary 1"],
    &["progress_state(prompt_id,nodes)", "progress(value,max,prompt_id,node)"],
];

impl Heard {
    /// The same with repeated steps and logs counted once.
    #[must_use]
    pub fn collapsed(&self) -> Self {
        let mut rest = self.0.as_slice();
        let mut collapsed: Vec<String> = Vec::new();
        while let Some(first) = rest.first() {
            let group =
                STEPS.iter().find(|group| rest.len() >= group.len() && rest.iter().zip(**group).all(|(a, b)| a == b));
            let group =
                group.map_or_else(|| std::slice::from_ref(first).to_vec(), |group| rest[..group.len()].to_vec());
            let repeats = (group.len() > 1 || first.starts_with("logs")) && collapsed.ends_with(&group);
            rest = &rest[group.len()..];
            if !repeats {
                collapsed.extend(group);
            }
        }
        Self(collapsed)
    }

    /// The same without a step at the end that was cut short.
    #[must_use]
    fn without_cut_step(mut self) -> Self {
        for group in STEPS {
            for part in (1..group.len()).rev() {
                let ends = [group, &group[..part]].concat();
                if self.0.len() >= ends.len() && self.0.iter().rev().zip(ends.iter().rev()).all(|(a, b)| a == b) {
                    self.0.truncate(self.0.len() - part);
                }
            }
        }
        self
    }

    /// The same without the queue's length.
    #[must_use]
    fn without_status(&self) -> Self {
        Self(self.0.iter().filter(|kind| *kind != "status(status)").cloned().collect())
    }

    /// How often the queue's length was told.
    fn statuses(&self) -> usize {
        self.0.len() - self.without_status().0.len()
    }

    fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// A connection in the recording and with the simulator.
#[derive(Debug, Default)]
pub struct Connection {
    /// What the recording's heard.
    pub recorded: Heard,
    /// What the simulator's heard.
    pub heard: Heard,
    /// The recording's text messages, but for their times and outputs.
    pub recorded_texts: Vec<String>,
    /// The simulator's.
    pub heard_texts: Vec<String>,
    /// The client aborted it.
    pub aborted: bool,
}

impl Connection {
    fn hear(&mut self, messages: &[Message]) {
        self.heard.0.extend(messages.iter().map(kind));
        let texts = messages.iter().filter_map(|message| message.to_text().ok().filter(|_| message.is_text()));
        self.heard_texts.extend(texts.map(spelling));
    }

    /// Whether both heard the same.
    pub fn is_equal(&self) -> bool {
        let (recorded, heard) = (self.recorded.collapsed(), self.heard.collapsed());
        if self.aborted { heard.starts_with(&recorded.without_cut_step()) } else { heard == recorded }
    }

    /// Whether both heard the same, but for the places where they heard the queue's length: when several prompts are
    /// submitted, those are chance.
    pub fn is_equal_but_for_status(&self) -> bool {
        let rest = |heard: &Heard| heard.without_status().collapsed();
        rest(&self.heard) == rest(&self.recorded) && self.heard.statuses() == self.recorded.statuses()
    }

    /// Whether all that the recording's has heard so far is heard.
    fn has_caught_up(&self) -> bool {
        let recorded = self.recorded.without_status().collapsed();
        let recorded = if self.aborted { recorded.without_cut_step() } else { recorded };
        self.heard.without_status().collapsed().starts_with(&recorded)
            && self.heard.statuses() >= self.recorded.statuses()
    }
}

/// A request and its answers.
#[derive(Debug)]
pub struct Exchange {
    /// GET, POST, …
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The recorded answer.
    pub recorded: Answer,
    /// The simulator's.
    pub answer: Answer,
}

/// What came of a script.
#[derive(Debug)]
pub struct Outcome {
    /// The connections by number.
    pub connections: BTreeMap<i64, Connection>,
    /// The exchanges over HTTP, in order.
    pub exchanges: Vec<Exchange>,
}

/// Runs the script of `recording` with a simulator, which it makes [stepped](Builder::stepped).
///
/// # Panics
///
/// Where the simulator doesn't do what the recording's server did, so that the script can't go on.
pub async fn run(recording: &Recording, simulator: Builder) -> Outcome {
    let simulator = simulator.stepped().start().await.expect("a free port");
    let mut script = Script {
        server: simulator.addr(),
        simulator,
        clients: BTreeMap::new(),
        outcome: Outcome { connections: BTreeMap::new(), exchanges: Vec::new() },
    };
    for (index, row) in recording.rows.iter().enumerate() {
        script.row(row, &recording.rows[index + 1..]).await;
    }
    script.outcome
}

struct Script {
    server: SocketAddr,
    simulator: Simulator,
    clients: BTreeMap<i64, Client>,
    outcome: Outcome,
}

impl Script {
    async fn row(&mut self, row: &Row, later: &[Row]) {
        match &row.what {
            What::Rx(frame) => {
                if let Some(kind) = frame_kind(frame) {
                    let connection = self.connection(row.conn);
                    connection.recorded.0.push(kind);
                    if frame.opcode == 1 {
                        connection.recorded_texts.push(spelling(&String::from_utf8_lossy(&frame.payload)));
                    }
                }
            }
            What::Open { path, .. } => {
                self.catch_up().await;
                self.reach(later.iter().filter(|later| later.conn == row.conn)).await;
                let mut client = Client::open(self.server, path).await;
                let greeting = client.next().await.expect("a greeting");
                self.clients.insert(row.conn, client);
                let connection = self.connection(row.conn);
                connection.hear(&[greeting]);
                connection.aborted =
                    later.iter().any(|later| later.conn == row.conn && later.what == What::Close("abort".to_owned()));
            }
            What::Tx(frame) => {
                self.catch_up().await;
                self.send(row.conn, frame).await;
            }
            What::Close(how) if how == "abort" => {
                self.catch_up().await;
                if let Some(client) = self.clients.remove(&row.conn) {
                    client.abort(true);
                    self.simulator.wait_for_sockets(self.clients.len()).await;
                }
            }
            What::Request { method, path, text } => {
                self.catch_up().await;
                self.request(method, path, text, later).await;
            }
            What::Response { .. } | What::Close(_) | What::Note => {}
        }
    }

    fn connection(&mut self, number: i64) -> &mut Connection {
        self.outcome.connections.entry(number).or_default()
    }

    /// Collects what the clients have heard.
    async fn listen(&mut self) {
        self.simulator.settled().await;
        for (number, client) in &mut self.clients {
            let heard = client.heard().await;
            self.outcome.connections.entry(*number).or_default().hear(&heard);
        }
    }

    /// Steps the simulator until everything is heard that was recorded so far, or all prompts have ended.
    async fn catch_up(&mut self) {
        self.listen().await;
        while self.simulator.queue_remaining() > 0 && !self.outcome.connections.values().all(Connection::has_caught_up)
        {
            self.simulator.step(1);
            self.listen().await;
        }
    }

    /// Steps the simulator until a new connection will be greeted as in the recording.
    async fn reach(&mut self, rows: impl Iterator<Item = &Row>) {
        let texts = rows.filter_map(|row| match &row.what {
            What::Rx(frame) if frame.opcode == 1 => serde_json::from_slice::<Value>(&frame.payload).ok(),
            _ => None,
        });
        let first: Vec<Value> = texts.take(3).collect();
        let remaining = first.first().and_then(|m| m["data"]["status"]["exec_info"]["queue_remaining"].as_u64());
        let bare = first.iter().find(|m| m["type"] == "executing" && m["data"].get("prompt_id").is_none());
        let node = bare.and_then(|message| message["data"]["node"].as_str());
        while self.simulator.queue_remaining() > 0
            && (remaining == Some(0) || node.is_some_and(|node| self.simulator.running_node().as_deref() != Some(node)))
        {
            self.simulator.step(1);
            self.listen().await;
        }
    }

    async fn send(&mut self, number: i64, frame: &Frame) {
        let message = match frame.opcode {
            1 if frame.fin => Message::text(String::from_utf8(frame.payload.clone()).expect("a client's text")),
            0..=2 => Message::Frame(fragment(frame)),
            9 => Message::Ping(frame.payload.clone().into()),
            10 => Message::Pong(frame.payload.clone().into()),
            8 => {
                let client = self.clients.remove(&number).expect("an open connection");
                let code = frame.payload.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
                let heard = client.close(code).await;
                self.connection(number).hear(&heard);
                return self.simulator.wait_for_sockets(self.clients.len()).await;
            }
            other => panic!("a client sends no frames of opcode {other}"),
        };
        self.clients.get_mut(&number).expect("an open connection").send(message).await;
    }

    async fn request(&mut self, method: &str, path: &str, text: &str, later: &[Row]) {
        let recorded = later.iter().find_map(|row| match &row.what {
            What::Response { method: of, path: at, status, text, .. } if of == method && at == path => {
                Some(Answer { status: *status, text: text.clone() })
            }
            _ => None,
        });
        let recorded = recorded.expect("a request has its answer");
        // The prompt gets the recorded id, so that later requests find it.
        let mut body = serde_json::from_str::<Value>(text);
        if let (Ok(body), Some(id)) = (&mut body, recorded.json()["prompt_id"].as_str()) {
            body["prompt_id"] = id.into();
        }
        let body = body.map_or_else(|_| text.to_owned(), |body| body.to_string());
        if path.ends_with("/queue") && method == "GET" {
            let queue = recorded.json();
            let length = |name: &str| queue[name].as_array().map_or(0, Vec::len);
            while self.simulator.queue_remaining() > length("queue_running") + length("queue_pending") {
                self.simulator.step(1);
                self.listen().await;
            }
        }
        let answer = http(self.server, method, path, &[], &body).await;
        let exchange = Exchange { method: method.to_owned(), path: path.to_owned(), recorded, answer };
        self.outcome.exchanges.push(exchange);
    }
}

/// A text message as it's spelled, but for what differs from run to run: when it was sent, and the names of files.
fn spelling(text: &str) -> String {
    let mut spelling = text.to_owned();
    for (start, end) in [("\"timestamp\": ", "}}"), ("\"output\": ", ", \"prompt_id\"")] {
        if let Some((before, rest)) = spelling.split_once(start)
            && let Some((_, after)) = rest.rsplit_once(end)
        {
            spelling = format!("{before}{start}…{end}{after}");
        }
    }
    spelling
}

fn fragment(frame: &Frame) -> RawFrame {
    let header = FrameHeader { is_final: frame.fin, opcode: frame.opcode.into(), ..FrameHeader::default() };
    RawFrame::from_payload(header, frame.payload.clone().into())
}

/// A frame's kind; `None` for what comes every second of itself.
fn frame_kind(frame: &Frame) -> Option<String> {
    Some(match frame.opcode {
        1 => text_kind(std::str::from_utf8(&frame.payload).expect("a recorded text")),
        2 => binary_kind(&frame.payload),
        8 => format!("close {}", frame.payload.first_chunk().map_or(1005, |bytes| u16::from_be_bytes(*bytes))),
        9 => "ping".to_owned(),
        10 => "pong".to_owned(),
        other => format!("opcode {other}"),
    })
    .filter(|kind| !kind.starts_with("crystools.monitor"))
}
