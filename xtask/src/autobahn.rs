//! `cargo xtask autobahn`: the core's WebSocket against Autobahn|Testsuite, the field's conformance suite.
//!
//! Its fuzzing server plays every case of RFC 6455, right and wrong, against an echo client made of the core alone;
//! it judges, we only read its verdicts.
mod client;
mod report;
mod suite;

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::figures::Figures;
use crate::project::Project;
use crate::steps::Outcome;
use client::Reads;
use report::Report;
use suite::{Environment, Server};

/// The groups that a client has to pass: framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, sizes, and
/// automatic fragments. 12 and 13 are compression, which is never offered.
const CASES: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];

/// The exit status where the suite can't be had, so that a script can tell it from a failed case.
const UNAVAILABLE: i32 = 3;

/// Run the WebSocket conformance suite Autobahn against the core.
///
/// With reads as they come, then byte by byte. Needs a Python 2.7, for which Autobahn's packages are fetched by pip
/// into a folder below the target directory. Exit status 0: no case failed; 1: some did; 3: there is no Python 2.7.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only byte by byte.
    #[arg(long, conflicts_with = "as_they_come")]
    byte_by_byte: bool,
    /// Only with reads as they come.
    #[arg(long)]
    as_they_come: bool,
    /// The cases to run, with `*` as the last part of a name for all of them.
    #[arg(long, value_name = "CASE", num_args = 1.., default_values = CASES)]
    cases: Vec<String>,
}

/// Runs the cases asked for.
///
/// # Errors
/// A case failed, or the suite can't be set up or doesn't answer. Without a Python 2.7 the program ends here.
pub(crate) fn run(args: &Args) -> Result<()> {
    let reads: &[Reads] = match (args.byte_by_byte, args.as_they_come) {
        (true, _) => &[Reads::ByteByByte],
        (_, true) => &[Reads::AsTheyCome],
        _ => &Reads::ALL,
    };
    match judge(&Project::read()?, &args.cases, reads)? {
        Outcome::Done => Ok(()),
        Outcome::Skipped(reason) => {
            eprintln!("skipped: {reason}");
            std::process::exit(UNAVAILABLE)
        }
    }
}

/// All cases, both ways: the step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`]; a Python 2.7 that isn't there is none.
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    judge(project, &CASES.map(str::to_owned), &Reads::ALL)
}

/// The cases that failed, as a figure for each way of reading: measured anew, or from the last run's reports.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn figures(project: &Project, anew: bool) -> Result<Figures> {
    let home = project.target_dir.join("autobahn");
    let index = |reads: Reads| home.join(reads.agent()).join("index.json");
    if (anew || !Reads::ALL.into_iter().all(|reads| index(reads).exists()))
        && let Outcome::Skipped(reason) = judge(project, &CASES.map(str::to_owned), &Reads::ALL)?
    {
        bail!(reason);
    }
    let mut figures = Figures::new();
    for reads in Reads::ALL {
        let index = index(reads);
        let text = fs::read(&index).with_context(|| format!("cannot read {}", index.display()))?;
        let days = fs::metadata(&index)?.modified()?.elapsed().unwrap_or_default().as_secs() / (24 * 60 * 60);
        let report = Report::parse(&serde_json::from_slice(&text)?, reads.agent())?;
        println!("{reads}, {days} days ago\n{report}");
        let failed = u64::try_from(report.failed().count())?;
        figures.add(format!("Autobahn's cases failed, {reads}"), failed, "", Some(0));
    }
    Ok(figures)
}

fn judge(project: &Project, cases: &[String], reads: &[Reads]) -> Result<Outcome> {
    let home = project.target_dir.join("autobahn");
    let Some(environment) = Environment::prepare(&home)? else {
        return Ok(Outcome::Skipped(suite::REMEDY.to_owned()));
    };
    let mut failed = Vec::new();
    for &reads in reads {
        let start = Instant::now();
        let server = Server::start(&environment, &home.join(reads.agent()), cases)?;
        client::run_all(server.address(), reads)?;
        let report = Report::parse(&server.report(reads.agent())?, reads.agent())?;
        println!("\n{reads} ({:.0} s)\n{report}", start.elapsed().as_secs_f64());
        failed.extend(report.failed().map(|case| format!("{case} ({reads})")));
    }
    ensure!(failed.is_empty(), "{} Autobahn cases failed: {}; see {}", failed.len(), failed.join(", "), home.display());
    Ok(Outcome::Done)
}
