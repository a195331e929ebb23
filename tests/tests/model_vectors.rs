//! The model says what the worked examples say.

use comfyglow_tests::{ServerMessage, compare::mismatch, model::Model, vectors};

#[test]
fn the_model_passes_every_vector() {
    let failures: Vec<String> = vectors()
        .iter()
        .filter_map(|vector| {
            let mut model = Model::new();
            for (prompt, nodes) in &vector.nodes_total {
                model.set_nodes_total(prompt, *nodes);
            }
            for wire in &vector.wire {
                match wire {
                    ServerMessage::Text(text) => model.text(0.0, text),
                    ServerMessage::Binary(bytes) => model.binary(0.0, bytes),
                }
            }
            mismatch(&vector.expect, &model.snapshot(0.0)).map(|what| format!("{}: {what}", vector.name))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(vectors().len() >= 90, "vectors were lost");
}
