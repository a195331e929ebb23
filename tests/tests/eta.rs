//! The time left is right once a workflow was seen before, and sensible where its next run is another.
//!
//! `cargo run -p comfyglow-tests --example eta` prints what is asserted here.

use std::collections::BTreeMap;

use comfyglow_tests::eta::{ASKED_AT, Errors, errors, recorded, simulated, summary};

/// By variant, the errors with one earlier run and with none, of each workflow.
fn by_variant() -> BTreeMap<&'static str, Vec<(&'static str, Errors, Errors)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pair in simulated() {
        let with = errors(&[&pair.first], &pair.second);
        all.entry(pair.variant).or_default().push((pair.workflow, with, errors(&[], &pair.second)));
    }
    all
}

/// The medians of ours and of the linear estimate, in percent of the run.
fn medians(of: &[(&str, Errors, Errors)], n: usize) -> (f64, f64) {
    let ours = summary(of.iter().map(|(_, ours, _)| ours[n])).expect("there are answers");
    let linear = summary(of.iter().map(|(_, _, linear)| linear[n])).expect("there are answers");
    (ours.0, linear.0)
}

#[test]
fn after_one_run_of_the_same_workflow_it_is_within_a_tenth_and_never_worse_than_linear() {
    let same = &by_variant()["the same"];
    assert!(same.len() >= 5, "workflows of all kinds");
    for (n, at) in ASKED_AT.into_iter().enumerate() {
        for (workflow, ours, linear) in same {
            let ours = ours[n].expect("what was learned answers at once");
            assert!(ours <= 0.1, "{workflow} at {at} %: off by {:.1} % of the run", ours * 100.0);
            // The server's pace varies by chance by some hundredths: a linear estimate may hit by chance, too.
            assert!(linear[n].is_none_or(|linear| ours <= linear + 0.02), "{workflow} at {at} %: {ours} of {linear:?}");
        }
    }
}

#[test]
fn where_the_next_run_is_another_it_is_still_the_better_guess() {
    for (variant, of) in by_variant() {
        for (n, at) in ASKED_AT.into_iter().enumerate() {
            let (ours, linear) = medians(&of, n);
            assert!(ours <= linear + 2.0, "{variant} at {at} %: {ours:.1} % of {linear:.1} %");
            for (workflow, ours, _) in &of {
                let ours = ours[n].expect("what was learned answers at once");
                // At a quarter of a run at another pace the first node may not be over: nothing has told the pace yet.
                if n == 0 && variant.ends_with("times as long") {
                    continue;
                }
                assert!(ours <= 0.6, "{variant}, {workflow} at {at} %: off by {:.1} % of the run", ours * 100.0);
            }
        }
        let (half, _) = medians(&of, 1);
        let most = if variant == "other nodes" { 30.0 } else { 10.0 };
        assert!(half <= most, "{variant} at half: off by {half:.1} % of the run");
    }
}

/// They are short, of other versions and on a machine under load, so that runs of the same workflow differ by half: what
/// is asserted is that what was learned doesn't lead astray.
#[test]
fn recordings_of_the_same_workflow_agree() {
    let mut all = Vec::new();
    for runs in recorded(false).expect("the recordings can be read").iter().filter(|runs| runs.len() > 1) {
        for (n, run) in runs.iter().enumerate() {
            let before = &runs[(n + runs.len() - 1) % runs.len()];
            all.push(("recorded", errors(&[before], run), errors(&[], run)));
        }
    }
    assert!(!all.is_empty(), "some workflows were recorded twice");
    for (n, at) in ASKED_AT.into_iter().enumerate() {
        let (ours, linear) = medians(&all, n);
        assert!(ours <= linear + 2.0, "at {at} %: {ours:.1} % of {linear:.1} %");
    }
}

#[test]
fn it_falls_as_time_passes_and_does_not_jump() {
    for pair in simulated().into_iter().filter(|pair| pair.variant == "the same") {
        let worst = comfyglow_tests::eta::worst_jump(&[&pair.first], &pair.second);
        assert!(worst <= 0.12, "{}: by {:.1} % of the run at one message", pair.workflow, worst * 100.0);
    }
}
