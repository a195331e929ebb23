//! `cargo xtask ci`: all that a change must pass, besides `cargo test --workspace`.
use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::process::{cargo, run as execute};
use crate::project::{CORE, Project, with_features};
use crate::steps::{Outcome, Steps};
use crate::{autobahn, boards, cross, esp32, extension, file_length, msrv, probe, qemu, virt};

/// One step of `cargo xtask ci`.
struct Step {
    name: &'static str,
    about: &'static str,
    work: fn(&Project) -> Result<Outcome>,
}

/// The steps in their order, the quick ones first.
const STEPS: &[Step] = &[
    Step { name: "fmt", about: "rustfmt would change nothing", work: fmt },
    Step { name: "file-length", about: "no source or document is over 700 lines", work: file_length::step },
    Step { name: "clippy", about: "no warning in any crate", work: clippy },
    Step { name: "clippy-core", about: "nor in the core with each feature alone, and all together", work: clippy_core },
    Step { name: "clippy-boards", about: "nor in any board", work: boards::clippy },
    Step { name: "docs", about: "the documentation builds without a warning", work: docs },
    Step { name: "extension", about: "the extension for ComfyUI does no harm", work: extension::step },
    Step { name: "msrv", about: "the oldest compiler promised builds and tests it all", work: msrv::step },
    Step { name: "autobahn", about: "the core's WebSocket fails no conformance case", work: autobahn::step },
    Step { name: "cross", about: "core and gadget build for microcontrollers", work: cross::step },
    Step { name: "panics", about: "the core can't panic on a microcontroller", work: probe::panics::step },
    Step { name: "size", about: "and takes no more of one than it may", work: probe::size::step },
    Step { name: "cost", about: "and no more instructions and stack", work: probe::cost::step },
    Step { name: "replay-mcu", about: "recordings end there in the same snapshot as here", work: probe::replay::step },
    Step { name: "esp32", about: "images for the ESP32s are made, and small enough", work: esp32::step },
    Step { name: "qemu", about: "a gadget shows there what it should, whatever comes", work: qemu::stations::step },
    Step { name: "virt", about: "nor one with Wi-Fi, from its setup on", work: virt::step },
];

/// Check everything but `cargo test --workspace`, which stands for itself.
///
/// All steps are done, also after a failure; the exit status is 1 if any failed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The steps to do, instead of all.
    #[arg(value_name = "STEP", value_parser = step_by_name())]
    steps: Vec<&'static Step>,
    /// Only list the steps.
    #[arg(long)]
    list: bool,
}

/// Parses a step's name; the help lists them all.
fn step_by_name() -> impl TypedValueParser<Value = &'static Step> {
    let names = STEPS.iter().map(|step| PossibleValue::new(step.name).help(step.about));
    PossibleValuesParser::new(names)
        .try_map(|name| STEPS.iter().find(|step| step.name == name).ok_or_else(|| format!("there is no step {name}")))
}

/// Does the steps asked for, or all.
///
/// # Errors
/// A step failed, or the manifests can't be read.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.list {
        for Step { name, about, .. } in STEPS {
            println!("{name:12} {about}");
        }
        return Ok(());
    }
    let project = Project::read()?;
    let mut steps = Steps::new();
    for Step { name, about, work } in STEPS {
        if args.steps.is_empty() || args.steps.iter().any(|step| step.name == *name) {
            steps.step(name, about, || work(&project));
        }
    }
    steps.finish()
}

fn fmt(project: &Project) -> Result<Outcome> {
    // Boards, the probes and the fuzz targets are workspaces of their own.
    let boards = boards::BOARDS.iter().map(|board| board.folder);
    for folder in boards.chain([".", esp32::FOLDER, "probe", "probe/panics", "tests/fuzz"]) {
        execute(cargo().args(["fmt", "--all", "--check"]).current_dir(project.root.join(folder)))?;
    }
    Ok(Outcome::Done)
}

fn clippy(_: &Project) -> Result<Outcome> {
    execute(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    Ok(Outcome::Done)
}

fn clippy_core(project: &Project) -> Result<Outcome> {
    let mut steps = Steps::new();
    for features in project.core_feature_sets() {
        steps.step(&with_features("core", &features), "no warning", || {
            let arguments = ["clippy", "--package", CORE, "--all-targets", "--features", &features];
            execute(cargo().args(arguments).args(["--", "-D", "warnings"]))?;
            Ok(Outcome::Done)
        });
    }
    steps.finish()?;
    Ok(Outcome::Done)
}

fn docs(_: &Project) -> Result<Outcome> {
    let arguments = ["doc", "--workspace", "--no-deps", "--all-features"];
    execute(cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Done)
}
