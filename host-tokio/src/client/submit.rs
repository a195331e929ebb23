//! Submitting a workflow: never twice, and never in doubt without saying so.

use std::fmt;

use comfyglow_core::state::FaultKind;
use hyper::{StatusCode, body::Bytes};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    closed::Closed,
    graph::Graph,
    http::{Http, RequestError},
    queue::Whereabouts,
    rejection::{NodeProblems, Rejection, read_nodes},
    watch::Connection,
};

/// The longest workflow that is sent, in bytes: ComfyUI takes no longer request.
const WORKFLOW_BYTES: usize = 100 * 1024 * 1024;

/// A workflow ready to be submitted, under an id of its own.
#[derive(Clone, Debug)]
pub struct Submission {
    graph: Graph,
    /// The body but for its first members.
    rest: String,
    client_id: String,
}

/// A workflow that the server has queued.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Submitted {
    /// The prompt's id.
    pub prompt_id: String,
    /// Its place: prompts with lower numbers run earlier. `None` where the answer that told it was lost.
    pub number: Option<f64>,
    /// What is wrong with nodes whose outputs will not be made, while others are.
    pub node_errors: Vec<NodeProblems>,
}

/// Why a workflow was not submitted, or may not have been; whose fault it is and what to do stands in its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SubmitError {
    /// It is a workflow as the editor saves it, not in the format for programs.
    EditorFormat,
    /// It is no workflow: what it is instead.
    NoWorkflow(String),
    /// It has more than 100 MiB.
    TooLong(usize),
    /// The server won't run it.
    Rejected(Box<Rejection>),
    /// There is no connection, so nobody would hear how it goes; nothing was sent.
    NotConnected(Box<Connection>),
    /// It was not queued.
    Request(RequestError),
    /// It was sent, but the answer was lost: it may be queued, and must not be submitted again unseen. What the server's
    /// queue and history have was looked up, and it wasn't there, or they couldn't be read.
    Unanswered {
        /// The id that it has, if it is queued.
        prompt_id: String,
        /// What became of the answer.
        error: RequestError,
    },
    /// The client has ended.
    Closed(Closed),
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EditorFormat => f.write_str(
                "this workflow is in the editor's own format, which the server can't run. In ComfyUI choose \
                 Workflow > Export (API), and use that file.",
            ),
            Self::NoWorkflow(what) => write!(
                f,
                "this is no workflow: {what}. A workflow in the API format is a JSON object with a node under each id, as \
                 ComfyUI's Workflow > Export (API) writes it."
            ),
            Self::TooLong(bytes) => {
                write!(
                    f,
                    "the workflow has {bytes} bytes, and ComfyUI takes 100 MiB. Upload images instead of embedding them."
                )
            }
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::NotConnected(connection) => match connection.fault {
                Some(fault) => super::closed::fmt_fault(f, fault, connection.reason.as_deref()),
                None => f.write_str("the connection is still being made. Try again in a while."),
            },
            Self::Request(error) => error.fmt(f),
            Self::Unanswered { prompt_id, error } => write!(
                f,
                "the workflow was sent, but the answer was lost, so it may be queued: {error} Before you submit it again, \
                 look whether the server's queue or history has {prompt_id}."
            ),
            Self::Closed(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for SubmitError {}

/// What a JSON value is called.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) | Value::Number(_) => "a plain value",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object without nodes",
    }
}

impl Submission {
    /// `workflow`, in the API format, for the client `client_id`: an object with a node under each id. A whole body of
    /// `POST /prompt` will do; only its `prompt` is used, and its `extra_data`.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] where it is none.
    pub fn new(workflow: &impl Serialize, client_id: &str) -> Result<Self, SubmitError> {
        let workflow = serde_json::to_value(workflow).map_err(|error| SubmitError::NoWorkflow(error.to_string()))?;
        if workflow["nodes"].is_array() && !workflow["links"].is_null() {
            return Err(SubmitError::EditorFormat);
        }
        let is_node = |node: &Value| node["class_type"].is_string();
        let is_body = workflow["prompt"].is_object() && !is_node(&workflow["prompt"]);
        let graph = if is_body { &workflow["prompt"] } else { &workflow };
        if !graph.as_object().is_some_and(|nodes| nodes.values().any(is_node)) {
            return Err(SubmitError::NoWorkflow(format!("it is {}", kind_of(graph))));
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| SubmitError::NoWorkflow(error.to_string()))?;
        let prompt_id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        let mut body = json!({"prompt": graph, "prompt_id": prompt_id});
        if is_body && workflow["extra_data"].is_object() {
            body["extra_data"] = workflow["extra_data"].clone();
        }
        let rest = body.to_string();
        if rest.len() > WORKFLOW_BYTES {
            return Err(SubmitError::TooLong(rest.len()));
        }
        Ok(Self { graph: Graph::new(&prompt_id, graph), rest, client_id: client_id.to_owned() })
    }

    /// The id that it is submitted under.
    pub fn prompt_id(&self) -> &str {
        self.graph.prompt_id()
    }

    /// Who submits it, and so will hear how it goes.
    pub fn set_client_id(&mut self, client_id: &str) {
        client_id.clone_into(&mut self.client_id);
    }

    fn body(&self) -> Bytes {
        let client_id = Value::from(self.client_id.as_str());
        let rest = self.rest.strip_prefix('{').unwrap_or_default();
        format!("{{\"client_id\":{client_id},{rest}").into()
    }

    /// What it is made of.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Http {
    /// Submits a workflow, once. Where the answer is lost, the server's queue and history are asked whether it arrived.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]; only after [`SubmitError::Unanswered`] it may be queued all the same.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the workflow may be queued or not.
    #[tracing::instrument(name = "submit", skip_all, fields(prompt_id = submission.prompt_id()))]
    pub async fn submit(&self, submission: &Submission) -> Result<Submitted, SubmitError> {
        let prompt_id = submission.prompt_id();
        let error = match self.post("/prompt", submission.body()).await {
            Ok(answer) if answer.status == StatusCode::OK => match serde_json::from_slice::<Value>(&answer.body) {
                Ok(body) if body["prompt_id"].is_string() => return Ok(submitted(&body, prompt_id)),
                _ => RequestError::new(FaultKind::NotComfyUi, true, "the answer is none of ComfyUI's".to_owned()),
            },
            Ok(answer) => {
                let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
                if let Some(rejection) = Rejection::read(&body).filter(|_| answer.status == StatusCode::BAD_REQUEST) {
                    return Err(SubmitError::Rejected(Box::new(rejection)));
                }
                answer.refusal()
            }
            Err(error) => error,
        };
        if !error.was_sent() {
            return Err(SubmitError::Request(error));
        }
        tracing::warn!(%error, "the answer was lost; looking whether it is queued");
        let number = match self.whereabouts(prompt_id).await {
            Ok(Whereabouts::Queue(prompt)) => prompt.number,
            Ok(Whereabouts::History(outcome)) => outcome.number,
            Ok(Whereabouts::Nowhere) | Err(_) => {
                return Err(SubmitError::Unanswered { prompt_id: prompt_id.to_owned(), error });
            }
        };
        Ok(Submitted { prompt_id: prompt_id.to_owned(), number, node_errors: Vec::new() })
    }
}

fn submitted(body: &Value, prompt_id: &str) -> Submitted {
    Submitted {
        // Old servers choose an id of their own.
        prompt_id: body["prompt_id"].as_str().unwrap_or(prompt_id).to_owned(),
        number: body["number"].as_f64(),
        node_errors: read_nodes(&body["node_errors"]),
    }
}
