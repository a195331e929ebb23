//! Python's own ways to get packages, for the tools and tests that are written in it.
use std::process::Command;

use anyhow::Result;

use crate::process::run;

/// Has `pip` install what `arguments` name, without remarks of its own.
///
/// # Errors
/// It can't be started, or can't get a package.
pub(crate) fn install(pip: &mut Command, arguments: &[&str]) -> Result<()> {
    run(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(arguments))
}
