//! `cargo xtask qemu-test`: the firmware through all that may come, its display read at each station.
use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use comfyglow::simulator::{Recipients, Simulator};
use comfyglow_core::view::ErrorView;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::machine::{self, Machine, Pace};
use super::measures;
use super::meter::{Meter, Reading};
use super::picture::Picture;
use super::screens::Title;
use super::witness::Witness;
use super::{Album, FAILURE, LOOK, failing, graph, host, image, simulator, submit};
use crate::boards::LM3S6965;
use crate::figures::Figures;
use crate::project::Project;
use crate::steps::Outcome;

/// Bytes that an image may take of flash, and all of it of RAM.
const FLASH: u64 = 96 * 1_024;
const RAM: u64 = 40 * 1_024;

/// Bytes of the large messages: of a preview, and of a node's output.
const PREVIEW: usize = 5_000_000;
const OUTPUT: usize = 4_000_000;

/// Messages of a flood, which lasts a second, and how many come at once.
const FLOOD: u64 = 4_000;
const BURST: u64 = 40;

/// How far behind the state may be once a flood is over.
const BEHIND: Duration = Duration::from_secs(1);

/// A flood counts where it was sent in so long; the last of so many counts anyway.
const SECOND: Duration = Duration::from_millis(1_100);
const FLOODS: u32 = 3;

/// How long another client may have to wait meanwhile.
const WAITED: Duration = Duration::from_millis(250);

/// How many prompts come in a row.
const PROMPTS: usize = 100;

/// Bytes of an interrupt's own frames: the stack is as much deeper where one happens to come at its deepest point.
const CHANCE: u64 = 128;

/// Take the firmware through all that may come, in QEMU, and read its display at each station.
///
/// A workflow of another client, on a stock server and on one with the extension; an error; a server's restart; large
/// messages; a flood; a hundred prompts; a cable that is pulled. Then it is turned off, and its memory is told. Leaves
/// pictures in target/qemu-test.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only measure how quick and how sparing it is
    #[arg(long)]
    measures: bool,
}

/// Goes through all stations.
///
/// # Errors
/// The display doesn't show what it should, or the firmware doesn't end well, or takes more than it may.
pub(crate) fn run(args: &Args) -> Result<()> {
    test(&Project::read()?, args.measures)
}

/// The same, as a step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    test(project, false)?;
    Ok(Outcome::Done)
}

fn test(project: &Project, only_measure: bool) -> Result<()> {
    machine::is_there()?;
    let image = LM3S6965.build(project)?;
    let runtime = Runtime::new()?;
    let out = project.target_dir.join("qemu-test");
    let mut figures = Figures::new();
    figures.add("firmware, flash", image::flash(&image)?, "B", Some(FLASH));
    if !only_measure {
        stock(&runtime, &image, &out.join("stock"))?;
        let memory = mirrored(&runtime, &image, &out.join("extension"))?;
        figures.add("firmware, statics", memory.statics, "B", None);
        figures.add("firmware, stack", memory.stack, "B", None);
        figures.add("firmware, RAM", memory.statics + memory.stack, "B", Some(RAM));
    }
    measures::measure(&runtime, &image, &out.join("measures"), &mut figures)?;
    figures.finish()
}

/// On a server as it is: that a prompt runs, and how it ended, is known by asking.
fn stock(runtime: &Runtime, image: &Path, out: &Path) -> Result<()> {
    let simulator = runtime.block_on(simulator(false))?;
    let mut stage = Stage::new(image, out, &simulator, Pace::Host)?;
    stage.station("ready", 10, |picture| picture.has_title(Title::Ready))?;
    submit(&simulator, &graph(10, 100))?;
    stage.station("stock, running", 5, |picture| !picture.has_title(Title::Ready))?;
    stage.station("stock, done", 20, |picture| picture.has_title(Title::Done))?;
    stage.end()?;
    Ok(())
}

