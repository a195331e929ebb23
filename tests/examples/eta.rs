//! How far the time left is off, beside a linear estimate's: `cargo run -p comfyglow-tests --example eta`.
//!
//! At 25, 50 and 75 % of a run, in percent of the run's length; over the recordings (those of `COMFYGLOW_TRACES` too),
//! each with one earlier run of the same workflow where there is one, and over simulated workflows.

use anyhow::Result;
use comfyglow_tests::eta::{ASKED_AT, Errors, errors, recorded, simulated, summary};

fn main() -> Result<()> {
    println!("error of the time left in % of the run, ours with one earlier run / linear (which is ours with none)");
    println!("{:44} {}", "", ASKED_AT.map(|at| format!("{:>15}", format!("at {at} %"))).join(" "));
    for (other_settings, title) in [(false, "same workflow"), (true, "other settings")] {
        let (mut ours, mut linear) = (Vec::new(), Vec::new());
        for runs in recorded(other_settings)?.iter().filter(|runs| runs.len() > 1) {
            for (n, run) in runs.iter().enumerate() {
                let before = &runs[(n + runs.len() - 1) % runs.len()];
                let name = format!("{}, {} ms", run.name, run.length() / 1_000);
                line(&name, &errors(&[before], run), &errors(&[], run), &mut ours, &mut linear);
            }
        }
        total(title, &ours, &linear);
    }
    let (mut ours, mut linear) = (Vec::new(), Vec::new());
    for pair in simulated() {
        let name = format!("{}: {}", pair.workflow, pair.variant);
        line(&name, &errors(&[&pair.first], &pair.second), &errors(&[], &pair.second), &mut ours, &mut linear);
    }
    total("simulated", &ours, &linear);
    Ok(())
}

fn line(name: &str, with: &Errors, without: &Errors, ours: &mut Vec<Errors>, linear: &mut Vec<Errors>) {
    let show = |error: Option<f64>| error.map_or_else(|| "-".to_owned(), |error| format!("{:.1}", error * 100.0));
    let columns = with
        .iter()
        .zip(without)
        .map(|(with, without)| format!("{:>15}", format!("{} / {}", show(*with), show(*without))));
    println!("{name:44} {}", columns.collect::<Vec<_>>().join(" "));
    ours.push(*with);
    linear.push(*without);
}

fn total(name: &str, ours: &[Errors], linear: &[Errors]) {
    for (n, at) in ASKED_AT.into_iter().enumerate() {
        for (whose, errors) in [("ours", ours), ("linear", linear)] {
            if let Some((median, worst, count)) = summary(errors.iter().map(|errors| errors[n])) {
                println!("{name:12} at {at} % {whose:7} median {median:5.1} worst {worst:6.1} of {count} answers");
            }
        }
    }
}
