//! A server made of a recording: the socket of one of its connections, and what it would have answered over HTTP.

use comfyglow::recording::{Message, Recording, What};
use comfyglow_core::state::PromptState;
use serde_json::{Value, json};

use super::{MILLI, Micros, SECOND, Server};
use crate::ServerMessage;

/// A prompt of a recording.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its id.
    pub id: String,
    /// How it ended.
    pub state: PromptState,
    /// The recording's `/queue` while it ran, else one made of its submission.
    queue: String,
    /// When it began and ended.
    began: Micros,
    ended: Micros,
    /// The message of its end, for its history.
    message: Value,
}

/// A server made of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// All prompts that were submitted, in order.
    pub prompts: Vec<Prompt>,
    /// It has an extension that tells observers.
    mirror: bool,
    /// The connection is told the log: else there is no such route.
    has_log: bool,
    /// Who connected, and whether it subscribed to the log.
    client_id: String,
    subscribed: bool,
    /// What the connection was told, and when; the next is the last.
    told: Vec<(Micros, ServerMessage)>,
    /// How long the queue was, since when.
    queue: Vec<(Micros, u64)>,
    now: Micros,
}

/// The recording's clock.
pub fn micros(t_ms: f64) -> Micros {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a recording is short")]
    let micros = (t_ms * 1_000.0).round() as Micros;
    micros
}

impl Recorded {
    /// The server of `recording` as its connection `conn` met it; `mirror`: with an extension.
    ///
    /// # Panics
    ///
    /// Where the recording is not of that kind.
    pub fn new(recording: &Recording, conn: i64, mirror: bool) -> Self {
        let heard = recording.messages(conn).expect("the recording is sound");
        let mut told: Vec<(Micros, ServerMessage)> = heard
            .into_iter()
            .map(|heard| match heard.wire {
                Message::Text(text) => (micros(heard.t_ms), ServerMessage::Text(text)),
                Message::Binary(bytes) => (micros(heard.t_ms), ServerMessage::Binary(bytes)),
            })
            .collect();
        told.reverse();
        let texts = texts(recording);
        let length = |(at, message): &(Micros, Value)| {
            Some((*at, message["data"]["status"]["exec_info"]["queue_remaining"].as_u64()?))
        };
        let mut server = Self {
            prompts: Vec::new(),
            mirror,
            has_log: told.iter().any(|(_, wire)| is_log(wire)),
            client_id: String::new(),
            subscribed: false,
            told,
            queue: texts.iter().filter_map(length).collect(),
            now: 0,
        };
        server.prompts = server.submissions(recording, &texts);
        server
    }

    /// When the connection was opened.
    ///
    /// # Panics
    ///
    /// Where it wasn't.
    pub fn opened(recording: &Recording, conn: i64) -> Micros {
        let is_it = |row: &&comfyglow::recording::Row| row.conn == conn && matches!(row.what, What::Open { .. });
        micros(recording.rows.iter().find(is_it).expect("it was opened").t_ms)
    }

    fn submissions(&self, recording: &Recording, texts: &[(Micros, Value)]) -> Vec<Prompt> {
        let graphs = recording.graphs();
        let mut prompts = Vec::new();
        for row in &recording.rows {
            let What::Response { method, path, text, .. } = &row.what else { continue };
            if (method.as_str(), path.as_str()) != ("POST", "/prompt") {
                continue;
            }
            let submitted: Value = serde_json::from_str(text).expect("an answer is JSON");
            let id = submitted["prompt_id"].as_str().expect("it has an id").to_owned();
            let of = |kind: &str| {
                let is_it =
                    |message: &&(Micros, Value)| message.1["type"] == kind && message.1["data"]["prompt_id"] == *id;
                texts.iter().find(is_it)
            };
            // One prompt at a time: the next that was submitted, and then the end of the queue.
            let began = of("execution_start").map_or(micros(row.t_ms), |(at, _)| *at);
            let (ended, _) = self.queue.iter().find(|(at, length)| *at > began && *length == 0).expect("it ends");
            let ends = [
                ("execution_error", PromptState::Error),
                ("execution_interrupted", PromptState::Interrupted),
                ("execution_success", PromptState::Success),
            ];
            let end =
                ends.iter().find_map(|(kind, state)| of(kind).map(|(_, message)| (*kind, *state, &message["data"])));
            let succeeded = json!({"prompt_id": id});
            let (kind, state, data) = end.unwrap_or(("execution_success", PromptState::Success, &succeeded));
            let item = json!([submitted["number"], id, graphs[&id], {"create_time": 1_795_371_155_424_i64}, ["1"]]);
            prompts.push(Prompt {
                queue: recorded_queue(recording, &id)
                    .unwrap_or_else(|| json!({"queue_running": [item], "queue_pending": []}).to_string()),
                id,
                state,
                began,
                ended: *ended,
                message: json!([kind, data]),
            });
        }
        prompts
    }

