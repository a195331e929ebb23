//! What nodes give: files, for the most part.

use serde::Serialize;
use serde_json::Value;

/// A file that a node has written on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name.
    pub filename: String,
    /// The folder below the one that `type` names; empty for that one itself.
    pub subfolder: String,
    /// `output`, `temp` or `input`.
    pub r#type: String,
}

/// What a node gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeOutput {
    /// The node of the submitted graph.
    pub node: String,
    /// The files in it.
    pub files: Vec<File>,
    /// The texts in it.
    pub texts: Vec<String>,
}

impl NodeOutput {
    /// The output `output` of `node`.
    pub(super) fn new(node: &str, output: &Value) -> Self {
        let texts = output["text"].as_array().into_iter().flatten();
        let texts = texts.filter_map(Value::as_str).map(str::to_owned).collect();
        Self { node: node.to_owned(), files: files(output), texts }
    }
}

/// The files in a node's output, which is lists under names of any choice (`images`, `gifs`, `audio` …).
pub(super) fn files(output: &Value) -> Vec<File> {
    let lists = output.as_object().into_iter().flat_map(|lists| lists.values()).filter_map(Value::as_array);
    lists.flatten().filter_map(file).collect()
}

fn file(item: &Value) -> Option<File> {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    item["filename"].is_string().then(|| File {
        filename: text("filename"),
        subfolder: text("subfolder"),
        r#type: text("type"),
    })
}
