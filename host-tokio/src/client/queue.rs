//! What the server has to do, and has done.

use std::time::Duration;

use comfyglow_core::state::PromptState;
use serde_json::{Value, json};
use tokio::time;

use super::{
    http::{Http, RequestError},
    output::NodeOutput,
};

/// Until a server that didn't answer is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// What the server has to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    /// What runs now; one at most, as ComfyUI is now.
    pub running: Vec<Queued>,
    /// What waits, in the order in which it will run.
    pub pending: Vec<Queued>,
}

/// A prompt in the queue.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Queued {
    /// Its id.
    pub prompt_id: String,
    /// Its place: prompts with lower numbers run earlier.
    pub number: Option<f64>,
    /// The client that submitted it.
    pub client_id: Option<String>,
    /// Nodes of its graph.
    pub nodes: usize,
}

/// How a prompt ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub state: PromptState,
    /// Its number in the queue.
    pub number: Option<f64>,
    /// What its nodes gave, in the server's order.
    pub outputs: Vec<NodeOutput>,
}

/// What an interruption met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The prompt ran; it ends at its next step.
    Running,
    /// It waited, and was taken out of the queue.
    Waiting,
    /// It is neither running nor waiting.
    Nothing,
}

impl Queued {
    fn read(tuple: &Value) -> Option<Self> {
        Some(Self {
            prompt_id: tuple[1].as_str()?.to_owned(),
            number: tuple[0].as_f64(),
            client_id: tuple[3]["client_id"].as_str().map(str::to_owned),
            nodes: tuple[2].as_object().map_or(0, serde_json::Map::len),
        })
    }
}

impl Outcome {
    fn read(entry: &Value) -> Self {
        let status = &entry["status"];
        let messages = status["messages"].as_array();
        let was_interrupted =
            messages.into_iter().flatten().any(|message| message[0].as_str() == Some("execution_interrupted"));
        let state = match status["status_str"].as_str() {
            Some("success") => PromptState::Success,
            Some("error") if was_interrupted => PromptState::Interrupted,
            Some("error") => PromptState::Error,
            _ => PromptState::Ended,
        };
        let outputs = entry["outputs"].as_object().into_iter().flatten();
        let outputs = outputs.map(|(node, output)| NodeOutput::new(node, output)).collect();
        Self { state, number: entry["prompt"][0].as_f64(), outputs }
    }
}

impl Queue {
    /// The prompt `prompt_id`, where it runs or waits.
    pub fn find(&self, prompt_id: &str) -> Option<&Queued> {
        self.running.iter().chain(&self.pending).find(|prompt| prompt.prompt_id == prompt_id)
    }
}

/// Where a prompt is, as the server tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Whereabouts {
    /// It runs or waits.
    Queue(Queued),
    /// It is over.
    History(Outcome),
    /// It was taken out of the queue, or the server has forgotten it or never heard of it.
    Nowhere,
}

impl Http {
    /// What the server has to do.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn queue(&self) -> Result<Queue, RequestError> {
        let body: Value = self.get("/queue").await?.json()?;
        let read = |name: &str| -> Vec<Queued> {
            body[name].as_array().into_iter().flatten().filter_map(Queued::read).collect()
        };
        let mut pending = read("queue_pending");
        // The server tells a heap.
        let number = |prompt: &Queued| prompt.number.unwrap_or(f64::INFINITY);
        pending.sort_by(|one, other| number(one).total_cmp(&number(other)));
        Ok(Queue { running: read("queue_running"), pending })
    }

    /// Whether the server has the prompt `prompt_id` queued or running, and which one that was; asked again until there is an
    /// answer.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn has(&self, prompt_id: String) -> (String, bool) {
        loop {
            if let Ok(queue) = self.queue().await {
                let has = queue.find(&prompt_id).is_some();
                return (prompt_id, has);
            }
            time::sleep(PAUSE).await;
        }
    }

    /// Where the prompt `prompt_id` is.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn whereabouts(&self, prompt_id: &str) -> Result<Whereabouts, RequestError> {
        // In this order: what leaves the queue having run stands in the history by then.
        if let Some(prompt) = self.queue().await?.find(prompt_id) {
            return Ok(Whereabouts::Queue(prompt.clone()));
        }
        Ok(self.outcome(prompt_id).await?.map_or(Whereabouts::Nowhere, Whereabouts::History))
    }

    /// How the prompt `prompt_id` ended; `None` while it hasn't, and where the server doesn't know it.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn outcome(&self, prompt_id: &str) -> Result<Option<Outcome>, RequestError> {
        let id: String = url::form_urlencoded::byte_serialize(prompt_id.as_bytes()).collect();
        let body: Value = self.get(&format!("/history/{id}")).await?.json()?;
        Ok(body.get(prompt_id).map(Outcome::read))
    }

    /// Interrupts the prompt `prompt_id`, or takes it out of the queue.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the prompt may be interrupted or not.
    pub async fn interrupt(&self, prompt_id: &str) -> Result<Interrupted, RequestError> {
        let delete = json!({"delete": [prompt_id]}).to_string();
        let is_it = |prompt: &Queued| prompt.prompt_id == prompt_id;
        let queue = self.queue().await?;
        // Servers before 0.3.56 interrupt whatever runs: so it is asked first what does.
        if queue.running.iter().any(is_it) {
            self.post("/interrupt", json!({"prompt_id": prompt_id}).to_string().into()).await?.ok()?;
            return Ok(Interrupted::Running);
        }
        if !queue.pending.iter().any(is_it) {
            return Ok(Interrupted::Nothing);
        }
        self.post("/queue", delete.into()).await?.ok()?;
        // It may have begun meanwhile.
        if self.queue().await?.running.iter().any(is_it) {
            self.post("/interrupt", json!({"prompt_id": prompt_id}).to_string().into()).await?.ok()?;
            return Ok(Interrupted::Running);
        }
        Ok(Interrupted::Waiting)
    }

    /// Interrupts whatever runs; does nothing where nothing does.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the prompt may be interrupted or not.
    pub async fn interrupt_current(&self) -> Result<(), RequestError> {
        self.post("/interrupt", "{}".into()).await?.ok().map(drop)
    }
}