/// On a server with the extension, which lets others hear.
fn mirrored(runtime: &Runtime, image: &Path, out: &Path) -> Result<Memory> {
    let simulator = runtime.block_on(simulator(true))?;
    let mut stage = Stage::new(image, out, &simulator, Pace::Host)?;
    stage.station("ready", 10, |picture| picture.has_title(Title::Ready))?;

    submit(&simulator, &graph(20, 100))?;
    let mut seen = BTreeSet::new();
    let mut falls = false;
    stage.station("done", 20, |picture| {
        if let Some(percent) = picture.percent() {
            falls |= seen.last().is_some_and(|last| *last > percent);
            seen.insert(percent);
        }
        picture.has_title(Title::Done)
    })?;
    ensure!(seen.len() >= 8 && !falls, "the percentages that were seen don't rise: {seen:?}");
    println!("percentages seen: {seen:?}");

    submit(&simulator, &failing())?;
    let error = ErrorView {
        node_id: Some("3"),
        node_type: Some("PatientSampler"),
        exception_type: "OutOfMemoryError",
        exception_message: FAILURE,
        truncated: false,
    };
    stage.station("error", 20, |picture| picture.tells(error))?;
    stage.machine.press("ctrl", Duration::from_millis(60))?;
    stage.machine.press("ctrl", Duration::from_millis(60))?;
    stage.station("dismissed", 5, |picture| picture.has_title(Title::Ready))?;

    submit(&simulator, &graph(100, 100))?;
    stage.station("running", 10, |picture| picture.percent().is_some_and(|percent| percent > 10))?;
    runtime.block_on(simulator.restart());
    stage.station("the server is gone", 10, |picture| picture.percent().is_none())?;
    submit(&simulator, &graph(10, 100))?;
    stage.station("restarted, done", 30, |picture| picture.has_title(Title::Done))?;

    large(&mut stage, &simulator)?;
    flood(&mut stage, &simulator)?;

    prompts(&mut stage, &simulator)?;

    stage.machine.press("ctrl", Duration::from_millis(60))?;
    stage.station("dismissed", 5, |picture| picture.has_title(Title::Ready))?;
    stage.machine.cable(false)?;
    stage.station("the cable is pulled", 60, |picture| !picture.has_title(Title::Ready))?;
    stage.machine.cable(true)?;
    submit(&simulator, &graph(30, 200))?;
    stage.station("plugged in again", 60, |picture| picture.percent().is_some())?;
    stage.station("done again", 20, |picture| picture.has_title(Title::Done))?;
    stage.end()
}

/// A hundred prompts in a row: from the second on they take no more of the stack.
fn prompts(stage: &mut Stage, simulator: &Simulator) -> Result<()> {
    let mut row = |name: &str, count: usize| {
        for _ in 0..count {
            submit(simulator, &graph(1, 1))?;
        }
        stage.station(name, 150, |picture| simulator.queue_remaining() == 0 && picture.has_title(Title::Done))?;
        stage.stack()
    };
    let begun = row("two prompts", 2)?;
    let ended = row("a hundred prompts", PROMPTS - 2)?;
    ensure!(ended <= begun + CHANCE, "a hundred prompts took the stack from {begun} to {ended} bytes");
    Ok(())
}

/// A preview and an output of megabytes amid a prompt.
fn large(stage: &mut Stage, simulator: &Simulator) -> Result<()> {
    let id = submit(simulator, &graph(40, 100))?;
    stage.station("before large messages", 10, |picture| picture.percent().is_some_and(|percent| percent > 10))?;
    // Kind 1, a JPEG.
    let preview = [&[0, 0, 0, 1, 0, 0, 0, 1][..], &vec![0xA5; PREVIEW]].concat();
    simulator.deliver_binary(Recipients::Everyone, &preview);
    let text = "x".repeat(OUTPUT);
    let output = json!({"node": "4", "display_node": "4", "output": {"text": [text]}, "prompt_id": id});
    simulator.deliver_text(Recipients::Everyone, &json!({"type": "executed", "data": output}).to_string());
    stage.station("amid large messages", 10, |picture| picture.percent().is_some_and(|percent| percent > 60))?;
    stage.station("large messages, done", 20, |picture| picture.has_title(Title::Done))
}

/// Thousands of messages within a second. A machine that is too busy to send them in time tells nothing of the gadget: there
/// they are sent once more.
fn flood(stage: &mut Stage, simulator: &Simulator) -> Result<()> {
    for time in 1..=FLOODS {
        let Flood { sent, took, gap } = pour(stage, simulator)?;
        let [sent_ms, took_ms, gap_ms] = [sent, took, gap].map(|span| span.as_millis());
        println!("{FLOOD} messages in {sent_ms} ms; shown {took_ms} ms later; another client waited {gap_ms} ms");
        if sent <= SECOND || time == FLOODS {
            ensure!(gap <= WAITED, "the gadget had another client wait {gap_ms} ms");
            ensure!(took <= BEHIND, "the display was {took_ms} ms behind");
            break;
        }
        println!("This machine was too busy to send them within a second: once more");
    }
    Ok(())
}

