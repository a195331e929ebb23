//! Checks all laws with a gadget's capacities and with small ones; takes the number of cases, 1,000 without.

use comfyglow_core::capacity::GadgetCapacity;
use comfyglow_proptest::{capacities::SmallCapacity, laws::Laws};

fn main() {
    let cases = std::env::args().nth(1).map_or(Ok(1_000), |cases| cases.parse());
    let Ok(cases) = cases else {
        eprintln!("usage: laws [CASES]");
        std::process::exit(2);
    };
    let laws = Laws::new().cases(cases);
    laws.check::<GadgetCapacity>();
    println!("a gadget's state keeps all laws in {cases} cases of each");
    laws.check::<SmallCapacity>();
    println!("a state so small that every capacity overflows keeps them too");
}
