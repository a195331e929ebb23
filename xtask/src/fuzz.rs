//! `cargo xtask fuzz`: the fuzz targets of `tests/fuzz`, one after the other.
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fmt, fs};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output, run as execute};
use crate::project::Project;
use crate::steps::{Outcome, Steps};

/// The program that builds with a fuzzer's coverage, and its version.
const CARGO_FUZZ: &str = "cargo-fuzz 0.13.2";
/// Compiles for it: the coverage is a nightly compiler's.
const TOOLCHAIN: &str = "+nightly";
/// Bytes of an input.
const LONGEST: u32 = 8_192;

/// Let the fuzzer look for inputs that break a law.
///
/// Each target begins with the seeds of `tests/src/fuzz` and what earlier runs found worth keeping in `tests/fuzz/corpus`.
/// What breaks a law is kept in `tests/fuzz/artifacts`; its copy in `tests/fixtures/fuzz/TARGET` is a test from then on.
/// The exit status is 1 if anything was found.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target is run.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// The targets to run, instead of all.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Only list the targets.
    #[arg(long)]
    list: bool,
}

/// Runs the targets.
///
/// # Errors
/// A law was broken, a tool is missing, or there is no such target.
pub(crate) fn run(args: &Args) -> Result<()> {
    let project = Project::read()?;
    let folder = project.root.join("tests/fuzz");
    let all = targets(&folder)?;
    if args.list {
        println!("{}", all.join("\n"));
        return Ok(());
    }
    if let Some(unknown) = args.targets.iter().find(|target| !all.contains(target)) {
        bail!("there is no target {unknown}; there are {}", all.join(", "));
    }
    ask_for_tools()?;
    execute(cargo().args(["run", "--package", "comfyglow-tests", "--example", "seeds"]).current_dir(&project.root))?;
    execute(&mut fuzz(&folder, "build"))?;
    let mut steps = Steps::new();
    for target in all.iter().filter(|target| args.targets.is_empty() || args.targets.contains(target)) {
        let about = format!("{} s", args.seconds);
        steps.step(target, &about, || {
            println!("{}", fuzz_one(&project, &folder, target, args.seconds)?);
            Ok(Outcome::Done)
        });
    }
    steps.finish()
}

/// The targets' names, in the order of the alphabet.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("fuzz_targets")).context("the fuzz targets can't be listed")? {
        names.extend(entry?.path().file_stem().and_then(OsStr::to_str).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// # Errors
/// A tool is missing; the message says how to get it.
fn ask_for_tools() -> Result<()> {
    let mut missing = Vec::new();
    if output(rustup_cargo().arg("--version")).is_err() {
        missing.push("a nightly compiler: rustup toolchain install nightly --profile minimal".to_owned());
    } else if output(rustup_cargo().args(["fuzz", "--version"])).is_err() {
        let (name, version) = CARGO_FUZZ.split_once(' ').unwrap_or((CARGO_FUZZ, ""));
        missing.push(format!("{CARGO_FUZZ}: cargo install --locked {name}@{version}"));
    }
    if missing.is_empty() { Ok(()) } else { bail!("missing: {}", missing.join("\n         ")) }
}

/// rustup's cargo of the nightly compiler, whatever cargo runs this program.
fn rustup_cargo() -> Command {
    let mut command = Command::new("cargo");
    command.arg(TOOLCHAIN);
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
}

/// cargo-fuzz's command `name`. No sanitizer: there is no unsafe code, and without it runs twice as much.
fn fuzz(folder: &Path, name: &str) -> Command {
    let mut command = rustup_cargo();
    command.args(["fuzz", name, "--sanitizer", "none", "--fuzz-dir", "."]).current_dir(folder);
    command
}

/// What a run of a target came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    runs: u64,
    a_second: u64,
    /// Edges of the program that some input reached.
    coverage: u64,
    /// Inputs worth keeping.
    corpus: u64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, a_second, coverage, corpus } = self;
        write!(f, "{runs} runs, {a_second} a second; coverage {coverage}, corpus {corpus}; no finding")
    }
}

/// Runs one target; its log is kept where cargo builds.
///
/// # Errors
/// Something was found: the message holds it.
fn fuzz_one(project: &Project, folder: &Path, target: &str, seconds: u32) -> Result<Told> {
    let logs = project.target_dir.join("fuzz-logs");
    fs::create_dir_all(&logs)?;
    let log = logs.join(format!("{target}.log"));
    let mut command = fuzz(folder, "run");
    command.args([target, "--", "-dict=words.dict", "-print_final_stats=1", "-timeout=10"]);
    command.args([format!("-max_total_time={seconds}"), format!("-max_len={LONGEST}")]);
    let output = fs::File::create(&log)?;
    let status = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status()?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        bail!("{}\nAll of it is in {}.", finding(&said), log.display());
    }
    told(&said).with_context(|| format!("the fuzzer told no figures: {}", log.display()))
}

/// The figures at the end of a fuzzer's log.
fn told(log: &str) -> Option<Told> {
    let done = log.lines().rfind(|line| line.contains("DONE "))?;
    let of = |text: &str, name: &str| {
        let number = text.split_once(name)?.1.trim_start().split(|c: char| !c.is_ascii_digit()).next()?;
        number.parse().ok()
    };
    Some(Told {
        runs: of(log, "stat::number_of_executed_units:")?,
        a_second: of(log, "stat::average_exec_per_sec:")?,
        coverage: of(done, "cov:")?,
        corpus: of(done, "corp:")?,
    })
}

/// What a failed run says: the panic, and where the input is.
fn finding(log: &str) -> String {
    let from = log.lines().position(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"));
    let Some(from) = from else {
        let last: Vec<_> = log.lines().rev().take(12).collect();
        return last.into_iter().rev().collect::<Vec<_>>().join("\n");
    };
    let said = log.lines().skip(from).take_while(|line| !line.starts_with("stack backtrace")).take(30);
    let input = log.lines().find(|line| line.contains("Test unit written to"));
    said.chain(input).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_log() {
        let log = "#2\tINITED cov: 7 ft: 8 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                   #5243\tDONE   cov: 812 ft: 3011 corp: 245/12Kb lim: 88 exec/s: 2621 rss: 62Mb\n\
                   stat::number_of_executed_units: 5243\nstat::average_exec_per_sec:     2621\n";
        assert_eq!(told(log), Some(Told { runs: 5_243, a_second: 2_621, coverage: 812, corpus: 245 }));
        assert_eq!(told("#2 INITED cov: 7"), None);
    }

    #[test]
    fn a_finding_is_the_panic_and_its_input() {
        let log = "INFO: Seed: 1\nthread 'x' panicked at a.rs:1:2:\nboom\nstack backtrace:\n 0: f\n\
                   artifact_prefix='./'; Test unit written to ./artifacts/lexer/crash-1\n";
        let told = finding(log);
        assert!(told.contains("boom") && told.contains("crash-1") && !told.contains("Seed"), "{told}");
        assert_eq!(finding("error: no such target"), "error: no such target");
    }
}
