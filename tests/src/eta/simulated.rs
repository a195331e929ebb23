//! Workflows that are run twice, the second time like the first or otherwise.

use serde_json::{Map, Value, json};

use super::Run;
use crate::ServerMessage;

/// A workflow's first run and another one.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The workflow.
    pub workflow: &'static str,
    /// What is otherwise the second time.
    pub variant: &'static str,
    /// The run that is learned from.
    pub first: Run,
    /// The run that is asked.
    pub second: Run,
}

/// What a node does; times in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Node {
    id: u32,
    class: &'static str,
    before: f64,
    steps: u32,
    step: f64,
    after: f64,
    cached: bool,
    /// Before its first step, where a model isn't loaded yet.
    loading: f64,
}

const fn plain(id: u32, class: &'static str, takes: f64) -> Node {
    Node { id, class, before: takes, steps: 0, step: 0.0, after: 0.0, cached: false, loading: 0.0 }
}

const fn steps(id: u32, class: &'static str, before: f64, steps: u32, step: f64, after: f64) -> Node {
    Node { id, class, before, steps, step, after, cached: false, loading: 0.0 }
}

/// What a workflow is made of before its sampler.
fn preface(loader: f64) -> Vec<Node> {
    vec![
        plain(4, "CheckpointLoaderSimple", loader),
        plain(6, "CLIPTextEncode", 180.0),
        plain(7, "CLIPTextEncode", 90.0),
        plain(5, "EmptyLatentImage", 2.0),
    ]
}

fn workflows() -> Vec<(&'static str, Vec<Node>)> {
    let sampler_heavy = [
        preface(2_500.0),
        vec![steps(3, "KSampler", 200.0, 20, 500.0, 20.0), plain(8, "VAEDecode", 450.0), plain(9, "SaveImage", 300.0)],
    ];
    let short = (0..40).map(|n| {
        let takes = [3.0, 40.0, 8.0, 250.0, 15.0, 1.0, 90.0, 600.0][n as usize % 8];
        let class = ["ImageScale", "ImageBlur", "MathExpression", "ImageSharpen", "StringConcat"][n as usize % 5];
        plain(20 + n, class, takes)
    });
    let two_samplers = [
        preface(2_000.0),
        vec![
            steps(3, "KSampler", 150.0, 20, 250.0, 10.0),
            plain(10, "LatentUpscale", 30.0),
            steps(11, "KSampler", 150.0, 14, 1_100.0, 10.0),
            plain(8, "VAEDecode", 1_400.0),
            plain(9, "SaveImage", 700.0),
        ],
    ];
    let upscaler = [
        preface(1_500.0),
        vec![
            steps(3, "KSampler", 150.0, 20, 180.0, 10.0),
            plain(8, "VAEDecode", 400.0),
            plain(13, "UpscaleModelLoader", 350.0),
            steps(14, "ImageUpscaleWithModel", 100.0, 9, 900.0, 250.0),
            plain(9, "SaveImage", 1_900.0),
        ],
    ];
    let no_bars = [
        preface(1_200.0),
        vec![
            plain(30, "VideoModelSampler", 9_000.0),
            plain(31, "FrameInterpolation", 6_000.0),
            plain(32, "VideoCombine", 3_500.0),
        ],
    ];
    let mut loading = sampler_heavy.concat();
    loading[0].before = 9_000.0;
    loading[4].loading = 7_000.0;
    vec![
        ("sampler heavy", sampler_heavy.concat()),
        ("many short nodes", short.collect()),
        ("two samplers", two_samplers.concat()),
        ("upscaler tail", upscaler.concat()),
        ("no bars", no_bars.concat()),
        ("model loading first", loading),
    ]
}

/// What may be otherwise the second time.
const VARIANTS: [&str; 10] = [
    "the same",
    "cached",
    "more steps",
    "another size",
    "other nodes",
    "0.4 times as long",
    "0.6 times as long",
    "1.6 times as long",
    "2.5 times as long",
    "models in memory",
];

