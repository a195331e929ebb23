//! What a node does when it runs, read off its class and inputs; [the module's documentation](super) tells which
//! inputs do what.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::{
    Options,
    messages::Format,
    nodes::{self, class_type},
    state::Shared,
};

/// What a node does when it runs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Work {
    /// How long it takes, or each of its steps, in milliseconds.
    pub(super) ms: f64,
    pub(super) steps: u64,
    /// Its steps take their time before they're told, as a sampler's, and are drawn to the terminal.
    pub(super) samples: bool,
    pub(super) preview: Option<Format>,
    pub(super) texts: Vec<String>,
    pub(super) expands: u64,
    pub(super) fails: Option<Failure>,
    /// The step with which it fails; else after the last one.
    pub(super) fails_at: Option<u64>,
    pub(super) blocks: Option<String>,
    /// Each image is sent to the client whole, as `SaveImageWebsocket` does.
    pub(super) sends_images: bool,
    pub(super) output: Option<Value>,
    /// The least size of what it sends.
    pub(super) bytes: usize,
    pub(super) writes: Writes,
}

/// What a node writes to the terminal, besides what all of its kind do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Writes {
    /// Its model is loaded, as the log tells.
    pub(super) loads_model: bool,
    /// Its steps are drawn to the terminal with this before them.
    pub(super) bar: Option<String>,
    /// Each step has so many parts, which are drawn below it; else none.
    pub(super) parts: u64,
    /// It downloads this file of so many bytes first.
    pub(super) download: Option<(String, u64)>,
    /// It writes this to the terminal first: entries that are flushed together.
    pub(super) log: Vec<Vec<String>>,
    /// All kinds of things are written between its steps, and its bar in pieces.
    pub(super) noise: bool,
}

impl Work {
    /// Whether its steps are drawn to the terminal.
    pub(super) fn draws(&self) -> bool {
        self.samples || self.writes.bar.is_some()
    }
}

/// The size of a model that is downloaded, in bytes.
const DOWNLOAD: u64 = 2_660_000_000;

/// The exception of a node.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) kind: String,
}

/// What `node` does in a prompt with `extra_data`.
pub(super) fn of(node: &Value, extra_data: &Map<String, Value>, shared: &Shared) -> Work {
    let inputs = &node["inputs"];
    let class = class_type(node);
    let options = &shared.options;
    let count = |names: &[&str]| names.iter().find_map(|name| inputs[*name].as_u64());
    let text = |name: &str| inputs[name].as_str().map(str::to_owned);

    let samples = class.contains("Sampler");
    let steps = count(&["sim_steps", "steps"]).unwrap_or(if samples { 20 } else { 0 });
    let given_ms = ["sim_ms", "delay_ms"].iter().find_map(|name| inputs[*name].as_f64());
    let mut work = Work {
        ms: given_ms.unwrap_or_else(|| usual_ms(class, samples, steps, shared)),
        steps,
        samples,
        preview: preview(inputs, samples, extra_data, options),
        texts: texts(class, inputs),
        expands: count(&["sim_expand"]).unwrap_or_default(),
        bytes: count(&["sim_bytes"]).and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default(),
        fails: text("sim_error").map(|message| Failure {
            message,
            kind: text("sim_error_type").unwrap_or_else(|| "RuntimeError".to_owned()),
        }),
        fails_at: count(&["sim_error_at"]),
        blocks: text("sim_blocked"),
        sends_images: class == "SaveImageWebsocket",
        output: output(class, inputs, shared),
        writes: Writes {
            loads_model: class.contains("Checkpoint") || class.contains("UNETLoader") || class == "TraceTinyModel",
            bar: text("sim_bar"),
            parts: count(&["sim_nested"]).unwrap_or_default(),
            download: text("sim_download").map(|file| (file, count(&["sim_bytes"]).unwrap_or(DOWNLOAD))),
            log: log(&inputs["sim_log"]),
            noise: inputs["sim_noise"] == true,
        },
    };
    match class {
        "TraceRaise" => {
            let message = text("message").unwrap_or_default();
            work.fails = Some(Failure { message, kind: "custom_nodes.trace_nodes.TraceError".to_owned() });
            work.steps = count(&["before_steps"]).unwrap_or_default();
        }
        "TraceBlock" => work.blocks = text("message"),
        "TraceExpand" => work.expands = count(&["count"]).unwrap_or(1),
        _ => {}
    }
    if work.bytes > 0 && nodes::is_output_class(class) {
        work.output = Some(json!({"text": ["x".repeat(work.bytes)]}));
    }
    work
}

