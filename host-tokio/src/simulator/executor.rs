//! Runs the prompts, one after the other, and tells about it in ComfyUI's order and to its receivers.

mod failure;
mod steps;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::{failure::Stop, steps::executed_in};
use super::{
    faults::Restart,
    graph::{self, Schedule},
    images,
    messages::{self, Format, NodeName},
    nodes,
    progress::Progress,
    prompt_queue::{Prompt, Result as PromptResult},
    publish::Recipients,
    state::{Shared, timestamp},
    work::{self, Failure, Work},
};

/// What ComfyUI keeps of a node's run.
#[derive(Clone, Default)]
struct Cached {
    output: Option<Value>,
    blocked: Blocked,
}

/// Whether what a node gives is blocked for those who take it.
#[derive(Clone, Default)]
enum Blocked {
    #[default]
    No,
    /// With a message for the first who takes it.
    With(String),
    Silently,
}

/// The results of the last prompt by the nodes' signatures.
type Cache = HashMap<u64, Cached>;

/// Runs prompts as they come, forever, and begins anew when that is asked for.
pub(super) async fn run(shared: Arc<Shared>, mut restarts: mpsc::UnboundedReceiver<Restart>) {
    loop {
        let mut cache = Cache::new();
        let restart = tokio::select! {
            biased;
            restart = restarts.recv() => restart,
            () = prompts(&shared, &mut cache) => None,
        };
        shared.forget();
        if let Some(restart) = restart {
            // Who asked for it needn't wait.
            let _ = restart.send(());
        }
    }
}

async fn prompts(shared: &Shared, cache: &mut Cache) {
    loop {
        if let Some(prompt) = shared.queue.start() {
            let started_ms = shared.pace.passed_ms();
            let result = run_prompt(shared, &prompt, cache).await;
            shared.queue.done(&result);
            // Only now, after the queue's `status`, the end of the prompt is told; never to everyone.
            let client = shared.running().client.clone();
            let end = messages::event("executing", json!({"node": null, "prompt_id": prompt.id}));
            shared.publisher.text(&end, if client == Recipients::Everyone { Recipients::Observers } else { client });
            let ms = shared.pace.passed_ms() - started_ms;
            shared.logs.green(&executed_in(ms, shared.options.version.tells_hours()));
        } else {
            shared.pace.idle(shared.queue.more()).await;
        }
    }
}

async fn run_prompt(shared: &Shared, prompt: &Prompt, cache: &mut Cache) -> PromptResult {
    shared.interrupted.store(false, Ordering::Relaxed);
    let client = Recipients::of(prompt.extra_data.get("client_id"));
    shared.running().client = client.clone();
    if let Recipients::Client(id) = &client {
        shared.publisher.submits(id.clone());
    }

    let signatures = graph::signatures(&prompt.graph);
    let known: HashSet<u64> = signatures.values().copied().collect();
    cache.retain(|signature, _| known.contains(signature));
    let mut run = Run {
        shared,
        prompt,
        client,
        progress: Progress::new(&prompt.id),
        signatures,
        cache,
        executed: Vec::new(),
        result: PromptResult::default(),
        model_is_loaded: false,
    };

    run.milestone("execution_start", json!({"prompt_id": prompt.id}), false);
    let is_cached = |run: &Run<'_>, id: &str| run.cached(id).is_some();
    let cached: Vec<&String> = prompt.graph.keys().filter(|id| is_cached(&run, id)).collect();
    run.milestone("execution_cached", json!({"nodes": cached, "prompt_id": prompt.id}), false);
    let mut schedule = Schedule::new(&prompt.graph, &prompt.outputs, |id| is_cached(&run, id));
    let mut stopped = None;
    while let Some(id) = schedule.next() {
        if let Err(stop) = run.node(id).await {
            stopped = Some(stop);
            break;
        }
    }
    match stopped {
        None => {
            run.milestone("execution_success", json!({"prompt_id": prompt.id}), false);
            run.result.completed = true;
        }
        Some(stop) => run.tell_stop(stop),
    }
    shared.running().node = None;
    run.result
}

struct Run<'a> {
    shared: &'a Shared,
    prompt: &'a Prompt,
    client: Recipients,
    progress: Progress,
    signatures: HashMap<String, u64>,
    cache: &'a mut Cache,
    executed: Vec<String>,
    result: PromptResult,
    /// For samplers, which say so when they load it.
    model_is_loaded: bool,
}

