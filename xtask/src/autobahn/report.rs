//! The suite's verdicts.
use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How many cases of a group ended how.
#[derive(Default)]
struct Tally {
    ok: u32,
    /// Allowed, if not what the suite would do.
    non_strict: u32,
    /// There is no right and wrong.
    informational: u32,
    failed: u32,
}

/// One client's report.
pub(super) struct Report {
    groups: BTreeMap<u32, Tally>,
    failed: Vec<String>,
}

impl Report {
    /// Reads what the index says of `agent`. A case counts as failed unless both what was sent and how it was closed
    /// are known to be well.
    ///
    /// # Errors
    /// The index is not in the suite's form.
    pub(super) fn parse(index: &Value, agent: &str) -> Result<Self> {
        let cases = index.get(agent).and_then(Value::as_object).context("the report doesn't name the client")?;
        ensure!(!cases.is_empty(), "the report has no cases");
        let mut report = Self { groups: BTreeMap::new(), failed: Vec::new() };
        for (case, verdict) in cases {
            let group = case.split('.').next().and_then(|group| group.parse().ok());
            let tally = report.groups.entry(group.with_context(|| format!("{case} is no case's number"))?).or_default();
            let judged = |key| verdict.get(key).and_then(Value::as_str);
            let closed_well = matches!(judged("behaviorClose"), Some("OK" | "INFORMATIONAL"));
            let count = match judged("behavior").filter(|_| closed_well) {
                Some("OK") => &mut tally.ok,
                Some("NON-STRICT") => &mut tally.non_strict,
                Some("INFORMATIONAL") => &mut tally.informational,
                _ => {
                    report.failed.push(case.clone());
                    &mut tally.failed
                }
            };
            *count += 1;
        }
        report
            .failed
            .sort_unstable_by_key(|case| case.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>());
        Ok(report)
    }

    /// The cases that failed, in their order.
    pub(super) fn failed(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().map(String::as_str)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("group     OK  NON-STRICT  INFORMATIONAL  FAILED\n")?;
        let mut row = |name: &str, Tally { ok, non_strict, informational, failed }: &Tally| {
            writeln!(f, "{name:<7}{ok:>5}{non_strict:>12}{informational:>15}{failed:>8}")
        };
        let mut sum = Tally::default();
        for tally in self.groups.values() {
            sum.ok += tally.ok;
            sum.non_strict += tally.non_strict;
            sum.informational += tally.informational;
            sum.failed += tally.failed;
        }
        for (group, tally) in &self.groups {
            row(&group.to_string(), tally)?;
        }
        row("all", &sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(behavior: &str, close: &str) -> Value {
        json!({ "behavior": behavior, "behaviorClose": close, "duration": 2, "remoteCloseCode": 1000 })
    }

    #[test]
    fn verdicts_are_counted_by_group() {
        let index = json!({ "me": {
            "1.1.1": verdict("OK", "OK"),
            "1.1.2": verdict("NON-STRICT", "OK"),
            "7.1.6": verdict("INFORMATIONAL", "INFORMATIONAL"),
            "10.1.1": verdict("FAILED", "OK"),
            "9.2.1": verdict("OK", "UNCLEAN"),
            "9.1.1": verdict("UNIMPLEMENTED", "OK"),
        }});
        let report = Report::parse(&index, "me").unwrap();
        assert_eq!(report.failed().collect::<Vec<_>>(), ["9.1.1", "9.2.1", "10.1.1"]);
        let table = [
            "group     OK  NON-STRICT  INFORMATIONAL  FAILED",
            "1          1           1              0       0",
            "7          0           0              1       0",
            "9          0           0              0       2",
            "10         0           0              0       1",
            "all        1           1              1       3",
            "",
        ];
        assert_eq!(report.to_string(), table.join("\n"));
    }

    #[test]
    fn a_report_without_the_client_is_an_error() {
        assert!(Report::parse(&json!({ "other": { "1.1.1": verdict("OK", "OK") } }), "me").is_err());
        assert!(Report::parse(&json!({ "me": {} }), "me").is_err());
    }
}
