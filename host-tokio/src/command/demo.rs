use comfyglow::simulator::Simulator;
use serde_json::{Value, json};

use super::{Exit, screen::Screen, watch::Watch};

/// Show a workflow in progress, no ComfyUI needed
///
/// Runs a text-to-image workflow with two samplers on a simulated ComfyUI, and watches it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow demo
  comfyglow demo --fail        what a failure looks like
  comfyglow demo --speed 3     for the impatient")]
pub(super) struct Args {
    /// The second sampler runs out of memory
    #[arg(long)]
    fail: bool,
    /// How many times as fast as a graphics card would be
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Print a snapshot at each change, as a line of JSON
    #[arg(long)]
    json: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = super::number(text)?;
    if speed > 0.0 { Ok(speed) } else { Err("it is more than 0".to_owned()) }
}

/// Who submits the demo's prompts, and watches them.
const CLIENT: &str = "comfyglow-demo";

pub(super) async fn run(args: Args, verbose: bool) -> anyhow::Result<Exit> {
    let simulator = Simulator::builder().speed(args.speed).previews(true).start().await?;
    // An earlier run, whose results are still known to the later one.
    simulator.submit(&json!({"prompt": earlier_graph()}))?;
    simulator.settled().await;
    let label = "a simulated ComfyUI".to_owned();
    let screen = if args.json { Screen::json() } else { Screen::for_people(label, verbose) };
    let watch = Watch {
        address: simulator.url().parse()?,
        attempts: None,
        client_id: Some(CLIENT.to_owned()),
        once: true,
        history: None,
        learned: None,
        screen,
    };
    let submitted = async {
        simulator.wait_for_sockets(1).await;
        let submitted = simulator.submit(&json!({"prompt": graph(args.fail), "client_id": CLIENT}));
        submitted.map(|_| std::future::pending::<Exit>())
    };
    tokio::select! {
        exit = watch.run() => exit,
        refused = async { match submitted.await { Ok(never) => Ok(never.await), Err(refusal) => Err(refusal) } } => Ok(refused?),
    }
}

/// Loads the model and encodes one of the texts, in no time.
fn earlier_graph() -> Value {
    let full = graph(false);
    json!({
        "4": full["4"],
        "5": full["5"],
        "7": full["7"],
        "20": {"class_type": "PreviewAny", "inputs": {"a": ["5", 0], "b": ["7", 0], "sim_ms": 0}},
    })
}

/// Text to image, then once more at twice the size.
fn graph(fail: bool) -> Value {
    let sampler = |seed: u64, steps: u32, latent: &str, denoise: f64, ms: u32| {
        json!({"class_type": "KSampler", "inputs": {
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": [latent, 0],
            "seed": seed, "steps": steps, "cfg": 7.0, "sampler_name": "dpmpp_2m", "scheduler": "karras",
            "denoise": denoise, "sim_ms": ms,
        }})
    };
    let mut graph = json!({
        "3": sampler(8_675_309, 24, "5", 1.0, 210),
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {
            "ckpt_name": "sd_xl_base_1.0.safetensors", "sim_ms": 0}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1, "sim_ms": 0}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {
            "clip": ["4", 1], "text": "a lighthouse in a snow globe, warm light", "sim_ms": 700}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "blurry, text", "sim_ms": 0}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["11", 0], "vae": ["4", 2], "sim_ms": 1_300}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "glow", "sim_ms": 400}},
        "10": {"class_type": "LatentUpscale", "inputs": {
            "samples": ["3", 0], "upscale_method": "bicubic", "width": 2048, "height": 2048, "crop": "disabled",
            "sim_ms": 600}},
        "11": sampler(8_675_310, 16, "10", 0.55, 520),
    });
    if fail {
        let inputs = &mut graph["11"]["inputs"];
        inputs["sim_error_type"] = json!("torch.OutOfMemoryError");
        inputs["sim_error"] = json!(
            "Allocation on device 0 would exceed allowed memory. (out of memory)\n\
             Currently allocated     : 7.12 GiB\n\
             Requested               : 2.25 GiB\n\
             Device limit            : 8.00 GiB\n"
        );
    }
    graph
}