/// What a flood led to.
struct Flood {
    /// How long it was sent for.
    sent: Duration,
    /// How long after that all of it was shown.
    took: Duration,
    /// How long another client had nothing to read.
    gap: Duration,
}

/// One flood; the last of its messages counts.
fn pour(stage: &mut Stage, simulator: &Simulator) -> Result<Flood> {
    let to_all = |kind: &str, data: serde_json::Value| {
        simulator.deliver_text(Recipients::Everyone, &json!({"type": kind, "data": data}).to_string());
    };
    let id = "f100d000-0000-4000-8000-000000000000";
    to_all("execution_start", json!({"prompt_id": id, "timestamp": 1}));
    let witness = Witness::new(simulator.addr())?;
    let begun = Instant::now();
    for value in 1..=FLOOD {
        to_all("progress_state", progress(id, "1", value, FLOOD * 2));
        if value % BURST == 0 {
            thread::sleep(
                (begun + Duration::from_micros(value * 1_000_000 / FLOOD)).saturating_duration_since(Instant::now()),
            );
        }
    }
    let sent = begun.elapsed();
    let begun = Instant::now();
    // Half of one node's steps, and nobody knows how many nodes there are.
    stage.station("a flood", 10, |picture| picture.percent() == Some(50) || picture.steps_are(FLOOD, FLOOD * 2))?;
    let took = begun.elapsed();
    let gap = witness.leave()?;
    to_all("execution_success", json!({"prompt_id": id, "timestamp": 2}));
    stage.station("the flood is over", 10, |picture| picture.has_title(Title::Done))?;
    Ok(Flood { sent, took, gap })
}

/// That a node of a prompt is at this step.
pub(super) fn progress(id: &str, node: &str, value: u64, max: u64) -> Value {
    let state = json!({"value": value, "max": max, "state": "running", "node_id": node, "prompt_id": id,
        "display_node_id": node, "parent_node_id": null, "real_node_id": node});
    json!({"prompt_id": id, "nodes": {node: state}})
}

/// What the firmware told of its memory.
pub(super) struct Memory {
    statics: u64,
    stack: u64,
}

/// A board and its pictures.
pub(super) struct Stage {
    machine: Machine,
    album: Album,
    meter: Meter,
}

impl Stage {
    pub(super) fn new(image: &Path, out: &Path, simulator: &Simulator, pace: Pace) -> Result<Self> {
        let album = Album::new(out)?;
        // Nothing of an earlier run.
        _ = std::fs::remove_file(out.join("flash.bin"));
        let machine = Machine::start(image, out, &host(simulator.addr()), true, pace)?;
        Ok(Self { machine, album, meter: Meter::of(image)? })
    }

    /// What the firmware has measured.
    pub(super) fn read(&mut self) -> Result<Reading> {
        self.meter.read(&mut self.machine)
    }

    /// Bytes that the stack had at most until now.
    fn stack(&mut self) -> Result<u64> {
        self.meter.stack(&mut self.machine)
    }

    /// Looks at the display until it shows what it should.
    pub(super) fn station(&mut self, name: &str, seconds: u64, mut shows: impl FnMut(&Picture) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            ensure!(self.machine.runs()?, "{name}: the firmware has ended");
            let picture = self.machine.picture()?;
            self.album.add(&picture)?;
            if shows(&picture) {
                let took = begun.elapsed().as_secs_f64();
                let stack = self.stack()?;
                println!("{name}: after {took:.1} s, picture {}; stack {stack} B", self.album.count - 1);
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(seconds) {
                bail!("{name}: not shown within {seconds} s; see picture {}", self.album.count - 1);
            }
            thread::sleep(LOOK);
        }
    }

    /// Turns it off: its memory.
    pub(super) fn end(self) -> Result<Memory> {
        let Self { machine, album, .. } = self;
        let lines = machine.lines();
        let status = machine.turn_off()?;
        ensure!(status == 0, "the firmware ended with {status}");
        println!("{} pictures", album.count);
        let lines = lines();
        let line =
            lines.iter().find_map(|line| line.split_once("memory: ")).context("it told nothing of its memory")?;
        let numbers: Vec<u64> = line.1.split([',', ' ']).filter_map(|word| word.parse().ok()).collect();
        let [_, statics, stack] = numbers[..] else { bail!("it told of its memory {:?}", line.1) };
        Ok(Memory { statics, stack })
    }
}