/// The usual time, somewhat by chance: loaders are slow, a sampler's step is what the options say.
fn usual_ms(class: &str, samples: bool, steps: u64, shared: &Shared) -> f64 {
    let options = &shared.options;
    let usual = if samples || steps > 0 {
        options.step_ms
    } else if class.contains("Loader") {
        options.node_ms * 10.0
    } else {
        options.node_ms
    };
    usual * (0.9 + 0.2 * shared.random().f64())
}

/// A text, or a list of texts and of lists of them that go out together.
fn log(texts: &Value) -> Vec<Vec<String>> {
    let entries = |text: &Value| match text {
        Value::Array(entries) => entries.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        text => text.as_str().map(str::to_owned).into_iter().collect(),
    };
    match texts {
        Value::Array(events) => events.iter().map(entries).collect(),
        Value::Null => Vec::new(),
        text => vec![entries(text)],
    }
}

fn preview(inputs: &Value, samples: bool, extra_data: &Map<String, Value>, options: &Options) -> Option<Format> {
    match inputs["preview"].as_str() {
        Some("JPEG") => return Some(Format::Jpeg),
        Some("PNG") => return Some(Format::Png),
        _ => {}
    }
    let asked = extra_data.get("preview_method").and_then(Value::as_str).filter(|_| options.version.jobs());
    let wanted = match asked {
        None | Some("default") => options.previews,
        Some(method) => method != "none",
    };
    (samples && wanted).then_some(Format::Jpeg)
}

fn texts(class: &str, inputs: &Value) -> Vec<String> {
    match class {
        "GetImageSize" => vec!["width: 128, height: 128\n batch size: 1".to_owned()],
        "TraceText" => {
            let count = inputs["count"].as_u64().unwrap_or(1);
            let text = inputs["text"].as_str().unwrap_or_default();
            (1..=count).map(|n| format!("{text} {n}/{count}")).collect()
        }
        _ => match &inputs["sim_text"] {
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            text => text.as_str().map(str::to_owned).into_iter().collect(),
        },
    }
}

/// The output for the user interface, which is what `executed` brings.
fn output(class: &str, inputs: &Value, shared: &Shared) -> Option<Value> {
    if let Some(output) = inputs.get("sim_output") {
        return Some(output.clone());
    }
    let images = inputs["sim_images"].as_u64();
    if images.is_none() && (!nodes::is_output_class(class) || class == "SaveImageWebsocket") {
        return None;
    }
    let images = images.unwrap_or(1);
    if class == "TraceUI" || class == "PreviewAny" || class.starts_with("ShowText") {
        let text = inputs["text"].as_str().unwrap_or("text");
        let times = usize::try_from(inputs["repeat"].as_u64().unwrap_or(1)).unwrap_or(1);
        return Some(json!({"text": vec![text; times], "animated": [true]}));
    }
    if class.starts_with("Preview") {
        let letters: String = std::iter::repeat_with(|| shared.random().lowercase()).take(5).collect();
        let image =
            |n| json!({"filename": format!("ComfyUI_temp_{letters}_{n:05}_.png"), "subfolder": "", "type": "temp"});
        Some(json!({"images": (1..=images).map(image).collect::<Vec<_>>()}))
    } else if class.starts_with("Save") || class.starts_with("VHS_") || inputs.get("sim_images").is_some() {
        let prefix = inputs["filename_prefix"].as_str().unwrap_or("ComfyUI");
        let (folder, name) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let image = |_| {
            let n = shared.files.fetch_add(1, Ordering::Relaxed) + 1;
            json!({"filename": format!("{name}_{n:05}_.png"), "subfolder": folder, "type": "output"})
        };
        Some(json!({"images": (0..images).map(image).collect::<Vec<_>>()}))
    } else {
        None
    }
}
