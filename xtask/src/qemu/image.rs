//! The firmware's image: weighed, and searched.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::{Object as _, ObjectSegment as _, ObjectSymbol as _};

/// Bytes of flash that an image takes.
///
/// # Errors
/// It can't be read, or is no ELF.
pub(crate) fn flash(image: &Path) -> Result<u64> {
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
pub(crate) fn address(image: &Path, name: &str) -> Result<u64> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let file = object::File::parse(&*bytes)?;
    let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
    Ok(symbol.with_context(|| format!("{} has no {name}", image.display()))?.address())
}

/// Bytes of statics in RAM.
///
/// # Errors
/// As those of [`address`].
pub(crate) fn statics(image: &Path) -> Result<u64> {
    Ok(address(image, "__sheap")? - address(image, "__sdata")?)
}
