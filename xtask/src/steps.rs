//! Steps, one after the other: each with its time, a failure hiding none of the later ones, a table at the end.
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How a step ended that did not fail.
pub(crate) enum Outcome {
    /// All of it was done, and all is well.
    Done,
    /// It can't be done here, for this reason, and need not be.
    Skipped(String),
}

enum Verdict {
    Ok,
    Skipped(String),
    Failed(anyhow::Error),
}

/// The steps done so far.
pub(crate) struct Steps {
    done: Vec<(String, Duration, Verdict)>,
}

impl Steps {
    /// None done yet.
    pub(crate) fn new() -> Self {
        Self { done: Vec::new() }
    }

    /// Does one step and keeps its time and verdict.
    pub(crate) fn step(&mut self, name: &str, about: &str, work: impl FnOnce() -> Result<Outcome>) {
        println!("\n=== {name}: {about}");
        let start = Instant::now();
        let verdict = match work() {
            Ok(Outcome::Done) => Verdict::Ok,
            Ok(Outcome::Skipped(reason)) => Verdict::Skipped(reason),
            Err(error) => Verdict::Failed(error),
        };
        let took = start.elapsed();
        println!("--- {name}: {verdict} after {:.1} s", took.as_secs_f64());
        self.done.push((name.to_owned(), took, verdict));
    }

    /// Prints the table of all steps, and below it why those failed that did.
    ///
    /// # Errors
    /// Some step failed.
    pub(crate) fn finish(self) -> Result<()> {
        print!("\n{self}");
        let failed: Vec<_> = self.done.iter().filter(|(.., verdict)| matches!(verdict, Verdict::Failed(_))).collect();
        if !failed.is_empty() {
            let names: Vec<_> = failed.iter().map(|(name, ..)| name.as_str()).collect();
            bail!("{} of {} steps failed: {}", failed.len(), self.done.len(), names.join(", "));
        }
        Ok(())
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.done.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, took, verdict) in &self.done {
            writeln!(f, "{name:width$} {:7.1} s  {verdict}", took.as_secs_f64())?;
        }
        for (name, _, verdict) in &self.done {
            if let Verdict::Failed(error) = verdict {
                writeln!(f, "{name} failed: {error:#}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
            Self::Failed(_) => f.write_str("FAILED"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_hides_no_later_step() {
        let mut steps = Steps::new();
        steps.step("one", "fails", || bail!("broken"));
        steps.step("second", "is well", || Ok(Outcome::Done));
        steps.step("third", "isn't possible here", || Ok(Outcome::Skipped("no tool".to_owned())));
        for (_, took, _) in &mut steps.done {
            *took = Duration::from_millis(1500);
        }
        assert_eq!(
            steps.to_string(),
            "one        1.5 s  FAILED\nsecond     1.5 s  OK\nthird      1.5 s  skipped: no tool\n\
             one failed: broken\n"
        );
        assert_eq!(steps.finish().unwrap_err().to_string(), "1 of 3 steps failed: one");
    }

    #[test]
    fn skipped_steps_are_no_failure() {
        let mut steps = Steps::new();
        steps.step("one", "isn't possible here", || Ok(Outcome::Skipped("no tool".to_owned())));
        assert!(steps.finish().is_ok());
    }
}
