//! How far the time left is off, of one earlier run and beside a linear estimate's.
use anyhow::{Context, Result, ensure};

use crate::figures::Figures;
use crate::process::{cargo, output};
use crate::project::Project;

/// The example of the tests that prints each run's errors, and behind each group of recordings its name.
const EXAMPLE: [&str; 6] = ["run", "--quiet", "--package", "comfyglow-tests", "--example", "eta"];

/// When it is asked, in percent of the run.
const ASKED_AT: [&str; 3] = ["25", "50", "75"];

/// The most that it may be off at half of the run, in percent of the run.
const AT_HALF: f64 = 10.0;

/// What the example calls a second run that is like the first.
const SAME: &str = "same workflow";

/// Of one run, at each time that it was asked: what ours was off, and the linear one; none where it gave no answer.
type Errors = [(Option<f64>, Option<f64>); 3];

/// Prints the errors of each run, and returns their medians and how often ours was worse than a linear estimate.
///
/// # Errors
/// The example can't be built or run, or prints otherwise.
pub(crate) fn figures(_: &Project) -> Result<Figures> {
    let said = output(cargo().args(EXAMPLE))?;
    print!("{said}");
    let groups = groups(&said)?;
    let mut figures = Figures::new();
    for (group, runs) in &groups {
        for (n, at) in ASKED_AT.into_iter().enumerate() {
            let (ours, linear) = (median(runs, |run| run[n].0), median(runs, |run| run[n].1));
            let (ours, linear) = (ours.context("no answers")?, linear.context("no linear answers")?);
            let most = if at == "50" { AT_HALF.min(linear) } else { linear };
            figures.add_share(format!("time left at {at} %, {group}, linear"), linear, None);
            figures.add_share(format!("time left at {at} %, {group}"), ours, group.ends_with(SAME).then_some(most));
        }
        if group.ends_with(SAME) {
            let worse = |(ours, linear): &(Option<f64>, Option<f64>)| ours.zip(*linear).is_some_and(|(o, l)| o > l);
            let worse = runs.iter().flatten().filter(|errors| worse(errors)).count();
            figures.add(format!("answers worse than linear, {group}"), u64::try_from(worse)?, "", Some(0));
        }
    }
    Ok(figures)
}

/// The runs by what they are, in the example's order.
fn groups(said: &str) -> Result<Vec<(String, Vec<Errors>)>> {
    let mut groups: Vec<(String, Vec<Errors>)> = Vec::new();
    let mut runs: Vec<(String, Errors)> = Vec::new();
    for line in said.lines() {
        // A line of totals ends the runs before it.
        if let Some((group, _)) = line.split_once(" at ").filter(|_| line.contains(" median ")) {
            let recorded = group.trim() != "simulated";
            for (name, errors) in std::mem::take(&mut runs) {
                let group = if recorded {
                    format!("recorded, {}", group.trim())
                } else if name.ends_with(": the same") {
                    format!("simulated, {SAME}")
                } else {
                    "simulated, another run".to_owned()
                };
                match groups.iter_mut().find(|(known, _)| *known == group) {
                    Some((_, all)) => all.push(errors),
                    None => groups.push((group, vec![errors])),
                }
            }
        } else if let Some(run) = run(line) {
            runs.push(run);
        }
    }
    ensure!(groups.iter().any(|(group, _)| group.ends_with(SAME)), "the example told of no runs:\n{said}");
    Ok(groups)
}

/// A run's line: its name, then three times ours, a slash, and the linear one.
fn run(line: &str) -> Option<(String, Errors)> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (name, numbers) = words.split_at_checked(words.len().checked_sub(9)?)?;
    let mut errors = Errors::default();
    for (errors, numbers) in errors.iter_mut().zip(numbers.chunks(3)) {
        let [ours, "/", linear] = *numbers else { return None };
        *errors = (ours.parse().ok(), linear.parse().ok());
    }
    Some((name.join(" "), errors))
}

fn median(runs: &[Errors], of: impl Fn(&Errors) -> Option<f64>) -> Option<f64> {
    let mut errors: Vec<_> = runs.iter().filter_map(of).collect();
    errors.sort_by(f64::total_cmp);
    errors.get(errors.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_read_by_group() {
        let said = "errors\n       at 25 %  at 50 %  at 75 %\n\
                    a: the same   1.5 / -   2.0 / 3.0   4.0 / 1.0\nb: cached   - / 5.0   6.0 / 7.0   8.0 / 9.0\n\
                    simulated    at 25 % ours    median   1.5 worst   1.5 of 1 answers\n";
        let groups = groups(said).unwrap();
        let names: Vec<_> = groups.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["simulated, same workflow", "simulated, another run"]);
        assert_eq!(groups[0].1, [[(Some(1.5), None), (Some(2.0), Some(3.0)), (Some(4.0), Some(1.0))]]);
    }
}
