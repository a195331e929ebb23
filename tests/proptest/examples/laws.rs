//! Checks all laws with a gadget's capacities and with small ones; takes the number of cases, 1,000 without.

use comfyglow_proptest::laws::Laws;

fn main() {
    let cases = std::env::args().nth(1).map_or(Ok(1_000), |cases| cases.parse());
    let Ok(cases) = cases else {
        eprintln!("usage: laws [CASES]");
        std::process::exit(2);
    };
    let laws = Laws::new().cases(cases);
    laws.check::<48, 256, 64, 640, 24>();
    println!("a gadget's state keeps all laws in {cases} cases of each");
    laws.check::<24, 16, 4, 32, 4>();
    println!("a state so small that every capacity overflows keeps them too");
}
