//! Writes the pinned results of recordings, as the model has them: `cargo run -p comfyglow-tests --example pin -- FOLDER`.
//!
//! For each recording `NAME.jsonl` of the folder it writes `tests/fixtures/expected/NAME.json`, and prints how each
//! connection ended. Pin anew only where the meaning of a snapshot was changed on purpose, and read the difference.

use std::path::Path;

use anyhow::{Context as _, Result};
use comfyglow::recording::Recording;
use comfyglow_tests::{fixtures, name_of, pinned, recordings_in};

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("usage: pin FOLDER, a folder of recordings")?;
    let recordings = recordings_in(Path::new(&folder));
    let target = fixtures().join("expected");
    std::fs::create_dir_all(&target)?;
    for file in &recordings {
        let name = name_of(file);
        let results = pinned::results(&Recording::read(file)?).with_context(|| name.clone())?;
        for connection in &results {
            let last = connection.cuts.last().map_or(&serde_json::Value::Null, |cut| &cut.snapshot);
            let prompt = &last["prompt"];
            println!(
                "{name} {}: {} {}% step {}/{} nodes {}+{}/{} out {} pre {} txt {} warn {} queue {} text {} bin {} mal {} unk {}",
                connection.conn,
                prompt["state"],
                prompt["percentage"],
                prompt["current_step"],
                prompt["total_steps"],
                prompt["nodes_cached"],
                prompt["nodes_finished"],
                prompt["nodes_total"],
                prompt["outputs"],
                prompt["previews"],
                prompt["text_updates"],
                prompt["warnings"],
                last["queue_remaining"],
                last["messages"]["text"],
                last["messages"]["binary"],
                last["messages"]["malformed"],
                last["messages"]["unknown"],
            );
        }
        std::fs::write(target.join(format!("{name}.json")), pinned::write(&results))?;
    }
    println!("{} recordings pinned", recordings.len());
    Ok(())
}