fn varied(nodes: &[Node], variant: &str) -> Vec<Node> {
    let mut nodes = nodes.to_vec();
    // The server is faster or slower by that, in all that it does.
    let pace = variant.strip_suffix(" times as long").and_then(|pace| pace.parse().ok()).unwrap_or(1.0);
    for node in &mut nodes {
        node.before *= pace;
        node.step *= pace;
        node.after *= pace;
        // Once loaded a model stays so.
        node.loading = 0.0;
        let heavy =
            ["Sampler", "VAE", "Upscale", "Video", "Image", "Frame"].iter().any(|part| node.class.contains(part))
                && !node.class.contains("Loader");
        match variant {
            "cached" => node.cached = !heavy,
            "models in memory" if node.class.contains("Loader") => node.before *= 0.1,
            "more steps" if node.class == "KSampler" => node.steps = node.steps * 9 / 5,
            "another size" if heavy => {
                node.before *= 2.6;
                node.step *= 3.0;
                node.after *= 2.6;
            }
            _ => {}
        }
    }
    if variant == "other nodes" {
        let last = nodes.pop();
        nodes.extend([plain(50, "FaceDetailerPreview", 900.0), steps(51, "KSampler", 150.0, 8, 400.0, 10.0)]);
        nodes.extend(last);
    }
    nodes
}

/// The workflows, each run once and then once more in every variant. The same at each call.
pub fn simulated() -> Vec<Pair> {
    let mut chance = Chance(1);
    let mut pairs = Vec::new();
    for (workflow, nodes) in workflows() {
        for variant in VARIANTS {
            let first = run("first", &nodes, &mut chance);
            let second = run("second", &varied(&nodes, variant), &mut chance);
            pairs.push(Pair { workflow, variant, first, second });
        }
    }
    pairs
}

/// Somewhat more or less than 1, by chance.
struct Chance(u64);

impl Chance {
    fn about(&mut self, spread: f64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = f64::from(u32::try_from(self.0 >> 33).expect("31 bits")) / f64::from(1_u32 << 31);
        1.0 + spread * (2.0 * unit - 1.0)
    }
}

/// A server's messages while it runs.
struct Server {
    prompt_id: String,
    at: f64,
    states: Map<String, Value>,
    heard: Vec<(u64, ServerMessage)>,
}

impl Server {
    fn tell(&mut self, kind: &str, data: &Value) {
        let text = json!({"type": kind, "data": data}).to_string();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since the start")]
        self.heard.push(((self.at * 1_000.0) as u64, ServerMessage::Text(text)));
    }

    fn tell_state(&mut self, id: &str, value: u32, max: u32, state: &str) {
        let prompt = &self.prompt_id;
        let entry = json!({"value": value, "max": max, "state": state, "node_id": id, "prompt_id": prompt,
            "display_node_id": id, "parent_node_id": null, "real_node_id": id});
        self.states.insert(id.to_owned(), entry);
        let data = json!({"prompt_id": self.prompt_id, "nodes": self.states});
        self.tell("progress_state", &data);
    }
}

fn run(name: &str, nodes: &[Node], chance: &mut Chance) -> Run {
    let mut server = Server { prompt_id: name.to_owned(), at: 0.0, states: Map::new(), heard: Vec::new() };
    let prompt = name.to_owned();
    server.tell("execution_start", &json!({"prompt_id": prompt, "timestamp": 1}));
    server.at += 2.0;
    let cached: Vec<String> = nodes.iter().filter(|node| node.cached).map(|node| node.id.to_string()).collect();
    server.tell("execution_cached", &json!({"nodes": cached, "prompt_id": prompt, "timestamp": 1}));
    for node in nodes.iter().filter(|node| !node.cached) {
        let id = node.id.to_string();
        let pace = chance.about(0.04);
        server.tell_state(&id, 0, 1, "running");
        server.tell("executing", &json!({"node": id, "display_node": id, "prompt_id": prompt}));
        server.at += (node.before + node.loading) * pace;
        for step in 1..=node.steps {
            server.at += node.step * pace * chance.about(0.1);
            server.tell_state(&id, step, node.steps, "running");
            server.tell("progress", &json!({"value": step, "max": node.steps, "prompt_id": prompt, "node": id}));
        }
        server.at += node.after * pace;
        let max = node.steps.max(1);
        server.tell_state(&id, max, max, "finished");
    }
    server.at += 15.0;
    server.tell("execution_success", &json!({"prompt_id": prompt, "timestamp": 1}));
    let graph = nodes.iter().map(|node| (node.id.to_string(), node.class.to_owned())).collect();
    Run { name: name.to_owned(), prompt_id: prompt, graph, heard: server.heard }
}
