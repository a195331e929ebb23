//! What was said on a wire, compared with what is kept.

use std::{fs, path::PathBuf};

/// The variable that has it written instead of compared.
const REWRITE: &str = "COMFYGLOW_REWRITE";

/// Bytes as one reads them in a data sheet; `00*128` is 128 of them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let run = |run: &[u8]| match run {
        [byte, _, _, _, ..] => format!("{byte:02x}*{}", run.len()),
        _ => run.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
    };
    bytes.chunk_by(u8::eq).map(run).collect::<Vec<_>>().join(" ")
}

/// Compares with the fixture of that name, or writes it.
pub(crate) fn check_fixture(name: &str, said: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).with_extension("txt");
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&path, said).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(said == kept, "{name}: something else is said; look, and {REWRITE}=1 writes it:\n{said}");
}