impl Run<'_> {
    /// An event that the history keeps. A prompt without a client has it sent to nobody, or, `to_all`, to everyone.
    fn milestone(&mut self, kind: &str, mut data: Value, to_all: bool) {
        data["timestamp"] = timestamp().into();
        self.result.messages.push(json!([kind, data]));
        if to_all {
            self.tell_all(kind, data);
        } else {
            self.tell(kind, data);
        }
    }

    /// An event for the client; of a prompt without one only those are told who watch by the extension.
    fn tell(&self, kind: &str, data: Value) {
        let has_client = self.client != Recipients::Everyone;
        let to = if has_client { self.client.clone() } else { Recipients::Observers };
        self.shared.publisher.text(&messages::event(kind, data), to);
    }

    /// An event for the client; of a prompt without one it's sent to everyone.
    fn tell_all(&self, kind: &str, data: Value) {
        self.shared.publisher.text(&messages::event(kind, data), self.client.clone());
    }

    fn tell_progress(&self) {
        let version = self.shared.options.version;
        if version.progress_state() {
            let to_all = version.progress_state_to_everyone();
            let to = if to_all { Recipients::Everyone } else { self.client.clone() };
            self.shared.publisher.text(&messages::event("progress_state", self.progress.data()), to);
        }
    }

    fn cached(&self, id: &str) -> Option<&Cached> {
        self.cache.get(self.signatures.get(id)?)
    }

    /// Runs the submitted node `id`, or takes its result from the cache.
    async fn node(&mut self, id: &str) -> Result<(), Stop> {
        let name = NodeName::submitted(id);
        if let Some(cached) = self.cached(id).cloned() {
            let output = cached.output.clone().unwrap_or_default();
            self.tell("executed", self.executed_data(&name, &output));
            if cached.output.is_some() {
                self.keep_output(&name, output);
            }
            self.progress.finish(&name);
            self.tell_progress();
            self.executed.push(id.to_owned());
            return Ok(());
        }

        let node = &self.prompt.graph[id];
        self.begin(&name)?;
        let mut result = Cached::default();
        if let Some(blocked) = self.blocked(node) {
            if let Blocked::With(message) = blocked {
                self.tell_blocked(&name, message);
            }
            result.blocked = Blocked::Silently;
        } else {
            let work = work::of(node, &self.prompt.extra_data, self.shared);
            self.work(&name, &work).await?;
            result.blocked = match work.blocks {
                None => Blocked::No,
                Some(message) if message.is_empty() => Blocked::Silently,
                Some(message) => Blocked::With(message),
            };
            result.output = work.output;
            if let Some(output) = &result.output {
                self.tell("executed", self.executed_data(&name, output));
                self.keep_output(&name, output.clone());
            }
        }
        if let Some(signature) = self.signatures.get(id) {
            self.cache.insert(*signature, result);
        }
        self.end(&name);
        Ok(())
    }

    /// What the first blocked node says that `node` takes from.
    fn blocked(&self, node: &Value) -> Option<&Blocked> {
        let taken = nodes::links(node).filter_map(|(_, from, _)| Some(&self.cached(from)?.blocked));
        taken.into_iter().find(|blocked| !matches!(blocked, Blocked::No))
    }

    fn begin(&mut self, name: &NodeName) -> Result<(), Stop> {
        self.progress.start(name);
        self.tell_progress();
        if self.client != Recipients::Everyone {
            self.shared.running().node = Some(name.display.clone());
        }
        let data = json!({"node": name.id, "display_node": name.display, "prompt_id": self.prompt.id});
        self.tell("executing", data);
        self.check_interrupted(name)
    }

    fn end(&mut self, name: &NodeName) {
        self.progress.finish(name);
        self.tell_progress();
        self.executed.push(name.id.clone());
    }

    async fn work(&mut self, name: &NodeName, work: &Work) -> Result<(), Stop> {
        self.steps(name, work).await?;
        for text in &work.texts {
            if self.shared.options.version.node_texts() {
                self.shared.publisher.binary(&messages::node_text(&name.id, text), Recipients::Everyone);
            }
            if work.texts.len() > 1 {
                self.shared.pace.wait(work.ms).await;
            }
        }
        if work.sends_images {
            self.step(name, (0, 1), Some((Format::Png, work.bytes)))?;
        }
        if let Some(failure) = &work.fails {
            let failure = Failure { message: failure.message.clone(), kind: failure.kind.clone() };
            return Err(Stop::Failed(name.clone(), failure));
        }
        for part in 1..=work.expands {
            let part = name.expanded(part);
            self.begin(&part)?;
            let steps = Work { ms: work.ms, steps: work.steps.max(1), ..Work::default() };
            self.steps(&part, &steps).await?;
            self.end(&part);
        }
        Ok(())
    }

    /// A step is told: the state, the preview with metadata, the progress, the preview without.
    fn step(
        &mut self,
        name: &NodeName,
        (value, max): (u64, u64),
        preview: Option<(Format, usize)>,
    ) -> Result<(), Stop> {
        self.check_interrupted(name)?;
        #[expect(clippy::cast_precision_loss, reason = "a picture's colour")]
        let image = preview.map(|(format, bytes)| images::preview(format, value as f64 / max as f64, bytes));
        let with_metadata = match &self.client {
            Recipients::Client(sid) => self.shared.sockets.preview_metadata(sid),
            Recipients::Everyone | Recipients::Nobody | Recipients::Observers => false,
        };
        self.progress.update(name, value, max);
        self.tell_progress();
        if let Some(image) = image.as_ref().filter(|_| with_metadata) {
            let message = messages::preview_with_metadata(image, &self.prompt.id, name);
            self.shared.publisher.binary(&message, self.client.clone());
        }
        let data = json!({"value": value, "max": max, "prompt_id": self.prompt.id, "node": name.id});
        self.tell_all("progress", data);
        if let Some(image) = image.filter(|_| !with_metadata) {
            self.shared.publisher.binary(&messages::preview(&image), self.client.clone());
        }
        Ok(())
    }

    fn check_interrupted(&self, name: &NodeName) -> Result<(), Stop> {
        if self.shared.interrupted.swap(false, Ordering::Relaxed) {
            return Err(Stop::Interrupted(name.clone()));
        }
        Ok(())
    }

    fn executed_data(&self, name: &NodeName, output: &Value) -> Value {
        json!({"node": name.id, "display_node": name.display, "output": output, "prompt_id": self.prompt.id})
    }

    fn keep_output(&mut self, name: &NodeName, output: Value) {
        let meta = json!({
            "node_id": name.id, "display_node": name.display, "parent_node": name.parent, "real_node_id": name.display,
        });
        self.result.outputs.insert(name.id.clone(), output);
        self.result.meta.insert(name.id.clone(), meta);
    }
}
