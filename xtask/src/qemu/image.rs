//! The firmware's image: built, and weighed.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use object::{Object as _, ObjectSegment as _, ObjectSymbol as _};

use crate::cross;
use crate::process::{cargo, output};
use crate::project::Project;

const TARGET: &str = "thumbv7m-none-eabi";
const BOARD: &str = "qemu-lm3s6965";

/// Builds the board's firmware.
///
/// # Errors
/// There is no compiler for the target, or the build failed.
pub(super) fn build(project: &Project) -> Result<PathBuf> {
    let target_dir = project.target_dir.join("board");
    let mut command = cargo();
    command.args(["build", "--release", "--target", TARGET, "--target-dir"]).arg(&target_dir);
    cross::enable(project, TARGET, &mut command)?;
    println!("Building {BOARD}");
    // Cargo reads the configuration of the folder that it is started in.
    output(command.current_dir(project.root.join("firmware-example").join(BOARD)))?;
    Ok(target_dir.join(TARGET).join("release").join(BOARD))
}

/// Bytes of flash that an image takes.
///
/// # Errors
/// It can't be read, or is no ELF.
pub(super) fn flash(image: &Path) -> Result<u64> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let file = object::File::parse(&*bytes)?;
    // What lies in the file is in flash, also what is copied into RAM at the start.
    let bytes: u64 = file.segments().map(|segment| segment.file_range().1).sum();
    ensure!(bytes > 0, "{} has nothing for flash", image.display());
    Ok(bytes)
}

/// The address of what is named so in an image.
///
/// # Errors
/// The image can't be read, is no ELF, or has no such symbol.
pub(super) fn address(image: &Path, name: &str) -> Result<u64> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let file = object::File::parse(&*bytes)?;
    let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
    Ok(symbol.with_context(|| format!("{} has no {name}", image.display()))?.address())
}
