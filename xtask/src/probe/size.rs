//! `cargo xtask size`: flash and memory that the core takes.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::read::elf::ElfFile32;
use object::{Object, ObjectSection, SectionFlags, SectionKind, elf};

use super::programs;
use crate::figures::Figures;
use crate::project::Project;
use crate::steps::Outcome;

const KB: u64 = 1024;

/// Weigh the core on a Cortex-M3: flash and static memory, beside their targets.
///
/// Flash is all that is loaded: code, constants, and what little the program around it adds. Exit status 1 where a
/// figure is past its target and not known to be.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Builds and weighs.
///
/// # Errors
/// A figure is past its target, or the programs can't be built.
pub(crate) fn run(_: &Args) -> Result<()> {
    figures(&Project::read()?)?.finish()
}

/// The same, as a step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    figures(project)?.finish()?;
    Ok(Outcome::Done)
}

/// Builds and weighs.
///
/// # Errors
/// The programs can't be built.
pub(crate) fn figures(project: &Project) -> Result<Figures> {
    let programs = programs(project)?;
    let events = Size::of(&programs.join("events"))?;
    let session = Size::of(&programs.join("session"))?;
    let snapshot = Size::of(&programs.join("snapshot"))?;
    let small = Size::of(&programs.join("small"))?;
    let mut figures = Figures::new();
    figures.add("flash, small: websocket to view", small.flash, "B", Some(44 * KB));
    figures.add("flash, json to view", events.flash, "B", None);
    figures.add("flash, with websocket and http", session.flash, "B", None);
    figures.add("flash, with json out too", snapshot.flash, "B", Some(72 * KB));
    figures.add("memory of a gadget's session", session.memory, "B", Some(8 * KB));
    Ok(figures)
}

/// What a program takes, in bytes.
struct Size {
    /// Code and constants, and the first values of variables.
    flash: u64,
    /// Variables.
    memory: u64,
}

impl Size {
    fn of(program: &Path) -> Result<Self> {
        let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
        let file = ElfFile32::<object::Endianness>::parse(&*bytes)
            .with_context(|| format!("{} is no program for the target", program.display()))?;
        let mut size = Self { flash: 0, memory: 0 };
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if !sh_flags.contains(elf::SHF_ALLOC) {
                continue;
            }
            let zeroed = section.kind() == SectionKind::UninitializedData;
            if !zeroed {
                size.flash += section.size();
            }
            if zeroed || section.kind() == SectionKind::Data {
                size.memory += section.size();
            }
        }
        Ok(size)
    }
}
