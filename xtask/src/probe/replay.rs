//! `cargo xtask replay-mcu`: recordings end in the same snapshot on every machine.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use comfyglow::recording::{Message, Recording, What, server_frame};
use comfyglow::replay::Replay;

use super::build_for;
use crate::debian;
use crate::figures::Figures;
use crate::process::output;
use crate::project::Project;
use crate::steps::Outcome;

#[path = "../../../probe/replay/src/tape.rs"]
mod tape;

use tape::{LARGEST, PIECES, SNAPSHOT, Step, Tape, play};

/// Seconds that a machine may take for all of it; it takes a few.
const PATIENCE: &str = "120";

/// A close frame's opcode.
const CLOSE: u8 = 8;

/// A machine that QEMU plays.
struct Machine {
    target: &'static str,
    emulator: &'static str,
    /// Debian's, which has the emulator.
    package: &'static str,
    arguments: &'static [&'static str],
}

const MACHINES: [Machine; 2] = [
    Machine {
        target: super::TARGET,
        emulator: "qemu-system-arm",
        package: "qemu-system-arm",
        arguments: &["-machine", "mps2-an385"],
    },
    Machine {
        target: "riscv32imac-unknown-none-elf",
        emulator: "qemu-system-riscv32",
        package: "qemu-system-misc",
        arguments: &["-machine", "virt", "-bios", "none"],
    },
];

/// Replay recordings here, on a Cortex-M3 and on a RISC-V: all must end in the same snapshot, byte for byte.
///
/// Each connection of each recording is played to a gadget's session and to a desktop's, in pieces of several sizes; the
/// desktop's snapshot must also be that of `comfyglow replay`. The recordings are those in tests/fixtures/traces, or in
/// the folder that `COMFYGLOW_TRACES` names. The other machines are QEMU's, which is installed where there are rights to.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Replays and compares.
///
/// # Errors
/// A snapshot differs, or the program can't be built or run.
pub(crate) fn run(_: &Args) -> Result<()> {
    compare(&Project::read()?)
}

/// The same, as a step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    compare(project)?;
    Ok(Outcome::Done)
}

/// The snapshots that differ, as a figure for each machine.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn figures(project: &Project) -> Result<Figures> {
    compare(project)?;
    let mut figures = Figures::new();
    for machine in &MACHINES {
        figures.add(format!("snapshots that differ, {}", machine.target), 0, "", Some(0));
    }
    Ok(figures)
}

fn compare(project: &Project) -> Result<()> {
    for machine in &MACHINES {
        debian::program(machine.emulator, machine.package)?;
    }
    let tapes = tapes(project)?;
    let here = here(&tapes)?;
    let folder = project.target_dir.join("probe");
    fs::create_dir_all(&folder)?;
    let lengths = tapes.iter().map(|tape| u32::try_from(tape.len()).map(u32::to_le_bytes));
    let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
    let file: Vec<_> = lengths.iter().zip(&tapes).flat_map(|(length, tape)| [&length[..], tape]).collect();
    fs::write(folder.join("tapes"), file.concat()).context("the tapes can't be written")?;
    println!(
        "{} connections, {} KB, {} snapshots of them here",
        tapes.len(),
        tapes.iter().map(Vec::len).sum::<usize>() / 1_024,
        here.len()
    );
    for machine in &MACHINES {
        let program = build_for(project, machine.target, ".", &["build", "--package", "probe-replay"])?;
        let there = machine.play(&program.join("probe-replay"), &folder)?;
        for (here, there) in here.iter().zip(there.lines()) {
            ensure!(here == there, "not the same on {}:\n{there}\nand here:\n{here}", machine.target);
        }
        let count = there.lines().count();
        ensure!(count == here.len(), "{} told {count} snapshots only", machine.target);
        println!("the same {count} on {}", machine.target);
    }
    Ok(())
}

impl Machine {
    /// What the program says when it is started in `folder`.
    fn play(&self, program: &Path, folder: &Path) -> Result<String> {
        let quiet = ["-nodefaults", "-display", "none", "-semihosting-config", "enable=on,target=native", "-kernel"];
        let mut command = Command::new("timeout");
        command.args([PATIENCE, self.emulator]).args(self.arguments).args(quiet).arg(program);
        output(command.current_dir(folder))
    }
}

/// What the program is to say.
fn here(tapes: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for tape in tapes {
        let tape = Tape::new(tape).context("a tape without a name")?;
        for pieces in PIECES {
            for (size, play) in [("gadget", play::gadget as fn(&_, _, &mut _) -> _), ("desktop", play::desktop)] {
                let mut snapshot = [0; SNAPSHOT];
                let len = play(&tape, pieces, &mut snapshot);
                lines.push(format!("{} {size} {pieces} {}", tape.name(), std::str::from_utf8(&snapshot[..len])?));
            }
        }
    }
    Ok(lines)
}

