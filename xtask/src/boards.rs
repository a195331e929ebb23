//! The boards: programs for one machine each, and so workspaces of their own.
use std::path::PathBuf;

use anyhow::Result;

use crate::cross;
use crate::process::{cargo, output, run as execute};
use crate::project::Project;
use crate::steps::{Outcome, Steps};

/// A board, or what several have in common.
pub(crate) struct Board {
    /// Its folder, and its program's name at the end.
    pub(crate) folder: &'static str,
    target: &'static str,
    /// The sets of features that it is looked at with.
    features: &'static [&'static str],
}

/// TI's LM3S6965 evaluation board, as QEMU plays it.
pub(crate) const LM3S6965: Board =
    Board { folder: "firmware-example/qemu-lm3s6965", target: "thumbv7m-none-eabi", features: &["", "places"] };

/// A RISC-V of QEMU's own.
pub(crate) const VIRT: Board =
    Board { folder: "firmware-example/qemu-virt", target: "riscv32imac-unknown-none-elf", features: &["", "places"] };

/// What the boards in QEMU have in common.
const SUPPORT: Board =
    Board { folder: "firmware-example/qemu-support", target: "thumbv7m-none-eabi", features: &["places"] };

/// All of them.
pub(crate) const BOARDS: [Board; 3] = [SUPPORT, LM3S6965, VIRT];

impl Board {
    /// Builds its firmware.
    ///
    /// # Errors
    /// There is no compiler for the target, or the build failed.
    pub(crate) fn build(&self, project: &Project) -> Result<PathBuf> {
        let target_dir = project.target_dir.join("board");
        let mut command = cargo();
        command.args(["build", "--release", "--target", self.target, "--target-dir"]).arg(&target_dir);
        cross::enable(project, self.target, cross::CORE_ALONE, &mut command)?;
        let name = self.folder.rsplit('/').next().unwrap_or_default();
        println!("Building {name}");
        // Cargo reads the configuration of the folder that it is started in.
        output(command.current_dir(project.root.join(self.folder)))?;
        Ok(target_dir.join(self.target).join("release").join(name))
    }
}

/// That there is no warning in any board.
///
/// # Errors
/// There is one, or no compiler for a board.
pub(crate) fn clippy(project: &Project) -> Result<Outcome> {
    let mut steps = Steps::new();
    for Board { folder, target, features } in &BOARDS {
        for features in *features {
            steps.step(&crate::project::with_features(folder, features), "no warning", || {
                let mut command = cross::clippy(project, target, cross::CORE_ALONE)?;
                command.args(["--features", features, "--target-dir"]).arg(project.target_dir.join("board"));
                command.args(["--", "-D", "warnings"]);
                execute(command.current_dir(project.root.join(folder)))?;
                Ok(Outcome::Done)
            });
        }
    }
    steps.finish()?;
    Ok(Outcome::Done)
}