    fn running(&self) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| (prompt.began..prompt.ended).contains(&self.now))
    }

    /// Those that ended, the last one first.
    fn ended(&self) -> impl Iterator<Item = &Prompt> {
        self.prompts.iter().rev().filter(|prompt| prompt.ended <= self.now)
    }
}

fn is_log(wire: &ServerMessage) -> bool {
    matches!(wire, ServerMessage::Text(text) if text.starts_with(r#"{"type": "logs""#))
}

/// All text messages of all connections.
fn texts(recording: &Recording) -> Vec<(Micros, Value)> {
    let text = |row: &comfyglow::recording::Row| match &row.what {
        What::Rx(frame) if frame.opcode == 1 => {
            Some((micros(row.t_ms), serde_json::from_slice(&frame.payload).expect("a message is JSON")))
        }
        _ => None,
    };
    recording.rows.iter().filter_map(text).collect()
}

/// The recording's own answer to `GET /queue` while the prompt ran.
fn recorded_queue(recording: &Recording, id: &str) -> Option<String> {
    recording.rows.iter().find_map(|row| match &row.what {
        What::Response { path, text, cut: false, .. } if path == "/queue" => {
            let queue: Value = serde_json::from_str(text).ok()?;
            (queue["queue_running"][0][1] == id).then(|| text.clone())
        }
        _ => None,
    })
}

impl Server for Recorded {
    fn connect(&mut self, client_id: &str) -> Vec<ServerMessage> {
        client_id.clone_into(&mut self.client_id);
        // What the recording's was told first comes at its time.
        Vec::new()
    }

    fn answer(&mut self, now: Micros, method: &str, target: &str, body: &str) -> (u16, String) {
        self.now = now;
        let answer = match (method, target) {
            ("GET", "/comfyglow") if self.mirror => json!({"mirror": true, "version": "0.1.0", "observers": 1}),
            ("GET", "/comfyglow") => return (404, String::new()),
            ("PATCH", "/internal/logs/subscribe") => {
                let asked: Value = serde_json::from_str(body).expect("it is JSON");
                assert_eq!(asked, json!({"clientId": self.client_id, "enabled": true}));
                self.subscribed = self.has_log;
                return (if self.has_log { 200 } else { 404 }, String::new());
            }
            ("GET", "/prompt") => {
                let length = self.queue.iter().rev().find(|(at, _)| *at <= self.now).map_or(0, |(_, length)| *length);
                json!({"exec_info": {"queue_remaining": length}})
            }
            ("GET", "/queue") => match self.running() {
                Some(prompt) => return (200, prompt.queue.clone()),
                None => json!({"queue_running": [], "queue_pending": []}),
            },
            ("GET", "/api/jobs?status=in_progress&limit=1") => {
                let job = |prompt: &Prompt| json!({"id": prompt.id, "status": "in_progress", "priority": 1});
                json!({"jobs": self.running().map(job).into_iter().collect::<Vec<_>>(), "pagination": {}})
            }
            ("GET", target) => {
                if let Some(id) = target.strip_prefix("/history/") {
                    let ended = self.ended().find(|prompt| prompt.id == id);
                    let entry = ended.map(|prompt| {
                        let is_success = prompt.state == PromptState::Success;
                        let status = if is_success { "success" } else { "error" };
                        json!({id: {"prompt": [0, id, {}, {}, ["1"]], "outputs": {}, "status":
                            {"status_str": status, "completed": is_success, "messages": [prompt.message]}}})
                    });
                    return (200, entry.unwrap_or_else(|| json!({})).to_string());
                }
                let offset = target.strip_prefix("/api/jobs?status=completed,failed,cancelled&limit=1&offset=");
                let offset = offset.unwrap_or_else(|| panic!("{target} is asked"));
                let job = |prompt: &Prompt| {
                    let status = match prompt.state {
                        PromptState::Success => "completed",
                        PromptState::Interrupted => "cancelled",
                        _ => "failed",
                    };
                    json!({"id": prompt.id, "status": status, "priority": 1})
                };
                let jobs: Vec<Value> = self.ended().skip(offset.parse().expect("a number")).take(1).map(job).collect();
                json!({"jobs": jobs, "pagination": {}})
            }
            asked => panic!("{asked:?} is asked"),
        };
        (200, answer.to_string())
    }

    fn next(&self) -> Option<Micros> {
        self.told.last().map(|(at, _)| *at).filter(|_| !self.client_id.is_empty())
    }

    fn pass(&mut self, now: Micros) -> Vec<ServerMessage> {
        self.now = now;
        let (_, wire) = self.told.pop().expect("it is asked for when there is one");
        assert!(self.subscribed || !is_log(&wire), "the log is told to who subscribed");
        vec![wire]
    }
}

/// How long after a recording's end all is known.
pub const AFTER: Micros = 10 * SECOND;
/// A network that is near.
pub const NEAR: super::Network = super::Network { socket: 0, http: MILLI, pieces: 100 };