/// A tape of each connection of each recording.
fn tapes(project: &Project) -> Result<Vec<Vec<u8>>> {
    let folder = std::env::var_os("COMFYGLOW_TRACES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| project.root.join("tests/fixtures/traces"));
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut tapes = Vec::new();
    for file in files {
        let recording = Recording::read(&file)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        for conn in recording.connections() {
            let tape = record(&recording, conn, &format!("{name}:{conn}"))?;
            if tape.len() > LARGEST {
                println!("{name}:{conn} is left out: {} bytes are more than the machines hold", tape.len());
                continue;
            }
            replays_alike(&recording, conn, &tape)?;
            tapes.push(tape);
        }
    }
    ensure!(!tapes.is_empty(), "{} holds no recordings", folder.display());
    Ok(tapes)
}

/// Holds a tape to what `comfyglow replay` makes of the same connection.
fn replays_alike(recording: &Recording, conn: i64, tape: &[u8]) -> Result<()> {
    let replayed = Replay { conn, ..Replay::default() }.play(recording)?;
    let (mut theirs, mut ours) = ([0; SNAPSHOT], [0; SNAPSHOT]);
    let tape = Tape::new(tape).context("a tape without a name")?;
    let len = play::desktop(&tape, PIECES[0], &mut ours);
    let ours = std::str::from_utf8(&ours[..len])?;
    let snapshot = replayed.session.state().snapshot(replayed.now);
    let len = snapshot.write_json(&mut theirs).map_err(|_| anyhow::anyhow!("a snapshot longer than {SNAPSHOT}"))?;
    let theirs = std::str::from_utf8(&theirs[..len])?;
    ensure!(ours == theirs, "{} is replayed otherwise:\n{theirs}\nand as a tape:\n{ours}", tape.name());
    Ok(())
}

/// What a connection heard, as [`Replay`] plays it.
fn record(recording: &Recording, conn: i64, name: &str) -> Result<Vec<u8>> {
    let mut tape = vec![u8::try_from(name.len())?];
    tape.extend(name.as_bytes());
    let mut now = 0;
    let mut graphs: Vec<_> = recording.nodes_total().into_iter().collect();
    graphs.sort();
    for (id, nodes) in graphs {
        let graph = [&u32::try_from(nodes)?.to_le_bytes(), id.as_bytes()].concat();
        put(&mut tape, Step::Graph, now, &graph)?;
    }
    let mut messages = recording.messages(conn)?.into_iter().peekable();
    let (mut opened, mut left) = (false, false);
    for (line, row) in (1..).zip(&recording.rows) {
        now = now.max(micros(row.t_ms));
        if row.conn != conn {
            continue;
        }
        match &row.what {
            What::Open { response, .. } => {
                opened = true;
                let accepted = response.split_whitespace().nth(1) == Some("101");
                let (step, bytes) = if accepted { (Step::Open, "") } else { (Step::Refused, response.as_str()) };
                put(&mut tape, step, now, bytes.as_bytes())?;
            }
            What::Close(how) if left || how == "abort" => put(&mut tape, Step::Leave, now, &[])?,
            What::Close(how) if how == "eof" || how == "http" => put(&mut tape, Step::Eof, now, &[])?,
            What::Close(_) => put(&mut tape, Step::Broken, now, &[])?,
            What::Tx(frame) if frame.opcode == CLOSE => left = true,
            _ => {
                if !std::mem::replace(&mut opened, true) {
                    put(&mut tape, Step::Open, now, &[])?;
                }
                while let Some(heard) = messages.next_if(|heard| heard.line <= line) {
                    let frame = match &heard.wire {
                        Message::Text(text) => server_frame(1, text.as_bytes()),
                        Message::Binary(bytes) => server_frame(2, bytes),
                    };
                    put(&mut tape, Step::Message, now, &frame)?;
                }
            }
        }
    }
    put(&mut tape, Step::End, now, &[])?;
    Ok(tape)
}

/// Adds a step to a tape.
fn put(tape: &mut Vec<u8>, step: Step, micros: u64, bytes: &[u8]) -> Result<()> {
    tape.push(step as u8);
    tape.extend(micros.to_le_bytes());
    tape.extend(u32::try_from(bytes.len())?.to_le_bytes());
    tape.extend(bytes);
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a recording's clock counts from its start"
)]
fn micros(millis: f64) -> u64 {
    (millis * 1_000.0).round() as u64
}
