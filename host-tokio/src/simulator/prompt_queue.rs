//! The prompts that wait, the one that runs, and those that have ended.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Number, Value, json};
use tokio::sync::Notify;

use super::{
    messages,
    publish::{Publisher, Recipients},
};

/// A submitted prompt.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// Its place: the lowest runs first; negative where it was to go to the front.
    pub(super) number: Number,
    /// The `prompt_id`.
    pub(super) id: String,
    /// The nodes by id.
    pub(super) graph: Map<String, Value>,
    /// `client_id`, `create_time` and what the client gave.
    pub(super) extra_data: Map<String, Value>,
    /// The output nodes that are to run.
    pub(super) outputs: Vec<String>,
}

impl Prompt {
    /// The prompt as `/queue` and `/history` show it.
    pub(super) fn tuple(&self) -> Value {
        json!([self.number, self.id, self.graph, self.extra_data, self.outputs])
    }

    fn key(&self) -> (f64, &str) {
        (self.number.as_f64().unwrap_or_default(), &self.id)
    }
}

impl Ord for Prompt {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((number, id), (other_number, other_id)) = (self.key(), other.key());
        number.total_cmp(&other_number).then_with(|| id.cmp(other_id))
    }
}

impl PartialOrd for Prompt {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Prompt {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Prompt {}

/// How a prompt ended.
#[derive(Debug, Default)]
pub(super) struct Result {
    pub(super) completed: bool,
    /// The outputs' UI by node.
    pub(super) outputs: Map<String, Value>,
    /// The outputs' names by node.
    pub(super) meta: Map<String, Value>,
    /// The events that history keeps, as pairs of type and data.
    pub(super) messages: Vec<Value>,
}

#[derive(Default)]
struct Inner {
    pending: BinaryHeap<Reverse<Arc<Prompt>>>,
    running: Option<Arc<Prompt>>,
    history: Map<String, Value>,
}

impl Inner {
    fn remaining(&self) -> usize {
        self.pending.len() + usize::from(self.running.is_some())
    }
}

/// The queue; each change is told to every socket by `status`.
pub(super) struct PromptQueue {
    inner: Mutex<Inner>,
    publisher: Publisher,
    more: Notify,
}

impl PromptQueue {
    pub(super) fn new(publisher: Publisher) -> Self {
        Self { inner: Mutex::default(), publisher, more: Notify::new() }
    }

    /// Queued and running prompts.
    pub(super) fn remaining(&self) -> usize {
        self.lock().remaining()
    }

    /// Whether no prompt waits.
    pub(super) fn nothing_pending(&self) -> bool {
        self.lock().pending.is_empty()
    }

    pub(super) fn put(&self, prompt: Prompt) {
        let mut inner = self.lock();
        inner.pending.push(Reverse(Arc::new(prompt)));
        self.tell(&inner);
        drop(inner);
        self.more.notify_one();
    }

    /// Takes the first prompt out to run it.
    pub(super) fn start(&self) -> Option<Arc<Prompt>> {
        let mut inner = self.lock();
        let Reverse(prompt) = inner.pending.pop()?;
        inner.running = Some(prompt.clone());
        self.tell(&inner);
        Some(prompt)
    }

    /// Waits until a prompt may have come.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    /// Puts the running prompt into the history.
    pub(super) fn done(&self, result: &Result) {
        let mut inner = self.lock();
        if let Some(prompt) = inner.running.take() {
            let entry = json!({
                "prompt": prompt.tuple(),
                "outputs": result.outputs,
                "status": {
                    "status_str": if result.completed { "success" } else { "error" },
                    "completed": result.completed,
                    "messages": result.messages,
                },
                "meta": result.meta,
            });
            inner.history.insert(prompt.id.clone(), entry);
        }
        self.tell(&inner);
    }

    /// The prompt that runs.
    pub(super) fn running(&self) -> Option<Arc<Prompt>> {
        self.lock().running.clone()
    }

    /// The prompts that wait, in the heap's order.
    pub(super) fn pending(&self) -> Vec<Arc<Prompt>> {
        self.lock().pending.iter().map(|Reverse(prompt)| prompt.clone()).collect()
    }

    /// Forgets all prompts that wait.
    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        inner.pending.clear();
        self.tell(&inner);
    }

    /// Forgets everything, the history too, and tells nobody: the server has begun anew.
    pub(super) fn forget(&self) {
        *self.lock() = Inner::default();
    }

    /// Forgets the waiting prompt `id`; false where there is none.
    pub(super) fn delete(&self, id: &str) -> bool {
        let mut inner = self.lock();
        let before = inner.pending.len();
        inner.pending.retain(|Reverse(prompt)| prompt.id != id);
        let deleted = inner.pending.len() < before;
        if deleted {
            // The last one goes by wiping the queue, which tells on its own.
            for _ in 0..if before == 1 { 2 } else { 1 } {
                self.tell(&inner);
            }
        }
        deleted
    }

    /// Looks at the history.
    pub(super) fn with_history<T>(&self, look: impl FnOnce(&mut Map<String, Value>) -> T) -> T {
        look(&mut self.lock().history)
    }

    fn tell(&self, inner: &Inner) {
        let status = messages::event("status", messages::status(inner.remaining(), None));
        self.publisher.text(&status, Recipients::Everyone);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
