//! How quick and how sparing the firmware is: a run of its own, on a board whose clock counts instructions.
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use comfyglow::simulator::{Recipients, Simulator};
use serde_json::json;
use tokio::runtime::Runtime;

use super::machine::Pace;
use super::meter::Reading;
use super::screens::Title;
use super::stations::{Stage, progress};
use super::{graph, simulator, submit};
use crate::figures::Figures;

/// The board's cycles in a microsecond.
const MEGAHERTZ: u32 = 50;

/// Steps of the run, and how many milliseconds each takes.
const STEPS: u32 = 20;
const STEP: u32 = 300;

/// Those that are measured: with the first comes another screen, and with the last the next node.
const MEASURED: u32 = 16;

/// Bytes that may be sent to the display for a step, on average.
const BYTES: u64 = 200;

/// Microseconds that may pass from the MAC's interrupt to the display's last byte.
const LATENCY: u64 = 5_000;

/// Nanoseconds of a byte on the display's bus of 5 MHz, which takes no time in QEMU.
const BUS: u64 = 1_600;

/// Messages that come at once.
const FLOOD: u64 = 4_000;

/// How often it is looked at whether a step is painted.
const LOOK: Duration = Duration::from_millis(5);

/// Measures, and adds the figures.
///
/// # Errors
/// The display doesn't show what it should, or the firmware doesn't end well.
pub(super) fn measure(runtime: &Runtime, image: &Path, out: &Path, figures: &mut Figures) -> Result<()> {
    let simulator = runtime.block_on(simulator(true))?;
    let mut stage = Stage::new(image, out, &simulator, Pace::Instructions)?;
    stage.station("ready", 20, |picture| picture.has_title(Title::Ready))?;
    submit(&simulator, &graph(STEPS, STEP))?;
    stage.station("its first step", 10, |picture| picture.steps_are(1, STEPS.into()))?;
    let before = stage.read()?;
    let (mut last, mut took) = (before, Vec::new());
    let end = Instant::now() + Duration::from_millis((STEP * MEASURED).into());
    while Instant::now() < end {
        let reading = stage.read()?;
        if reading.changes != last.changes {
            took.push((micros(reading), reading.sent));
        }
        last = reading;
        thread::sleep(LOOK);
    }
    let bytes = last.bytes.wrapping_sub(before.bytes);
    ensure!(took.len() > 2, "the display changed {} times in {MEASURED} steps", took.len());
    took.sort_unstable();
    let (median, most) = (took[took.len() / 2].0, took[took.len() - 1].0);
    println!("microseconds from the interrupt to the display, and bytes sent to it: {took:?}");
    stage.station("measured, done", 20, |picture| picture.has_title(Title::Done))?;
    let id = submit(&simulator, &graph(1, 8_000))?;
    stage.station("before all of a flood", 10, |picture| picture.percent().is_some())?;
    let rate = drain(&mut stage, &simulator, &id)?;
    stage.end()?;
    figures.add("firmware, a step to the display", u64::from(bytes / MEASURED), "B", Some(BYTES));
    figures.add("firmware, interrupt to display, median", median, "µs", Some(LATENCY));
    figures.add("firmware, interrupt to display, most", most, "µs", Some(LATENCY));
    figures.add("firmware, messages drained", rate, "a second", None);
    Ok(())
}

/// From the interrupt to the last byte, with what the bus would take.
fn micros(reading: Reading) -> u64 {
    u64::from(reading.cycles / MEGAHERTZ) + u64::from(reading.sent) * BUS / 1_000
}

/// Messages in a second of the board's, when more come than it can take.
fn drain(stage: &mut Stage, simulator: &Simulator, id: &str) -> Result<u64> {
    let before = stage.read()?;
    for value in 1..=FLOOD {
        let message = json!({"type": "progress_state", "data": progress(id, "3", value, FLOOD)});
        simulator.deliver_text(Recipients::Everyone, &message.to_string());
    }
    stage.station("all of a flood", 30, |picture| picture.steps_are(FLOOD, FLOOD))?;
    let micros = u64::from(stage.read()?.idle.wrapping_sub(before.idle) / MEGAHERTZ);
    println!("{FLOOD} messages at once: shown after {} ms of the board's", micros / 1_000);
    ensure!(micros > 0, "the board's clock stands still");
    Ok(FLOOD * 1_000_000 / micros)
}
