//! What the core costs on a microcontroller, and that it cannot panic there: small programs in `probe/`, built for a
//! Cortex-M and looked at.
use std::path::PathBuf;

use anyhow::Result;

use crate::cross;
use crate::process::{cargo, output};
use crate::project::Project;

mod callers;
pub(crate) mod cost;
pub(crate) mod panics;
pub(crate) mod replay;
pub(crate) mod size;

/// A Cortex-M3; its code runs on a Cortex-M4 as well.
const TARGET: &str = "thumbv7m-none-eabi";

/// Builds the packages in a folder of `probe/`, as `probe/.cargo/config.toml` says, and returns where the programs are.
/// `arguments` are cargo's, its command first.
///
/// # Errors
/// There is no compiler for [`TARGET`], or a build failed; what cargo said is in the message.
fn build(project: &Project, folder: &str, arguments: &[&str]) -> Result<PathBuf> {
    build_for(project, TARGET, folder, arguments)
}

/// Builds all programs whose figures are told, in one go: one and the same build of the core is in all of them. Returns
/// where they are.
///
/// # Errors
/// As those of [`build`].
fn programs(project: &Project) -> Result<PathBuf> {
    build(project, ".", &["build", "--package", "probe-size", "--package", "probe-cost"])
}

/// As [`build`], for another target.
///
/// # Errors
/// As those of [`build`].
fn build_for(project: &Project, target: &str, folder: &str, arguments: &[&str]) -> Result<PathBuf> {
    let target_dir = project.target_dir.join("probe");
    let mut command = cargo();
    let (before, after) =
        arguments.split_at(arguments.iter().position(|&word| word == "--").unwrap_or(arguments.len()));
    command.args(before).args(["--release", "--target", target, "--target-dir"]).arg(&target_dir);
    cross::enable(project, target, cross::CORE_ALONE, &mut command)?;
    // Cargo reads the configuration of the folder that it is started in.
    output(command.args(after).current_dir(project.root.join("probe").join(folder)))?;
    Ok(target_dir.join(target).join("release"))
}
