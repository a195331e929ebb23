//! Plays what a recording's connection heard to the model.

use anyhow::Result;
use comfyglow::recording::{Heard, Message, Recording};

use crate::model::Model;

/// A model that knows the sizes of the graphs that the whole recording submits, and has heard nothing.
pub fn model(recording: &Recording) -> Model {
    let mut model = Model::new();
    for (prompt_id, nodes) in recording.nodes_total() {
        model.set_nodes_total(prompt_id, nodes);
    }
    model
}

/// Lets the model hear a message.
pub fn hear(model: &mut Model, heard: &Heard) {
    match &heard.wire {
        Message::Text(text) => model.text(heard.t_ms, text),
        Message::Binary(bytes) => model.binary(heard.t_ms, bytes),
    }
}

/// Plays what `conn` received within the recording's first `rows` lines to a model.
///
/// # Errors
///
/// As [`Recording::messages`].
pub fn play(recording: &Recording, conn: i64, rows: usize) -> Result<Model> {
    let mut model = model(recording);
    for heard in recording.messages(conn)?.iter().take_while(|heard| heard.line <= rows) {
        hear(&mut model, heard);
    }
    Ok(model)
}
