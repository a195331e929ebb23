//! Why the server won't run a workflow, node by node.

use std::fmt;

use serde_json::Value;

/// The server's refusal of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The server's word for it, such as `prompt_outputs_failed_validation`.
    pub kind: String,
    /// What it says to it.
    pub message: String,
    /// Further of that; may be empty.
    pub details: String,
    /// What is wrong with each node.
    pub nodes: Vec<NodeProblems>,
}

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeProblems {
    /// The node.
    pub node: String,
    /// Its class, such as `KSampler`.
    pub class: Option<String>,
    /// The problems.
    pub problems: Vec<Problem>,
    /// The outputs that can't be made because of it.
    pub dependent_outputs: Vec<String>,
}

/// A problem of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The input that it is about.
    pub input: Option<String>,
    /// What the server says.
    pub message: String,
    /// Further of that; may be empty.
    pub details: String,
    /// What the input was given.
    pub received: Option<Value>,
    /// What the input takes: its type, or the list of what may be chosen, and how it is configured.
    pub config: Option<Value>,
    /// The type that the linked node gives.
    pub received_type: Option<String>,
    /// The linked node, and the number of its output.
    pub linked: Option<(String, u64)>,
}

/// What is wrong with an input or node: the server's `type` of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// `required_input_missing`
    Missing,
    /// `invalid_input_type`
    WrongType,
    /// `value_smaller_than_min`
    TooSmall,
    /// `value_bigger_than_max`
    TooBig,
    /// `value_not_in_list`
    NotInList,
    /// `return_type_mismatch`
    WrongLink,
    /// `bad_linked_input`
    BadLink,
    /// `dependency_cycle`
    Cycle,
    /// `exception_during_validation`, `exception_during_inner_validation`
    Exception,
    /// `custom_validation_failed`: the node itself refuses.
    Refused,
    /// Another one: the server's word.
    Other(String),
}

impl ProblemKind {
    fn named(name: &str) -> Self {
        match name {
            "required_input_missing" => Self::Missing,
            "invalid_input_type" => Self::WrongType,
            "value_smaller_than_min" => Self::TooSmall,
            "value_bigger_than_max" => Self::TooBig,
            "value_not_in_list" => Self::NotInList,
            "return_type_mismatch" => Self::WrongLink,
            "bad_linked_input" => Self::BadLink,
            "dependency_cycle" => Self::Cycle,
            "exception_during_validation" | "exception_during_inner_validation" => Self::Exception,
            "custom_validation_failed" => Self::Refused,
            other => Self::Other(other.to_owned()),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Rejection {
    /// What a response's body says; `None` where it is no refusal of ComfyUI's.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let error = &body["error"];
        let mut nodes = read_nodes(&body["node_errors"]);
        let info = &error["extra_info"];
        if let (true, Some(node)) = (nodes.is_empty(), info["node_id"].as_str()) {
            // A class that the server lacks is told of the first such node, in the error itself.
            nodes.push(NodeProblems {
                node: node.to_owned(),
                class: info["class_type"].as_str().map(str::to_owned),
                problems: vec![Problem::read(error)],
                dependent_outputs: Vec::new(),
            });
        }
        let (kind, message, details) = (text(&error["type"]), text(&error["message"]), text(&error["details"]));
        error.is_object().then_some(Self { kind, message, details, nodes })
    }
}

/// What a response's `node_errors` say.
pub(super) fn read_nodes(errors: &Value) -> Vec<NodeProblems> {
    let strings =
        |list: &Value| list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let node = |(node, said): (&String, &Value)| NodeProblems {
        node: node.clone(),
        class: said["class_type"].as_str().map(str::to_owned),
        problems: said["errors"].as_array().into_iter().flatten().map(Problem::read).collect(),
        dependent_outputs: strings(&said["dependent_outputs"]),
    };
    errors.as_object().into_iter().flatten().map(node).collect()
}

impl Problem {
    fn read(error: &Value) -> Self {
        let info = &error["extra_info"];
        let some = |name: &str| Some(info[name].clone()).filter(|value| !value.is_null());
        let linked = &info["linked_node"];
        Self {
            kind: ProblemKind::named(error["type"].as_str().unwrap_or_default()),
            input: info["input_name"].as_str().map(str::to_owned),
            message: text(&error["message"]),
            details: text(&error["details"]),
            received: some("received_value"),
            config: some("input_config"),
            received_type: info["received_type"].as_str().map(str::to_owned),
            linked: linked[0].as_str().map(|node| (node.to_owned(), linked[1].as_u64().unwrap_or_default())),
        }
    }

    /// The limit `name` of what the input takes.
    fn limit(&self, name: &str) -> Option<&Value> {
        self.config.as_ref()?.get(1)?.get(name)
    }

    /// What the input takes, in words.
    fn wanted(&self) -> &str {
        match self.config.as_ref().and_then(|config| config[0].as_str()) {
            Some("INT") => "a whole number",
            Some("FLOAT") => "a number",
            Some("STRING") => "a text",
            Some("BOOLEAN") => "true or false",
            Some(other) => other,
            None => "something else",
        }
    }

    /// What may be chosen, the first of it.
    fn choices(&self) -> Option<String> {
        const SHOWN: usize = 8;
        let config = self.config.as_ref()?;
        let choices = config[0].as_array().or_else(|| self.limit("options")?.as_array())?;
        let named = |choice: &Value| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
        let shown = choices.iter().take(SHOWN).map(named).collect::<Vec<_>>().join(", ");
        Some(match choices.len() {
            0 => "nothing yet".to_owned(),
            1..=SHOWN => shown,
            more => format!("{shown} and {} more", more - SHOWN),
        })
    }
}

/// A value as it stood in the workflow, not longer than a line.
fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain("…".chars()).collect() }
}

