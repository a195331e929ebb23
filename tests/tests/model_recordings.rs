//! The pinned results of all recordings are what the model says, so that neither changes unseen.

use std::collections::BTreeSet;

use comfyglow::recording::Recording;
use comfyglow_tests::{
    compare::{keep_what_is_pinned, mismatch},
    expected, fixtures, model, name_of, pinned,
    recorded::{self, hear},
    recordings_in, traces,
};

#[test]
fn the_model_says_what_is_pinned() {
    for file in traces() {
        let name = name_of(&file);
        let recording = Recording::read(&file).expect("the recording is readable");
        let Some(pinned) = expected(&name) else {
            assert!(!file.starts_with(fixtures()), "{name} is not pinned");
            continue;
        };
        assert_eq!(recording.connections(), pinned.iter().map(|c| c.conn).collect::<Vec<_>>(), "{name}");
        for connection in pinned {
            let last = connection.cuts.last().expect("a connection has a last cut");
            assert_eq!(last.rows, recording.rows.len(), "{name}");
            let heard = recording.messages(connection.conn).expect("the frames are sound");
            let mut heard = heard.iter().peekable();
            let mut model = recorded::model(&recording);
            for cut in &connection.cuts {
                while let Some(message) = heard.next_if(|message| message.line <= cut.rows) {
                    hear(&mut model, message);
                }
                let mut snapshot = model.snapshot(0.0);
                keep_what_is_pinned(&mut snapshot);
                let differs = mismatch(&cut.snapshot, &snapshot);
                assert_eq!(differs, None, "{name}, connection {}, {} rows", connection.conn, cut.rows);
            }
            assert!(!model.is_open(), "{name}: no server repeats a key or breaks off");
        }
    }
}

#[test]
fn every_curated_recording_is_pinned() {
    let names = |folder: &str, ending: &str| -> BTreeSet<String> {
        let files = std::fs::read_dir(fixtures().join(folder)).expect("the folder is in the repository").flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
    };
    let missing: Vec<_> = names("traces", ".jsonl").difference(&names("expected", ".json")).cloned().collect();
    assert!(missing.is_empty(), "not pinned: {missing:?}");
    assert!(recordings_in(&fixtures().join("traces")).len() >= 50, "recordings were lost");
}

#[test]
fn pinned_results_read_as_they_were_written() {
    let file = fixtures().join("traces").join("d_interrupt.jsonl");
    let recording = Recording::read(&file).expect("the recording is readable");
    let results = pinned::results(&recording).expect("the frames are sound");
    assert_eq!(pinned::parse(&pinned::write(&results)).expect("it is its own form"), results);
}

#[test]
fn a_compressed_session_ends_like_a_plain_one() {
    let last = |name: &str| {
        let recording = Recording::read(&fixtures().join("traces").join(format!("{name}.jsonl"))).expect("readable");
        let model: model::Model = recorded::play(&recording, 0, usize::MAX).expect("the frames are sound");
        model.snapshot(0.0)["prompt"]["state"].clone()
    };
    for name in ["w_wire_plain", "w_wire_deflate", "w_wire_deflate_9bit_notakeover", "n_deflate_no_takeover"] {
        assert_eq!(last(name), "success", "{name}");
    }
}
