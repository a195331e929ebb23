//! What a submitted prompt is made of.

use comfyglow_core::{session::Input, text::Id};
use serde_json::Value;

/// The nodes of a submitted prompt's graph and their classes, which a session makes its percentage of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    prompt_id: String,
    /// Ids and classes; the class is empty where it isn't told.
    nodes: Vec<(String, String)>,
}

impl Graph {
    /// The graph of the prompt `prompt_id`: `workflow` is in the API format, an object with a node under each id.
    pub fn new(prompt_id: &str, workflow: &Value) -> Self {
        let nodes = workflow.as_object().into_iter().flatten();
        let class = |node: &Value| node["class_type"].as_str().unwrap_or_default().to_owned();
        Self { prompt_id: prompt_id.to_owned(), nodes: nodes.map(|(id, node)| (id.clone(), class(node))).collect() }
    }

    /// Whose it is.
    pub fn prompt_id(&self) -> &str {
        &self.prompt_id
    }

    /// The same for the prompt `prompt_id`.
    #[must_use]
    pub fn of_prompt(self, prompt_id: &str) -> Self {
        Self { prompt_id: prompt_id.to_owned(), ..self }
    }

    /// The class of a node, such as `KSampler`.
    pub fn class_of(&self, node: &str) -> Option<&str> {
        let class = self.nodes.iter().find(|(id, _)| id == node).map(|(_, class)| class.as_str());
        class.filter(|class| !class.is_empty())
    }

    /// What a session is told of it, in this order.
    pub(super) fn inputs(&self) -> impl Iterator<Item = Input<'_>> {
        let prompt_id = Id::from(self.prompt_id.as_str());
        let nodes = self.nodes.iter().filter(|(_, class)| !class.is_empty());
        let nodes =
            nodes.map(move |(node, class)| Input::GraphNode { prompt_id, node: Id::from(node.as_str()), class });
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        nodes.chain(std::iter::once(Input::Graph { prompt_id, nodes: count }))
    }
}
