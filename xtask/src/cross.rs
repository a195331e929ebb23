//! `cargo xtask cross`: the core and what a gadget is made of, built for microcontrollers.
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::debian::{self, Compiler};
use crate::process::{cargo, output, run as execute, rustc};
use crate::project::{CORE, Project, with_features};
use crate::steps::{Outcome, Steps};

/// Cortex-M3, Cortex-M0 (no compare-and-swap) and a RISC-V without atomics (ESP32-C3).
const TARGETS: [&str; 3] = ["thumbv7m-none-eabi", "thumbv6m-none-eabi", "riscv32imc-unknown-none-elf"];

/// What a gadget is made of, besides the core and a board, with all its features.
const PARTS: [&str; 4] = ["comfyglow-setup", "comfyglow-ui", "comfyglow-app", "comfyglow-panels"];

/// Build the core for microcontrollers, without features, with each alone, with all; and what a gadget is made of.
///
/// Where the compiler in use has the target, as after `rustup target add`, it builds. Else, where Debian's apt is,
/// Debian's compiler and the source of Rust's own core are fetched into target/debian-rust and build it. Nothing is
/// installed unless a library is missing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A target to build for; may be given several times.
    #[arg(long = "target", value_name = "TARGET", default_values = TARGETS)]
    targets: Vec<String>,
}

/// Builds for the targets asked for.
///
/// # Errors
/// A build failed, or the manifests can't be read.
pub(crate) fn run(args: &Args) -> Result<()> {
    build(&Project::read()?, args.targets.iter().map(String::as_str))
}

/// Builds for [`TARGETS`].
///
/// # Errors
/// A build failed.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    build(project, TARGETS)?;
    Ok(Outcome::Done)
}

/// Whether the compiler in use has the libraries of `target`.
fn has(target: &str) -> Result<bool> {
    let sysroot = output(rustc().args(["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("lib").is_dir())
}

/// What of Rust's own libraries is built, for those who want no more and for those who allocate.
pub(crate) const CORE_ALONE: &str = "build-std=core";
pub(crate) const ALLOC: &str = "build-std=core,alloc";

/// Lets the cargo of `command` build for `target`: with the compiler in use where it can, else with Debian's.
///
/// # Errors
/// The compiler in use has no library for the target, and Debian's can't be had.
pub(crate) fn enable(project: &Project, target: &str, std: &str, command: &mut Command) -> Result<()> {
    if !has(target)? {
        debian::compiler(project, target)?.give_to(command);
        command.args(["-Z", std]);
    }
    Ok(())
}

/// `cargo clippy` for `target`: with the compiler in use where it can, else with Debian's. Its own arguments are to follow.
///
/// # Errors
/// As those of [`enable`].
pub(crate) fn clippy(project: &Project, target: &str, std: &str) -> Result<Command> {
    let mut command = if has(target)? {
        let mut command = cargo();
        command.arg("clippy");
        command
    } else {
        let mut command = debian::clippy(project, target)?;
        command.args(["-Z", std]);
        command
    };
    command.args(["--target", target]);
    Ok(command)
}

fn build<'a>(project: &Project, targets: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut steps = Steps::new();
    let mut fetched: Option<Compiler> = None;
    for target in targets {
        let present = has(target)?;
        if !present && fetched.is_none() {
            steps.step("compiler", &format!("one that can build for {target}"), || {
                fetched = Some(debian::compiler(project, target)?);
                Ok(Outcome::Done)
            });
            if fetched.is_none() {
                break;
            }
        }
        let core = project.core_feature_sets().into_iter().map(|features| {
            let name = with_features(target, &features);
            (name, "the core builds", CORE, vec!["--features".to_owned(), features])
        });
        let parts =
            PARTS.map(|part| (format!("{target}, {part}"), "it builds", part, vec!["--all-features".to_owned()]));
        for (name, about, package, features) in core.chain(parts) {
            steps.step(&name, about, || {
                let mut command = cargo();
                command.args(["build", "--package", package, "--lib", "--target", target]).args(features);
                if let (false, Some(compiler)) = (present, &fetched) {
                    // A folder of its own: two compilers in one throw each other's work away.
                    command.args(["-Z", CORE_ALONE, "--target-dir"]).arg(project.target_dir.join("cross"));
                    compiler.give_to(&mut command);
                }
                execute(&mut command)?;
                Ok(Outcome::Done)
            });
        }
    }
    steps.finish()
}
