//! `cargo xtask partition`: a network that is cut amid a prompt, by Linux's network namespaces.
use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::process::{cargo, run as execute};
use crate::project::Project;

const NAMESPACE: &str = "comfyglow";
const OURS: &str = "comfyglow0";
const THEIRS: &str = "comfyglow1";
const SERVER: &str = "10.77.0.2:8188";

/// How long `run` is given to end once the network is whole again: a longest pause of the circuit breaker, and more.
const PATIENCE: Duration = Duration::from_mins(2);

/// Cut the network between `comfyglow run` and a simulator amid a prompt, and see that the outcome is told (Linux, root)
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long the network stays cut, in seconds; a lost server is found out within 46
    #[arg(long, value_name = "N", default_value_t = 70)]
    seconds: u64,
}

/// Runs a prompt over a link between two network namespaces, cuts the link, and mends it.
///
/// # Errors
/// The link can't be made, or `run` doesn't end with the prompt's success.
pub(crate) fn run(args: &Args) -> Result<()> {
    let project = Project::read()?;
    execute(cargo().args(["build", "--package", "comfyglow"]))?;
    let program = project.target_dir.join("debug/comfyglow");
    let workflow = project.target_dir.join("partition.json");
    serde_json::to_writer(File::create(&workflow)?, &graph())?;
    let _namespace = Namespace::make().context("network namespaces need Linux, root, and Debian's package iproute2")?;
    let mut simulate = Command::new("ip");
    simulate.args(["netns", "exec", NAMESPACE]).arg(&program).args(["simulate", "--listen", SERVER]);
    let mut simulator = Ended(simulate.stdout(Stdio::piped()).spawn()?);
    let listening = simulator.0.stdout.take().context("it is piped")?;
    BufReader::new(listening).read_line(&mut String::new())?;
    let mut watched = watched(&program, &workflow, Duration::from_secs(args.seconds))?;
    let deadline = Instant::now() + PATIENCE;
    while watched.0.try_wait()?.is_none() {
        if Instant::now() > deadline {
            bail!("the network is whole again, but `run` has not ended within {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let status = watched.0.wait()?;
    if !status.success() {
        bail!("`run` ended with {status}, though the prompt succeeded");
    }
    println!("The network was cut for {} s amid a prompt, and its outcome was told.", args.seconds);
    Ok(())
}

/// `run` amid its prompt, the network cut and mended.
fn watched(program: &Path, workflow: &Path, cut: Duration) -> Result<Ended> {
    let mut run = Command::new(program);
    run.arg("run").arg(workflow).args(["--server", SERVER, "--no-learn"]).stdout(Stdio::piped());
    let mut run = Ended(run.spawn()?);
    let mut lines = BufReader::new(run.0.stdout.take().context("it is piped")?).lines();
    for line in lines.by_ref() {
        let line = line?;
        println!("{line}");
        if line.contains("KSampler") {
            break;
        }
    }
    execute(Command::new("ip").args(["netns", "exec", NAMESPACE, "ip", "link", "set", THEIRS, "down"]))?;
    // What it tells meanwhile is shown as it comes.
    thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println!("{line}")));
    thread::sleep(cut);
    execute(Command::new("ip").args(["netns", "exec", NAMESPACE, "ip", "link", "set", THEIRS, "up"]))?;
    Ok(run)
}

/// A sampler of 40 s.
fn graph() -> serde_json::Value {
    json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "model.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a lighthouse"}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
        "4": {"class_type": "KSampler", "inputs": {
            "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0], "seed": 1,
            "steps": 100, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "sim_ms": 400}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "partition"}},
    })
}

/// A program that is ended with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A network namespace with a link to ours, gone with this.
struct Namespace;

impl Namespace {
    fn make() -> Result<Self> {
        let ip = |line: &str| execute(Command::new("ip").args(line.split(' ')));
        ip(&format!("netns add {NAMESPACE}"))?;
        let made = Self;
        ip(&format!("link add {OURS} type veth peer name {THEIRS} netns {NAMESPACE}"))?;
        ip(&format!("address add 10.77.0.1/24 dev {OURS}"))?;
        ip(&format!("link set {OURS} up"))?;
        ip(&format!("netns exec {NAMESPACE} ip address add 10.77.0.2/24 dev {THEIRS}"))?;
        ip(&format!("netns exec {NAMESPACE} ip link set {THEIRS} up"))?;
        Ok(made)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The link goes with it.
        let _ = Command::new("ip").args(["netns", "delete", NAMESPACE]).status();
    }
}
