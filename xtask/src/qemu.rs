//! `cargo xtask qemu`: the firmware on a board that QEMU plays, its display before one's eyes.
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use comfyglow::simulator::Simulator;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{boards::LM3S6965, project::Project};

pub(crate) mod control;
pub(crate) mod image;
mod machine;
mod measures;
pub(crate) mod meter;
pub(crate) mod picture;
pub(crate) mod screens;
pub(crate) mod stations;
mod witness;

use machine::{Machine, Pace};
use picture::Picture;

/// Who submits the workflows that are watched.
const OTHER: &str = "somebody-else";

/// How often the display is looked at.
const LOOK: Duration = Duration::from_millis(40);

/// Run the firmware on a board that QEMU plays, and show its display.
///
/// Builds firmware-example/qemu-lm3s6965, starts a simulator with workflows, unless a server is named, and QEMU. Each picture
/// of the display that differs goes into a folder as a numbered PNG; the firmware's logs are printed. At the end the
/// firmware is turned off by its button; the exit status is 0 if it then ended well. Needs qemu-system-arm, and a compiler
/// for thumbv7m-none-eabi: rustup's, or else Debian's, which is fetched into target/.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The server to watch, instead of a simulator
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
    /// Where the pictures go [default: target/qemu]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long to watch
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u64,
    /// Show the display in the terminal, as it changes
    #[arg(long)]
    watch: bool,
}

/// Builds, runs, and keeps the pictures.
///
/// # Errors
/// QEMU or a compiler is missing, the build fails, or the firmware doesn't end well.
pub(crate) fn run(args: &Args) -> Result<()> {
    let project = Project::read()?;
    let runtime = Runtime::new()?;
    machine::is_there()?;
    let image = LM3S6965.build(&project)?;
    let out = args.out.clone().unwrap_or_else(|| project.target_dir.join("qemu"));
    let simulator = match args.server {
        Some(_) => None,
        None => Some(runtime.block_on(simulator(true))?),
    };
    let server = match (&args.server, &simulator) {
        (Some(server), _) => inside(server),
        (None, Some(simulator)) => host(simulator.addr()),
        (None, None) => bail!("there is a simulator where no server is named"),
    };
    let mut album = Album::new(&out)?;
    let mut machine = Machine::start(&image, &out, &server, !args.watch, Pace::Host)?;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut next = Instant::now() + Duration::from_secs(1);
    let mut workflows = [graph(20, 150), graph(12, 200), failing()].into_iter().cycle();
    while Instant::now() < end && machine.runs()? {
        if let Some(simulator) = simulator.as_ref().filter(|_| Instant::now() >= next) {
            if simulator.queue_remaining() == 0 {
                submit(simulator, &workflows.next().unwrap_or_default())?;
            }
            next = Instant::now() + Duration::from_secs(5);
        }
        let picture = machine.picture()?;
        if album.add(&picture)? && args.watch {
            print!("\x1b[H\x1b[J{}", picture.halves());
        }
        thread::sleep(LOOK);
    }
    let status = machine.turn_off()?;
    println!("{} pictures in {}; the firmware ended with {status}", album.count, out.display());
    if status == 0 { Ok(()) } else { bail!("the firmware didn't end well") }
}

/// A simulator on a free port; with the extension that lets others watch, or as ComfyUI is.
pub(crate) async fn simulator(mirror: bool) -> Result<Simulator> {
    let simulator = Simulator::builder();
    let simulator = if mirror { simulator.observer_mirror("comfyglow-") } else { simulator };
    Ok(simulator.start().await?)
}

/// Submits `graph` as another program would.
pub(crate) fn submit(simulator: &Simulator, graph: &Value) -> Result<String> {
    Ok(simulator.submit(&json!({"prompt": graph, "client_id": OTHER}))?)
}

/// A picture that is made in `steps` steps of `ms`; none of it is in the cache.
pub(crate) fn graph(steps: u32, ms: u32) -> Value {
    let seed = getrandom::u32().unwrap_or(1);
    json!({
        "4": {"class_type": "ModelLoader", "inputs": {"sim_ms": ms * 4, "seed": seed}},
        "3": {"class_type": "PatientSampler", "inputs": {"sim_steps": steps, "sim_ms": ms, "model": ["4", 0]}},
        "8": {"class_type": "PictureDecode", "inputs": {"sim_ms": ms * 3, "samples": ["3", 0]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "picture"}},
    })
}

/// What `failing` says.
const FAILURE: &str = "Allocation on device 0 would exceed allowed memory.";

/// A workflow that fails amid its sampler.
fn failing() -> Value {
    let mut graph = graph(10, 60);
    graph["3"]["inputs"]["sim_error"] = json!(FAILURE);
    graph["3"]["inputs"]["sim_error_type"] = json!("OutOfMemoryError");
    graph["3"]["inputs"]["sim_error_at"] = json!(4);
    graph
}

/// The host's own address as the machine in QEMU sees it.
pub(crate) fn host(address: SocketAddr) -> String {
    format!("{}:{}", machine::HOST, address.port())
}

/// A server's address as the machine in QEMU sees it: what is this host's own has another name there.
fn inside(server: &str) -> String {
    let (name, port) = server.split_once(':').unwrap_or((server, "8188"));
    let ours = matches!(name, "localhost" | "127.0.0.1" | "0.0.0.0");
    format!("{}:{port}", if ours { machine::HOST } else { name })
}

/// Pictures in a folder, numbered, each other than the one before.
pub(crate) struct Album {
    folder: PathBuf,
    count: u32,
    last: Option<Picture>,
}

impl Album {
    /// Begins afresh in `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "png") {
                fs::remove_file(path)?;
            }
        }
        Ok(Self { folder: folder.to_owned(), count: 0, last: None })
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Keeps `picture` if it is another; whether it is.
    pub(crate) fn add(&mut self, picture: &Picture) -> Result<bool> {
        if self.last.as_ref() == Some(picture) {
            return Ok(false);
        }
        picture.write_png(&self.folder.join(format!("{:04}.png", self.count)))?;
        self.count += 1;
        self.last = Some(picture.clone());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_another_name_inside() {
        assert_eq!(inside("localhost"), "10.0.2.2:8188");
        assert_eq!(inside("127.0.0.1:9000"), "10.0.2.2:9000");
        assert_eq!(inside("desk"), "desk:8188");
        assert_eq!(inside("192.168.1.7:80"), "192.168.1.7:80");
    }
}
