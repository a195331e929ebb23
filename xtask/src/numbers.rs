//! `cargo xtask numbers`: every number that the project promises, beside its target.
use anyhow::{Result, ensure};

use crate::figures::Figures;
use crate::process::{cargo, output};
use crate::project::Project;
use crate::steps::{Outcome, Steps};
use crate::{autobahn, eta, probe, speed};

/// Measure every number that the project promises, and print it beside its target, with why where it misses.
///
/// Speed beside other parsers (the table of `cargo bench`), instructions, stack, flash and memory on a microcontroller, its
/// proof against panics, recordings replayed on three machines, the time left, allocations, and Autobahn's cases. Exit status 1 where a
/// figure is past its target and not known to be, or something can't be measured.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run Autobahn, which takes minutes, also where there are verdicts of an earlier run to tell.
    #[arg(long)]
    autobahn: bool,
}

/// What is measured: its name, what it says, and how.
type Part<'a> = (&'a str, &'a str, Box<dyn Fn(&Project) -> Result<Figures> + 'a>);

/// Measures all and prints.
///
/// # Errors
/// A figure is past its target, or something can't be measured.
pub(crate) fn run(args: &Args) -> Result<()> {
    let project = Project::read()?;
    let parts: [Part<'_>; 8] = [
        ("speed", "messages are parsed, and bytes become a state", Box::new(speed::figures)),
        ("cost", "instructions and stack on a microcontroller", Box::new(probe::cost::figures)),
        ("size", "flash and memory of one", Box::new(probe::size::figures)),
        ("panics", "the core can't panic there", Box::new(probe::panics::figures)),
        ("replay", "recordings end in the same snapshot there as here", Box::new(probe::replay::figures)),
        ("eta", "how far the time left is off", Box::new(eta::figures)),
        ("allocations", "messages take nothing of the heap", Box::new(allocations)),
        ("autobahn", "the WebSocket's conformance", Box::new(|project| autobahn::figures(project, args.autobahn))),
    ];
    let (mut steps, mut all) = (Steps::new(), Figures::new());
    for (name, about, measure) in parts {
        steps.step(name, about, || {
            all.append(measure(&project)?);
            Ok(Outcome::Done)
        });
    }
    println!("\n=== all numbers");
    let reached = all.finish();
    steps.finish()?;
    reached
}

/// Runs the tests that count: what they find is 0, or they fail.
fn allocations(_: &Project) -> Result<Figures> {
    let tests = [
        ("comfyglow", "client_allocations", "messages_allocate_nothing"),
        ("comfyglow-tests", "memory", "a_session_from_socket_to_state_allocates_nothing"),
    ];
    for (package, file, test) in tests {
        // By its whole name: one that was renamed would pass, as none.
        let said = output(cargo().args(["test", "--package", package, "--test", file, "--", "--exact", test]))?;
        ensure!(said.contains("1 passed"), "there is no test {test} in {file}");
        println!("{test}: passed");
    }
    let mut figures = Figures::new();
    figures.add("allocations of a message, socket to state", 0, "", Some(0));
    Ok(figures)
}
