//! The tests of the extension for ComfyUI, which is written in Python and in `comfyui-node/`.
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{cargo, output, run};
use crate::project::Project;
use crate::python;
use crate::steps::Outcome;

/// What to do where no environment can be made.
const REMEDY: &str =
    "the extension's tests need Python 3.10 or newer with its module venv: Debian's packages python3 and python3-venv";

/// Runs the extension's tests in a Python environment of their own, below the target directory.
///
/// # Errors
/// A test fails; or the command doesn't build, there is no Python 3, or the packages of `requirements-dev.txt` can't be
/// had.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    let folder = project.root.join("comfyui-node");
    let python = environment(&project.target_dir.join("extension"))?;
    python::install(
        Command::new(&python).args(["-m", "pip"]),
        &["--requirement", &folder.join("requirements-dev.txt").to_string_lossy()],
    )?;
    // One test watches with the command itself.
    run(cargo().args(["build", "--package", "comfyglow", "--bin", "comfyglow"]))?;
    let command = project.target_dir.join("debug").join(format!("comfyglow{}", env::consts::EXE_SUFFIX));
    // Nothing of its own is left in the source tree.
    let arguments = ["-B", "-m", "pytest", "-p", "no:cacheprovider", "--quiet", "tests"];
    run(Command::new(&python).args(arguments).env("COMFYGLOW", command).current_dir(folder))?;
    Ok(Outcome::Done)
}

/// The Python of the environment in `home`, which is made unless it is there and runs.
fn environment(home: &Path) -> Result<PathBuf> {
    let python = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if output(Command::new(&python).args(["-m", "pip", "--version"])).is_err() {
        fs::create_dir_all(home).with_context(|| format!("{} can't be made", home.display()))?;
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home)).context(REMEDY)?;
    }
    Ok(python)
}
