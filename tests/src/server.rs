//! A server as far as a session sees it: who is registered, what runs, what it remembers, what it says over HTTP.

use std::collections::{BTreeMap, VecDeque};

use crate::{ServerMessage, frame};

/// How a prompt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came to its end.
    Success,
    /// A node failed.
    Error,
    /// Somebody stopped it.
    Interrupted,
}

impl Outcome {
    const fn message(self) -> &'static str {
        match self {
            Self::Success => "execution_success",
            Self::Error => "execution_error",
            Self::Interrupted => "execution_interrupted",
        }
    }
}

/// A server with one worker, which never touches a clock or a link: what it says is handed to who asks.
#[derive(Debug, Default)]
pub struct Server {
    /// The prompt that runs, and its steps so far.
    pub running: Option<(String, u32)>,
    /// Those that wait.
    pub waiting: VecDeque<String>,
    /// Those that ended.
    pub history: BTreeMap<String, Outcome>,
    /// Whether the session's socket is registered: else it is told nothing.
    pub registered: bool,
    /// What the registered socket is to be told.
    pub said: Vec<Vec<u8>>,
    /// An old server without `/api/jobs`.
    pub old: bool,
}

impl Server {
    /// Prompts that run or wait.
    pub fn remaining(&self) -> usize {
        self.waiting.len() + usize::from(self.running.is_some())
    }

    fn tell(&mut self, json: &str) {
        if self.registered {
            self.said.push(frame(&ServerMessage::Text(json.to_owned())));
        }
    }

    fn tell_status(&mut self) {
        let remaining = self.remaining();
        self.tell(&format!(
            r#"{{"type": "status", "data": {{"status": {{"exec_info": {{"queue_remaining": {remaining}}}}}}}}}"#
        ));
    }

    /// A client connects under the id of the one who submits.
    pub fn connect(&mut self) {
        self.registered = true;
        self.tell_status();
        if self.running.is_some() {
            self.tell(r#"{"type": "executing", "data": {"node": "1"}}"#);
        }
    }

    /// A prompt is submitted.
    pub fn submit(&mut self, id: &str) {
        self.waiting.push_back(id.to_owned());
        self.tell_status();
        self.next();
    }

    /// The worker takes the next prompt, where it has none.
    fn next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(id) = self.waiting.pop_front() else { return };
        self.tell(&format!(r#"{{"type": "execution_start", "data": {{"prompt_id": "{id}", "timestamp": 1}}}}"#));
        self.running = Some((id, 0));
        self.tell_status();
    }

    /// The prompt that runs goes on by a step.
    pub fn step(&mut self) {
        let Some((id, steps)) = &mut self.running else { return };
        *steps += 1;
        let json = format!(
            r#"{{"type": "progress", "data": {{"value": {steps}, "max": 1000, "prompt_id": "{id}", "node": "1"}}}}"#
        );
        self.tell(&json);
    }

    /// The prompt that runs ends.
    pub fn end(&mut self, outcome: Outcome) {
        let Some((id, _)) = self.running.take() else { return };
        self.tell(&format!(
            r#"{{"type": "{}", "data": {{"prompt_id": "{id}", "node_id": "1", "node_type": "A", "exception_type": "E", "exception_message": "no", "timestamp": 2}}}}"#,
            outcome.message()
        ));
        self.history.insert(id.clone(), outcome);
        self.tell_status();
        self.tell(&format!(r#"{{"type": "executing", "data": {{"node": null, "prompt_id": "{id}"}}}}"#));
        self.next();
    }

    /// It stops, and forgets all.
    pub fn restart(&mut self) {
        *self = Self { old: self.old, ..Self::default() };
    }

    /// The answer to `GET target`.
    pub fn get(&self, target: &str) -> String {
        let path = target.split('?').next().unwrap_or_default();
        let body = match path {
            "/prompt" => format!(r#"{{"exec_info": {{"queue_remaining": {}}}}}"#, self.remaining()),
            "/api/jobs" if !self.old => {
                let running = self.running.as_ref();
                let job = running.map(|(id, _)| format!(r#"{{"id": "{id}", "status": "in_progress"}}"#));
                format!(r#"{{"jobs": [{}], "pagination": {{}}}}"#, job.unwrap_or_default())
            }
            "/queue" => {
                let item = |id: &String| format!(r#"[0, "{id}", {{"1": {{"class_type": "A"}}}}, {{}}, ["1"]]"#);
                let running: Vec<_> = self.running.iter().map(|(id, _)| item(id)).collect();
                let waiting: Vec<_> = self.waiting.iter().map(item).collect();
                format!(r#"{{"queue_running": [{}], "queue_pending": [{}]}}"#, running.join(", "), waiting.join(", "))
            }
            _ => match path.strip_prefix("/history/") {
                Some(id) => self.entry(id),
                None => return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            },
        };
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn entry(&self, id: &str) -> String {
        let Some(outcome) = self.history.get(id) else { return "{}".to_owned() };
        let word = if *outcome == Outcome::Success { "success" } else { "error" };
        let data = r#"{"node_id": "1", "node_type": "A", "exception_type": "E", "exception_message": "no"}"#;
        format!(
            r#"{{"{id}": {{"outputs": {{}}, "status": {{"status_str": "{word}", "completed": true, "messages": [["{}", {data}]]}}}}}}"#,
            outcome.message()
        )
    }
}
