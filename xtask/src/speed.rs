//! How fast messages are parsed: the table of `cargo bench`, and `cargo xtask bench-instructions`, which counts.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::debian;
use crate::figures::Figures;
use crate::process::{cargo, output, run as execute};
use crate::project::Project;

/// The crate that measures.
const BENCH: &str = "comfyglow-bench";

/// The function whose calls callgrind counts. Its whole name: of two options with the same pattern, only one would hold.
const COUNTED: &str = "comfyglow_bench::measure::counted";

/// Count the instructions that each parser takes for each kind of message, on this processor.
///
/// Unlike times they are the same in each run. One pass over the messages of each row of `cargo bench` is counted, behind
/// one that isn't. Needs valgrind, which is installed where there are rights to. What depends on the processor may differ
/// from a run without it: valgrind knows AVX2 at most, and counts each turn of an instruction that repeats itself (`rep`).
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Builds, counts and prints.
///
/// # Errors
/// The benchmark can't be built or run, or valgrind isn't there.
pub(crate) fn run(_: &Args) -> Result<()> {
    let project = Project::read()?;
    debian::program("valgrind", "valgrind")?;
    let program = program()?;
    let folder = project.target_dir.join("callgrind");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let profile = format!("--callgrind-out-file={}", folder.join("out").display());
    let (toggle, dump) = (format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}"));
    let mut command = Command::new("valgrind");
    command.args(["-q", "--tool=callgrind", &toggle, &dump, &profile]).arg(program).arg("--counted");
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in (1..).zip(output(&mut command)?.lines()) {
        let [name, contender, messages] = *line.split('\t').collect::<Vec<_>>() else {
            bail!("the benchmark said {line:?}, which names no contender");
        };
        let each = totals(&folder.join(format!("out.{number}")))? / messages.parse::<u64>()?.max(1);
        match rows.last_mut().filter(|row| row.name == name) {
            Some(row) => row.each.push((contender.to_owned(), each)),
            None => rows.push(Row { name: name.to_owned(), each: vec![(contender.to_owned(), each)] }),
        }
    }
    print(&rows)
}

/// Measures, lets the benchmark print its table, and returns the figures that have a target.
///
/// # Errors
/// The benchmark can't be built or run, or the parsers don't find the same.
pub(crate) fn figures(project: &Project) -> Result<Figures> {
    let file = project.target_dir.join("speed");
    execute(cargo().args(["bench", "--quiet", "--package", BENCH, "--", "--figures"]).arg(&file))?;
    let mut figures = Figures::new();
    for line in fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?.lines() {
        let [name, multiple, target] = *line.split('\t').collect::<Vec<_>>() else {
            bail!("the benchmark wrote {line:?}, which is no figure");
        };
        figures.add_multiple(name, multiple.parse()?, Some(target.parse()?));
    }
    Ok(figures)
}

/// The instructions that each contender takes for a message.
struct Row {
    name: String,
    each: Vec<(String, u64)>,
}

/// Prints the table.
fn print(rows: &[Row]) -> Result<()> {
    let first = rows.first().context("the benchmark has no contenders")?;
    println!(
        "Instructions on this processor to parse a message: comfyglow's decoder whole and in pieces, and the others"
    );
    let mut titles = &[][..];
    for row in rows {
        if !same(titles, &row.each) {
            if row.name != first.name {
                println!("\nFrom a socket's bytes to a state");
            }
            titles = &row.each;
            print!("{:20}", "");
            for (name, _) in titles {
                print!("  {name:>8}");
            }
            println!();
        }
        print!("{:20}", row.name);
        for (name, each) in &row.each {
            print!("  {each:>0$}", name.len().max(8));
        }
        println!();
    }
    Ok(())
}

fn same(titles: &[(String, u64)], row: &[(String, u64)]) -> bool {
    titles.len() == row.len() && titles.iter().zip(row).all(|((a, _), (b, _))| a == b)
}

/// Builds the benchmark and returns where it is.
fn program() -> Result<PathBuf> {
    let said = output(cargo().args(["bench", "--no-run", "--package", BENCH, "--message-format", "json"]))?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().context("cargo named no program that it built")
}

/// The instructions in one of callgrind's dumps.
fn totals(dump: &Path) -> Result<u64> {
    let text = fs::read_to_string(dump).with_context(|| format!("cannot read {}", dump.display()))?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    let totals = totals.with_context(|| format!("{} has no totals", dump.display()))?.trim().parse()?;
    ensure!(totals > 0, "callgrind counted nothing: {} is empty", dump.display());
    Ok(totals)
}
