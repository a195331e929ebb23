//! The oldest compiler promised: the `rust-version` of the manifest, tried for real.
use std::env;
use std::process::Command;

use anyhow::{Result, bail};
use cargo_metadata::semver::Version;

use crate::process::{cargo, output, run, rustc};
use crate::project::Project;
use crate::steps::Outcome;

/// Builds and tests with exactly the compiler that the manifest names.
///
/// # Errors
/// Something doesn't build or a test fails with it; in CI also where that compiler isn't installed.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    let msrv = &project.msrv;
    if current()? == *msrv {
        println!("rust-version {msrv} is the compiler in use: what `cargo test --workspace` passes, it passes");
        run(cargo().args(["test", "--workspace", "--no-run"]))?;
        return Ok(Outcome::Done);
    }
    let installed = output(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    if let Some(toolchain) = toolchain(&installed, msrv) {
        // A folder of its own: two compilers in one throw each other's work away.
        let target_dir = project.target_dir.join("msrv");
        run(Command::new("rustup")
            .args(["run", toolchain, "cargo", "test", "--workspace", "--target-dir"])
            .arg(target_dir)
            .env_remove("CARGO")
            .env_remove("RUSTUP_TOOLCHAIN"))?;
        return Ok(Outcome::Done);
    }
    let missing = format!("Rust {msrv} isn't installed here: `rustup toolchain install {msrv}`");
    if in_ci() {
        bail!("{missing}");
    }
    Ok(Outcome::Skipped(missing))
}

/// The version of the compiler in use.
fn current() -> Result<Version> {
    let said = output(rustc().arg("--version"))?;
    let version = said.split_whitespace().nth(1).unwrap_or_default();
    Version::parse(version).map_err(|error| anyhow::anyhow!("`rustc --version` says {said:?}: {error}"))
}

/// The toolchain of that very version, among those that `rustup toolchain list` printed.
fn toolchain<'a>(installed: &'a str, version: &Version) -> Option<&'a str> {
    // With its patch level: `1.95` is rustup's name for the last of that line, which needn't be the one promised.
    let exact = format!("{version}-");
    installed.lines().filter_map(|line| line.split_whitespace().next()).find(|name| name.starts_with(&exact))
}

/// Whether this is an unattended run, where what can't be checked has failed.
fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_is_the_very_version() {
        let installed = "stable-x86_64-unknown-linux-gnu (active, default)\n1.95.1-x86_64-unknown-linux-gnu\n\
                         1.95.0-x86_64-unknown-linux-gnu\n1.96-x86_64-unknown-linux-gnu\n";
        let found = |minor, patch| toolchain(installed, &Version::new(1, minor, patch));
        assert_eq!(found(95, 0), Some("1.95.0-x86_64-unknown-linux-gnu"));
        assert_eq!(found(95, 2), None);
        assert_eq!(found(96, 0), None);
        assert_eq!(found(9, 0), None);
    }
}
