//! What the fuzzers begin with and what they found once breaks no law.

use comfyglow_tests::fuzz::{TARGETS, findings};

#[test]
fn all_seeds_and_findings() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.len() >= 4, "{} begins with something", target.name);
        for (at, seed) in seeds.iter().enumerate() {
            println!("{}, seed {at}", target.name);
            (target.check)(seed);
            // Changed a little, the way a fuzzer does.
            (target.check)(&seed[..seed.len() / 2]);
        }
        for (name, finding) in findings(target) {
            println!("{name}");
            (target.check)(&finding);
        }
    }
}
