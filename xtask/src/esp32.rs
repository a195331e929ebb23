//! `cargo xtask esp32`: the firmware for an ESP32, ready to be written to a board.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use comfyglow::board::{self, Image};
use object::{Object as _, ObjectSection as _};

use crate::cross;
use crate::process::{cargo, run as execute};
use crate::project::{Project, with_features};
use crate::steps::{Outcome, Steps};

#[cfg(test)]
mod wiring;

/// The board's folder, and its program.
pub(crate) const FOLDER: &str = "firmware-example/esp32";
const PROGRAM: &str = "comfyglow-esp32";

/// Where in flash the bootloader looks for the table of partitions.
const TABLE: u32 = 0x8000;

/// What an image may take: bytes of flash, and of RAM that is given away before the program begins.
const FLASH: usize = 1024 * 1024;
const RAM: u64 = 160 * 1024;

/// Build the firmware for an ESP32.
///
/// Leaves in target/esp32 the image as the linker made it, comfyglow-CHIP.elf, which `comfyglow flash` writes and `comfyglow
/// serial` reads logs with; the same as one piece to be written at 0, comfyglow-CHIP.bin, for other tools; and partitions.csv. Both
/// leave what a board keeps in its flash alone. Tells what it takes of flash and RAM, and fails where that is too much.
///
/// Where the compiler in use has the target, as after `rustup target add`, it builds. Else, where Debian's apt is, Debian's
/// compiler is fetched into target/debian-rust.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The chip on the board.
    #[arg(long, value_enum, default_value_t = Chip::Esp32c3)]
    chip: Chip,
    /// Features, with commas between them: lcd is for displays of colours on SPI.
    #[arg(long, value_name = "FEATURES", default_value = "")]
    features: String,
}

/// A chip that the board may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Chip {
    Esp32c3,
    Esp32c6,
}

impl Chip {
    const fn name(self) -> &'static str {
        match self {
            Self::Esp32c3 => "esp32c3",
            Self::Esp32c6 => "esp32c6",
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::Esp32c3 => "riscv32imc-unknown-none-elf",
            Self::Esp32c6 => "riscv32imac-unknown-none-elf",
        }
    }

    const fn board(self) -> board::Chip {
        match self {
            Self::Esp32c3 => board::Chip::Esp32c3,
            Self::Esp32c6 => board::Chip::Esp32c6,
        }
    }
}

/// Builds the image.
///
/// # Errors
/// There is no compiler for the chip, the build fails, or the image takes too much.
pub(crate) fn run(args: &Args) -> Result<()> {
    build(&Project::read()?, args.chip, &args.features)
}

/// Builds for each chip and display, and looks for warnings.
///
/// # Errors
/// There is one, a build fails, or an image takes too much.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    let mut steps = Steps::new();
    for (chip, features) in [(Chip::Esp32c3, ""), (Chip::Esp32c3, "lcd"), (Chip::Esp32c6, "")] {
        steps.step(&with_features(chip.name(), features), "an image is made, and is small enough", || {
            build(project, chip, features)?;
            Ok(Outcome::Done)
        });
    }
    for features in ["", "lcd"] {
        steps.step(&with_features("clippy", features), "no warning", || {
            clippy(project, Chip::Esp32c3, features)?;
            Ok(Outcome::Done)
        });
    }
    steps.finish()?;
    Ok(Outcome::Done)
}

fn clippy(project: &Project, chip: Chip, features: &str) -> Result<()> {
    let mut command = cross::clippy(project, chip.target(), cross::ALLOC)?;
    command.args(["--release", "--features", &all_features(chip, features), "--target-dir"]).arg(home(project));
    command.args(["--", "-D", "warnings"]);
    execute(command.current_dir(project.root.join(FOLDER)))
}

fn build(project: &Project, chip: Chip, features: &str) -> Result<()> {
    let home = home(project);
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--features", &all_features(chip, features)]);
    command.args(["--target", chip.target(), "--target-dir"]).arg(&home);
    cross::enable(project, chip.target(), cross::ALLOC, &mut command)?;
    // Cargo reads the configuration of the folder that it is started in.
    execute(command.current_dir(project.root.join(FOLDER)))?;

    let name = if features.is_empty() { String::new() } else { format!("{}-", features.replace(',', "-")) };
    let elf = home.join(format!("comfyglow-{name}{}.elf", chip.name()));
    copy(&home.join(chip.target()).join("release").join(PROGRAM), &elf)?;
    copy(&project.root.join(FOLDER).join("partitions.csv"), &home.join("partitions.csv"))?;
    let image = Image::read(&elf, Some(chip.board()))?;
    let bin = elf.with_extension("bin");
    fs::write(&bin, image.merged()).with_context(|| format!("cannot write {}", bin.display()))?;
    let table = image.parts.iter().find(|part| part.name == "partitions").map(|part| part.offset);
    ensure!(table == Some(TABLE), "the image has its table of partitions elsewhere than the bootloader looks for it");
    let firmware = image.parts.iter().find(|part| part.name == "firmware").context("the image has no firmware")?;
    let used = Memory::of(&elf)?;
    println!("{}\n{}", elf.display(), bin.display());
    println!("flash  {:>7} bytes of {FLASH}", firmware.bytes.len());
    println!("RAM    {:>7} bytes of {RAM}: data, and the radio's heap", used.data);
    println!("       {:>7} bytes of code that runs in RAM", used.code);
    println!("       {:>7} bytes are left for the stack of all tasks", used.stack);
    ensure!(firmware.bytes.len() <= FLASH, "the image takes more flash than it may");
    ensure!(used.data <= RAM, "the image takes more RAM than it may");
    Ok(())
}

/// Where all of it is built, and left.
fn home(project: &Project) -> PathBuf {
    project.target_dir.join("esp32")
}

fn all_features(chip: Chip, features: &str) -> String {
    [chip.name(), features].join(",").trim_end_matches(',').to_owned()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// What an image takes of RAM, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Memory {
    data: u64,
    code: u64,
    stack: u64,
}

impl Memory {
    /// What the linker gave away.
    fn of(elf: &Path) -> Result<Self> {
        let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
        let file = object::File::parse(&*bytes)?;
        let mut memory = Self::default();
        for section in file.sections() {
            memory.add(section.name()?, section.size());
        }
        ensure!(memory.data > 0 && memory.stack > 0, "{} has no sections that are known", elf.display());
        Ok(memory)
    }

    fn add(&mut self, section: &str, bytes: u64) {
        let begins = |names: &[&str]| names.iter().any(|name| section.starts_with(name));
        match section {
            // They keep addresses free, and take nothing.
            _ if section.ends_with("_dummy") => {}
            ".stack" => self.stack += bytes,
            _ if begins(&[".data", ".bss", ".noinit", ".dram2", ".rtc_fast"]) => self.data += bytes,
            _ if begins(&[".trap", ".rwtext"]) => self.code += bytes,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_apart() {
        let mut memory = Memory::default();
        for section in [".trap", ".rwtext.wifi", ".rwdata_dummy", ".data", ".bss", ".text", ".stack", ".dram2_uninit"] {
            memory.add(section, 10);
        }
        assert_eq!(memory, Memory { data: 30, code: 20, stack: 10 });
    }

    #[test]
    fn a_chip_is_a_feature() {
        assert_eq!(all_features(Chip::Esp32c3, ""), "esp32c3");
        assert_eq!(all_features(Chip::Esp32c6, "lcd"), "esp32c6,lcd");
    }
}
