//! `cargo xtask panics`: the proof that the core cannot panic.
use std::fs;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use super::{build, callers::Callers};
use crate::figures::Figures;
use crate::project::Project;
use crate::steps::Outcome;

/// What the panic handler calls and nobody defines.
const UNDEFINED: &str = "the_core_can_panic";

/// Prove that the core cannot panic on a Cortex-M3, from a link's bytes to the view.
///
/// The program `probe/panics` links only where the optimizer has proven it; its source says which libraries are left
/// out. Where it doesn't link, what still reaches a panic is told: who calls, with the lines that were inlined there.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Proves it.
///
/// # Errors
/// A panic is reached, or the program can't be built.
pub(crate) fn run(_: &Args) -> Result<()> {
    prove(&Project::read()?)
}

/// The same, as a step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    prove(project)?;
    Ok(Outcome::Done)
}

/// The places that can panic, as a figure.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn figures(project: &Project) -> Result<Figures> {
    prove(project)?;
    let mut figures = Figures::new();
    figures.add("places that can panic, bytes to view", 0, "", Some(0));
    Ok(figures)
}

fn prove(project: &Project) -> Result<()> {
    let left_out = match left_out(project)?.as_slice() {
        [] => "No library is left out of it.".to_owned(),
        libraries => format!("Left out, with stand-ins in their places: {}.", libraries.join(", ")),
    };
    let Err(error) = build(project, "panics", &["build"]) else {
        println!("Nothing reaches a panic. {left_out}");
        return Ok(());
    };
    if !format!("{error:#}").contains(&format!("undefined symbol: {UNDEFINED}")) {
        return Err(error);
    }
    // Once more with the function defined, and with all that the linker knew of who refers to whom.
    let search = ["rustc", "--features", "search", "--", "-C", "link-arg=--emit-relocs"];
    let program = build(project, "panics", &search)?.join("probe-panics");
    let callers = Callers::read(&program)?;
    // The same without, in the same places: addr2line would apply to the line numbers what the linker has applied.
    build(project, "panics", &["rustc", "--features", "search"])?;
    let sites = report(&callers)?;
    bail!("{sites} places can panic; let the compiler see that they can't (`get`, `checked_…`, a narrower type)")
}

/// The libraries that have stand-ins, by name and version.
fn left_out(project: &Project) -> Result<Vec<String>> {
    let folder = project.root.join("probe/panics/left-out");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut libraries = Vec::new();
    for entry in entries {
        let manifest = MetadataCommand::new().manifest_path(entry?.path().join("Cargo.toml")).no_deps().exec()?;
        libraries.extend(manifest.packages.iter().map(|package| format!("{} {}", package.name, package.version)));
    }
    libraries.sort();
    Ok(libraries)
}

/// Prints every place that reaches a panic; returns how many.
fn report(callers: &Callers) -> Result<usize> {
    let sites = callers.sites_of(UNDEFINED)?;
    for site in &sites {
        println!("\n{} is called in", site.panic);
        for frame in &site.frames {
            println!("  {frame}");
        }
        println!("  by way of {}", site.way.join(" < "));
    }
    Ok(sites.len())
}
