//! `comfyglow setup`, as a person has it.
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::project::Project;

/// The command, built.
pub(super) struct Setup(PathBuf);

impl Setup {
    /// Builds it.
    ///
    /// # Errors
    /// It doesn't build.
    pub(super) fn build(project: &Project) -> Result<Self> {
        run(cargo().args(["build", "--package", "comfyglow", "--bin", "comfyglow"]))?;
        let name = format!("comfyglow{}", env::consts::EXE_SUFFIX);
        Ok(Self(project.target_dir.join("debug").join(name)))
    }

    /// Sets the board at `port` up, with a password out of a file in `folder`, and follows it to its first connection. It
    /// has the line to itself until then.
    ///
    /// # Errors
    /// It ends with another status than 0.
    pub(super) fn run(&self, port: &Path, folder: &Path, password: &str, settings: &[String]) -> Result<()> {
        let file = folder.join("password.txt");
        fs::write(&file, format!("{password}\n"))?;
        let mut command = Command::new(&self.0);
        command.arg("setup").arg("--port").arg(port).arg("--json").arg("--password-file").arg(file).args(settings);
        run(&mut command)
    }
}
