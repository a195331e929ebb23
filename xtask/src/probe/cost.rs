//! `cargo xtask cost`: instructions and stack on a Cortex-M4, in QEMU.
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use comfyglow_bench::Corpus;

use super::programs;
use crate::debian;
use crate::figures::Figures;
use crate::process::output;
use crate::project::Project;
use crate::steps::Outcome;

/// Seconds that the run may take; it takes one.
const PATIENCE: &str = "120";

/// Instructions that a kind of message may take from its frame's bytes to the state and a subscriber's queue.
const TARGETS: [(&str, &str, u64); 2] = [("progress", "", 2_500), ("progress", ", keys reordered", 5_000)];

/// Behind the name of a kind whose members come in another order.
const REORDERED: &str = "/reordered";

/// A kind that the benchmarks' messages lack.
const INTERRUPTED: &str = r#"{"type": "execution_interrupted", "data": {"prompt_id": "3328f0c8-9368-4070-90e7-087e854fe315", "node_id": "5", "node_type": "KSampler", "executed": ["4", "6", "7"]}}"#;

/// Count instructions and bytes of stack on a Cortex-M4 in QEMU.
///
/// For each kind of message, as the server spells it and with its keys in another order: what the decoder takes alone,
/// what a session takes from the frame's bytes to the state, and with a subscriber's queue, and what it takes to tell the
/// outputs of it. The build is that which `cargo xtask size` weighs. Needs qemu-system-arm, which is installed where there
/// are rights to. Exit status 1 where a figure is past its target and not known to be.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Builds, runs and prints.
///
/// # Errors
/// A figure is past its target, or the program can't be built or run.
pub(crate) fn run(_: &Args) -> Result<()> {
    figures(&Project::read()?)?.finish()
}

/// The same, as a step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    figures(project)?.finish()?;
    Ok(Outcome::Done)
}

/// Prints the table of instructions, and returns the figures that have a target, and those of the stack.
///
/// # Errors
/// The program can't be built or run.
pub(crate) fn figures(project: &Project) -> Result<Figures> {
    debian::program("qemu-system-arm", "qemu-system-arm")?;
    let programs = programs(project)?;
    let folder = project.target_dir.join("probe");
    fs::write(folder.join("messages"), messages()?).context("the messages can't be written")?;
    let said = emulate(&programs.join("cost-decoder"), &folder)? + &emulate(&programs.join("cost-session"), &folder)?;
    let (mut decoders, mut counts, mut stacks) = (HashMap::new(), Vec::new(), Vec::new());
    for line in said.lines() {
        match *line.split(' ').collect::<Vec<_>>() {
            ["calibration", thousandths] => {
                println!("Instructions on a Cortex-M4 (1,000 ticks of its timer are {thousandths})");
            }
            ["decoder", kind, instructions] => _ = decoders.insert(kind, instructions.parse()?),
            ["count", kind, bytes, session, subscribed, outputs] => counts.push(Count {
                kind: kind.to_owned(),
                bytes: bytes.parse()?,
                decoder: *decoders.get(kind).with_context(|| format!("the decoder didn't read {kind}"))?,
                session: session.parse()?,
                subscribed: subscribed.parse()?,
                outputs: outputs.parse()?,
            }),
            ["stack", what, bytes] => stacks.push((what.to_owned(), bytes.parse::<u64>()?)),
            _ => bail!("the program said {line:?}, which is no figure"),
        }
    }
    print!("{}", Table(&counts));
    let mut figures = Figures::new();
    for (kind, order, target) in TARGETS {
        let name = if order.is_empty() { kind.to_owned() } else { format!("{kind}{REORDERED}") };
        let count =
            counts.iter().find(|count| count.kind == name).with_context(|| format!("{name} was not counted"))?;
        figures.add(format!("{kind}{order}, Cortex-M4"), count.subscribed, "instructions", Some(target));
    }
    for (what, bytes) in &stacks {
        figures.add(format!("stack, {what}"), *bytes, "B", (what == "event").then_some(1_024));
    }
    let all = stacks.iter().map(|(_, bytes)| *bytes).max().context("no stack was measured")?;
    figures.add("stack, in all", all, "B", Some(4_096));
    Ok(figures)
}

/// The messages that are counted, as the program reads them: name, tab, message.
fn messages() -> Result<String> {
    let mut kinds = Corpus::kinds()?;
    kinds.push(Corpus { name: "execution_interrupted".to_owned(), messages: vec![INTERRUPTED.to_owned()] });
    kinds.push(Corpus::session()?);
    let mut lines = String::new();
    for kind in kinds {
        let reordered = kind.respelled()?.into_iter().find(|corpus| corpus.name == "reordered");
        let reordered = reordered.context("there is no such spelling")?;
        for (order, corpus) in [("", &kind), (REORDERED, &reordered)] {
            for message in &corpus.messages {
                writeln!(lines, "{}{order}\t{message}", kind.name)?;
            }
        }
    }
    Ok(lines)
}

/// What the program says on a Cortex-M4 that runs an instruction in a nanosecond, when it is started in `folder`.
fn emulate(program: &Path, folder: &Path) -> Result<String> {
    let machine = ["-machine", "mps2-an386", "-icount", "shift=0", "-nodefaults", "-display", "none"];
    let exit = ["-semihosting-config", "enable=on,target=native", "-kernel"];
    let mut command = Command::new("timeout");
    command.args([PATIENCE, "qemu-system-arm"]).args(machine).args(exit).arg(program);
    output(command.current_dir(folder))
}

/// What a message took.
struct Count {
    kind: String,
    bytes: u64,
    /// Instructions of the decoder alone.
    decoder: u64,
    /// Instructions from the frame's bytes to the state.
    session: u64,
    /// The same with a subscriber to all, whose queue is told.
    subscribed: u64,
    /// Instructions to tell the outputs.
    outputs: u64,
}

/// A kind of message a line, in both orders.
struct Table<'a>(&'a [Count]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(counts) = self;
        writeln!(f, "{:22}{:>45}{:>45}", "", "as the server spells it", "keys in another order")?;
        let titles = format!("{:>9}{:>9}{:>9}{:>9}{:>9}", "bytes", "decoder", "session", "+ queue", "outputs");
        writeln!(f, "{:22}{titles}{titles}", "")?;
        for count in counts.iter().filter(|count| !count.kind.ends_with(REORDERED)) {
            write!(f, "{:22}", count.kind)?;
            let reordered = counts.iter().find(|other| other.kind.strip_suffix(REORDERED) == Some(&count.kind));
            for Count { bytes, decoder, session, subscribed, outputs, .. } in [count].into_iter().chain(reordered) {
                write!(f, "{bytes:9}{decoder:9}{session:9}{subscribed:9}{outputs:9}")?;
            }
            writeln!(f)?;
        }
        f.write_str("Of a session, the mean of its messages.\n")
    }
}
