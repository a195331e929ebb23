//! `file-length` of `cargo xtask ci`: no source or document is too long to read in one go.
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::output;
use crate::project::Project;
use crate::steps::Outcome;

/// Lines a file may have.
const LIMIT: usize = 700;

/// What is checked: code, scripts and documents. The changelog grows with every release, and a fixture is as long as what
/// was recorded. Lock files have other names.
const CHECKED: &[&str] = &[
    "*.rs",
    "*.py",
    "*.ts",
    "*.tsx",
    "*.sh",
    "*.md",
    ":(exclude,glob)**/CHANGELOG.md",
    ":(exclude,glob)**/fixtures/**",
];

/// Checks every file of these kinds that git tracks or would add.
///
/// # Errors
/// A file is longer than [`LIMIT`], or can't be read, or git can't list them.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"];
    let names = output(Command::new("git").args(listing).args(CHECKED).current_dir(&project.root))?;
    let mut too_long = Vec::new();
    for name in names.split_terminator('\0') {
        let path = project.root.join(name);
        // Deleted, and not committed as such yet.
        if !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        too_long.extend(excess(&text).map(|lines| format!("{name} has {lines} lines")));
    }
    if !too_long.is_empty() {
        bail!("{} (at most {LIMIT}: split by what the parts do)", too_long.join(", "));
    }
    Ok(Outcome::Done)
}

/// The number of lines where there are too many; `None` where the file may stay as it is.
fn excess(text: &str) -> Option<usize> {
    Some(text.lines().count()).filter(|&lines| lines > LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_at_above_and_below_the_limit() {
        assert_eq!(excess(&"line\n".repeat(LIMIT)), None, "at the limit");
        assert_eq!(excess(&"line\n".repeat(LIMIT + 1)), Some(LIMIT + 1), "above it");
        assert_eq!(excess(&"line\n".repeat(LIMIT - 1)), None, "below it");
        let unended = format!("{}last", "line\n".repeat(LIMIT));
        assert_eq!(excess(&unended), Some(LIMIT + 1), "above it, with no line feed at the end");
    }
}