/// In a person's words, as far as the problem is a known one.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = self.input.as_deref().unwrap_or("an input");
        let received = || shown(self.received.as_ref());
        match &self.kind {
            ProblemKind::Missing => write!(f, "{input} is missing; set it, or link it to a node"),
            ProblemKind::WrongType => write!(f, "{input} is {}, but takes {}", received(), self.wanted()),
            ProblemKind::TooSmall if self.limit("min").is_some() => {
                write!(f, "{input} is {}, but must be at least {}", received(), shown(self.limit("min")))
            }
            ProblemKind::TooBig if self.limit("max").is_some() => {
                write!(f, "{input} is {}, but must be at most {}", received(), shown(self.limit("max")))
            }
            ProblemKind::NotInList => {
                write!(f, "{input} is {}, which this server doesn't have", received())?;
                self.choices().map_or(Ok(()), |choices| write!(f, "; it has {choices}"))
            }
            ProblemKind::WrongLink => {
                let given = self.received_type.as_deref().unwrap_or("something else");
                write!(f, "{input} takes {}, but ", self.wanted())?;
                match &self.linked {
                    Some((node, output)) => write!(f, "output {output} of #{node} is {given}"),
                    None => write!(f, "is linked to {given}"),
                }
            }
            ProblemKind::Cycle => write!(f, "it waits for itself: {}", self.details),
            ProblemKind::Exception => {
                write!(f, "it can't be checked: {}; does it take from a node that isn't there?", self.details)
            }
            ProblemKind::Refused => write!(f, "{}", self.details),
            _ if self.details.is_empty() => write!(f, "{}", self.message),
            _ => write!(f, "{} ({})", self.message, self.details),
        }
    }
}

/// The node and its problems, one a line.
impl fmt::Display for NodeProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.class {
            Some(class) => write!(f, "{class} #{}", self.node)?,
            None => write!(f, "#{}", self.node)?,
        }
        match self.problems.as_slice() {
            [] => Ok(()),
            [problem] => write!(f, ": {problem}"),
            problems => problems.iter().try_for_each(|problem| write!(f, "\n  {problem}")),
        }
    }
}

/// The whole of it, a node a line.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.as_str() {
            "prompt_outputs_failed_validation" => f.write_str("the server won't run this workflow")?,
            "prompt_no_outputs" => f.write_str(
                "this workflow has no output. Add a node that shows or saves something, such as PreviewImage.",
            )?,
            "missing_node_type" => f.write_str(
                "the server lacks a node of this workflow. Install the custom nodes that it needs, and restart ComfyUI.",
            )?,
            _ if self.details.is_empty() => write!(f, "the server won't run this workflow: {}", self.message)?,
            _ => write!(f, "the server won't run this workflow: {} ({})", self.message, self.details)?,
        }
        self.nodes.iter().try_for_each(|node| write!(f, "\n{node}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Recording, What};

    /// What real servers answered, in words.
    #[test]
    fn recorded_refusals_are_told_in_words() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/traces/l_validation.jsonl");
        let recording = Recording::read(file.as_ref()).expect("the recording is there");
        let mut told = Vec::new();
        for row in &recording.rows {
            let What::Response { status: 400, text, .. } = &row.what else { continue };
            let body = serde_json::from_str(text).expect("the server answered JSON");
            told.push(Rejection::read(&body).expect("it is a refusal").to_string());
        }
        for said in [
            "the server won't run this workflow\nEmptyImage #1\n  height is \"abc\", but takes a whole number\n  width is -5, but must be at least 1",
            "lacks a node of this workflow. Install the custom nodes that it needs, and restart ComfyUI.\nNoSuchNode_漢 #1: ",
            "this workflow has no output. Add a node that shows or saves something, such as PreviewImage.",
            "PreviewImage #2: it can't be checked: '1'; does it take from a node that isn't there?",
            "images takes IMAGE, but output 0 of #1 is LATENT",
            "it waits for itself: 1 (ImageScale) -> 2 (ImageScale) -> 1 (ImageScale)",
            "image - Invalid image file: missing 😀.png",
            "the server won't run this workflow: No prompt provided",
        ] {
            assert!(told.iter().any(|told| told.contains(said)), "{said}\n---\n{}", told.join("\n---\n"));
        }
    }

    #[test]
    fn what_may_be_chosen_is_told_in_short() {
        let error = serde_json::json!({"type": "value_not_in_list", "message": "Value not in list", "details": "…",
            "extra_info": {"input_name": "sampler_name", "received_value": "eulr",
                "input_config": [["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], {}]}});
        let said = Problem::read(&error).to_string();
        assert_eq!(
            said,
            "sampler_name is \"eulr\", which this server doesn't have; it has a, b, c, d, e, f, g, h and 2 more"
        );
    }
}
