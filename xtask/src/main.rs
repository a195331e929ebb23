//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! A command is a file with an `Args` (clap's) and a `run(Args)`; it gets its `mod` line, its variant of `Xtask`
//! and its arm in `main`. What should also run in `cargo xtask ci` gets a line in `ci::STEPS`.
use std::process::ExitCode;

use clap::Parser;

mod autobahn;
mod boards;
mod ci;
mod cross;
mod debian;
mod esp32;
mod eta;
mod extension;
mod figures;
mod file_length;
mod fuzz;
mod msrv;
mod numbers;
mod partition;
mod probe;
mod process;
mod project;
mod python;
mod qemu;
mod screenshot;
mod speed;
mod steps;
mod virt;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Xtask {
    Autobahn(autobahn::Args),
    BenchInstructions(speed::Args),
    Ci(ci::Args),
    Cost(probe::cost::Args),
    Cross(cross::Args),
    Esp32(esp32::Args),
    Fuzz(fuzz::Args),
    Numbers(numbers::Args),
    Panics(probe::panics::Args),
    Partition(partition::Args),
    Qemu(qemu::Args),
    QemuTest(qemu::stations::Args),
    ReplayMcu(probe::replay::Args),
    Screenshot(screenshot::Args),
    Size(probe::size::Args),
    VirtTest(virt::Args),
}

fn main() -> ExitCode {
    let done = match Xtask::parse() {
        Xtask::Autobahn(args) => autobahn::run(&args),
        Xtask::BenchInstructions(args) => speed::run(&args),
        Xtask::Ci(args) => ci::run(&args),
        Xtask::Cost(args) => probe::cost::run(&args),
        Xtask::Cross(args) => cross::run(&args),
        Xtask::Esp32(args) => esp32::run(&args),
        Xtask::Fuzz(args) => fuzz::run(&args),
        Xtask::Numbers(args) => numbers::run(&args),
        Xtask::Panics(args) => probe::panics::run(&args),
        Xtask::Partition(args) => partition::run(&args),
        Xtask::Qemu(args) => qemu::run(&args),
        Xtask::QemuTest(args) => qemu::stations::run(&args),
        Xtask::ReplayMcu(args) => probe::replay::run(&args),
        Xtask::Screenshot(args) => screenshot::run(&args),
        Xtask::Size(args) => probe::size::run(&args),
        Xtask::VirtTest(args) => virt::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Not `main`'s own way of showing it, which adds a backtrace of this program where RUST_BACKTRACE is set.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
