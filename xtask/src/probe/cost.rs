//! `cargo xtask cost`: instructions and stack on a Cortex-M4, in QEMU; and that it sees what the desktop sees.
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{build, figures::Figures};
use crate::debian;
use crate::process::output;
use crate::project::Project;

#[path = "../../../probe/cost/src/replay.rs"]
mod replay;

/// Seconds that the run may take; it takes one.
const PATIENCE: &str = "120";

/// Instructions that a kind of message may take from its frame's bytes to the state.
const TARGETS: [(&str, u64); 2] = [("progress", 2_500), ("progress-reordered", 5_000)];

/// Count instructions and bytes of stack on a Cortex-M4 in QEMU.
///
/// For each kind of message: what the decoder takes alone, what a session takes from the frame's bytes to the state, and
/// what it takes to tell the outputs of it. Also replays recordings there and here, which must end in the same snapshot.
/// Needs qemu-system-arm, which is installed where there are rights to. Exit status 1 where a figure is past its target
/// and not known to be, or a snapshot differs.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Builds, runs and prints.
///
/// # Errors
/// A figure is past its target, a snapshot differs, or the program can't be built or run.
pub(crate) fn run(_: &Args) -> Result<()> {
    let project = Project::read()?;
    debian::program("qemu-system-arm", "qemu-system-arm")?;
    let program = build(&project, ".", &["build", "--package", "probe-cost"])?.join("probe-cost");
    let said = emulate(&program)?;
    let mut figures = Figures::new();
    let (mut all, mut replays) = (0_u64, 0);
    for line in said.lines() {
        match *line.split(' ').collect::<Vec<_>>() {
            ["calibration", thousandths] => println!("1,000 ticks of the timer are {thousandths} instructions"),
            ["count", kind, bytes, decoder, session, outputs] => {
                let target = TARGETS.iter().find(|(name, _)| *name == kind).map(|(_, target)| *target);
                figures.add(format!("{kind} ({bytes} B), decoder"), decoder.parse()?, "instructions", None);
                figures.add(format!("{kind}, session"), session.parse()?, "instructions", target);
                figures.add(format!("{kind}, outputs"), outputs.parse()?, "instructions", None);
            }
            ["stack", what, bytes] => {
                let bytes: u64 = bytes.parse()?;
                all = bytes.max(all);
                figures.add(format!("stack, {what}"), bytes, "B", (what == "event").then_some(1_024));
            }
            ["replay", name, ..] => {
                let snapshot = line.splitn(3, ' ').nth(2).unwrap_or_default();
                ensure!(snapshot == here(name)?, "{name} ends in another snapshot there:\n{snapshot}\n{}", here(name)?);
                println!("{name} ends in the same snapshot of {} bytes on both", snapshot.len());
                replays += 1;
            }
            _ => bail!("the program said {line:?}, which is no figure"),
        }
    }
    ensure!(replays == replay::RECORDINGS.len(), "the program replayed {replays} recordings only");
    figures.add("stack, in all", all, "B", Some(4_096));
    figures.finish()
}

/// What the program says on a Cortex-M4 that runs an instruction in a nanosecond.
fn emulate(program: &Path) -> Result<String> {
    let machine = ["-machine", "mps2-an386", "-icount", "shift=0", "-nodefaults", "-display", "none"];
    let exit = ["-semihosting-config", "enable=on,target=native", "-kernel"];
    output(Command::new("timeout").args([PATIENCE, "qemu-system-arm"]).args(machine).args(exit).arg(program))
}

/// The snapshot that a recording ends in on this machine.
fn here(name: &str) -> Result<String> {
    let (_, recording) = replay::RECORDINGS.iter().find(|(found, _)| *found == name).context("no such recording")?;
    let mut snapshot = [0; replay::SNAPSHOT];
    let len = replay::replay(recording, &mut snapshot);
    Ok(std::str::from_utf8(&snapshot[..len])?.to_owned())
}
