//! What a prompt's nodes gave, for people and for programs.

use comfyglow::{
    address::Address,
    client::{File, NodeOutput, Outcome, Submission},
    display::clean,
};
use serde_json::{Value, json};

use super::screen::Screen;

/// Lists what the nodes gave.
pub(super) fn list(screen: &Screen, outcome: &Outcome, submission: &Submission, address: &Address, verbose: bool) {
    if screen.is_json() {
        let outputs: Vec<Value> = outcome.outputs.iter().map(|output| told(output, submission, address)).collect();
        screen.json_line(json!({"prompt_id": submission.prompt_id(), "outputs": outputs}).to_string());
        return;
    }
    for output in &outcome.outputs {
        let class = submission.graph().class_of(&output.node).unwrap_or("node");
        for file in &output.files {
            let folder = [&file.r#type, &file.subfolder]
                .iter()
                .filter(|part| !part.is_empty())
                .fold(String::new(), |folder, part| folder + part + "/");
            let url = if verbose { format!("  {}", view_url(address, file)) } else { String::new() };
            screen.say(&clean(&format!("  {class} #{}: {folder}{}{url}", output.node, file.filename)));
        }
        for text in &output.texts {
            screen.say(&clean(&format!("  {class} #{}: {text}", output.node)));
        }
    }
}

fn told(output: &NodeOutput, submission: &Submission, address: &Address) -> Value {
    let file = |file: &File| json!({"filename": file.filename, "subfolder": file.subfolder, "type": file.r#type, "url": view_url(address, file)});
    json!({
        "node": output.node,
        "class": submission.graph().class_of(&output.node),
        "files": output.files.iter().map(file).collect::<Vec<_>>(),
        "texts": output.texts,
    })
}

/// Where a browser sees a file; a login or token is not in it.
fn view_url(address: &Address, file: &File) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("filename", &file.filename)
        .append_pair("subfolder", &file.subfolder)
        .append_pair("type", &file.r#type)
        .finish();
    format!("{address}/view?{query}")
}
