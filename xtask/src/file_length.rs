//! No source file over a length that one can still take in.
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::output;
use crate::project::Project;
use crate::steps::Outcome;

/// Lines a Rust file may have.
pub(crate) const LIMIT: usize = 1_000;

/// Checks every `.rs` file that git tracks or would add.
///
/// # Errors
/// A file is longer than [`LIMIT`], or can't be read, or git can't list them.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"];
    let names = output(Command::new("git").args(listing).current_dir(&project.root))?;
    let mut too_long = Vec::new();
    for name in names.split_terminator('\0') {
        let path = project.root.join(name);
        // Deleted, and not committed as such yet.
        if !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let lines = text.lines().count();
        if lines > LIMIT {
            too_long.push(format!("{name} has {lines} lines"));
        }
    }
    if !too_long.is_empty() {
        bail!("{} (at most {LIMIT}: split by what the parts do)", too_long.join(", "));
    }
    Ok(Outcome::Done)
}
