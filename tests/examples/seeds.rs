//! Writes what the fuzz targets begin with into `tests/fuzz/corpus`; `cargo xtask fuzz` runs it.

use std::{fs, path::Path};

use comfyglow_tests::fuzz::{TARGETS, findings};

fn main() -> anyhow::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for target in TARGETS {
        let folder = corpus.join(target.name);
        fs::create_dir_all(&folder)?;
        let known = (target.seeds)().into_iter().chain(findings(target).into_iter().map(|(_, input)| input));
        for (at, seed) in known.enumerate() {
            fs::write(folder.join(format!("seed-{at:03}")), seed)?;
        }
    }
    Ok(())
}
