//! The order in which ComfyUI runs a graph's nodes.

use std::collections::{HashMap, HashSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use super::nodes;

/// The nodes that still have to run, and who waits for whom.
pub(super) struct Schedule<'a> {
    graph: &'a Map<String, Value>,
    /// In the order they were entered.
    pending: Vec<&'a str>,
    /// How many nodes each one waits for.
    waits_for: HashMap<&'a str, usize>,
    /// Who waits for each one.
    blocks: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Schedule<'a> {
    /// The schedule of `outputs` and what they need; what is `cached` needs nothing.
    pub(super) fn new(graph: &'a Map<String, Value>, outputs: &'a [String], cached: impl Fn(&str) -> bool) -> Self {
        let mut schedule = Self { graph, pending: Vec::new(), waits_for: HashMap::new(), blocks: HashMap::new() };
        for output in outputs {
            schedule.enter(output, &cached);
        }
        schedule
    }

    /// As ComfyUI's `TopologicalSort.add_node`: depth first, the last input first.
    fn enter(&mut self, output: &'a str, cached: &impl Fn(&str) -> bool) {
        let mut stack = vec![output];
        while let Some(id) = stack.pop() {
            if self.waits_for.contains_key(id) {
                continue;
            }
            self.pending.push(id);
            let mut waits_for = HashSet::new();
            if !cached(id) {
                for (_, from, _) in self.graph.get(id).into_iter().flat_map(nodes::links) {
                    if !cached(from) {
                        stack.push(from);
                        if waits_for.insert(from) {
                            self.blocks.entry(from).or_default().push(id);
                        }
                    }
                }
            }
            self.waits_for.insert(id, waits_for.len());
        }
    }

    /// Takes out the node to run next. ComfyUI prefers what pleases the user: an output, else what leads to one soon.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let ready: Vec<&str> = self.pending.iter().copied().filter(|id| self.waits_for.get(id) == Some(&0)).collect();
        let is_output = |id: &&str| self.graph.get(*id).is_some_and(|n| nodes::is_output_class(nodes::class_type(n)));
        let blocked = |id: &&'a str| self.blocks.get(id).map(Vec::as_slice).unwrap_or_default();
        let leads_to_output = |id: &&&'a str| blocked(id).iter().any(&is_output);
        let in_two = |id: &&&'a str| blocked(id).iter().any(|id| leads_to_output(&id));
        let chosen = *(ready.iter().find(|id| is_output(id)))
            .or_else(|| ready.iter().find(leads_to_output))
            .or_else(|| ready.iter().find(in_two))
            .or(ready.first())?;
        self.pending.retain(|id| *id != chosen);
        for waiting in self.blocks.remove(chosen).unwrap_or_default() {
            if let Some(count) = self.waits_for.get_mut(waiting) {
                *count -= 1;
            }
        }
        Some(chosen)
    }
}

/// What a node's result depends on: its class, its values and, through its links, the same of all before it. Nodes
/// of the same signature have the same result, in one prompt and from one to the next.
pub(super) fn signatures(graph: &Map<String, Value>) -> HashMap<String, u64> {
    let mut signatures: HashMap<&str, u64> = HashMap::new();
    for start in graph.keys() {
        let mut stack = vec![start.as_str()];
        let mut open = HashSet::new();
        while let Some(&id) = stack.last() {
            let Some(node) = graph.get(id).filter(|_| !signatures.contains_key(id)) else {
                stack.pop();
                continue;
            };
            // Seen for the second time, all that it takes from is known, but what lies on a cycle.
            if open.insert(id) {
                stack.extend(nodes::links(node).map(|(_, from, _)| from).filter(|from| !open.contains(from)));
            } else {
                stack.pop();
                signatures.insert(id, signature(node, &signatures));
            }
        }
    }
    signatures.into_iter().map(|(id, signature)| (id.to_owned(), signature)).collect()
}

fn signature(node: &Value, known: &HashMap<&str, u64>) -> u64 {
    let mut hasher = DefaultHasher::new();
    nodes::class_type(node).hash(&mut hasher);
    let mut inputs: Vec<_> = node["inputs"].as_object().into_iter().flatten().collect();
    inputs.sort_by_key(|(name, _)| *name);
    for (name, value) in inputs {
        name.hash(&mut hasher);
        match nodes::as_link(value) {
            Some((from, output)) => (known.get(from), output).hash(&mut hasher),
            None => value.to_string().hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(graph: &Value, cached: &[&str]) -> Vec<String> {
        let graph = graph.as_object().unwrap();
        let outputs = nodes::outputs(graph);
        let mut schedule = Schedule::new(graph, &outputs, |id| cached.contains(&id));
        std::iter::from_fn(|| schedule.next().map(str::to_owned)).collect()
    }

    /// The graphs and orders of recordings.
    #[test]
    fn runs_in_comfyuis_order() {
        let sampler = json!({
            "1": {"class_type": "TraceTinyModel", "inputs": {"seed": 900}},
            "2": {"class_type": "EmptyLatentImage", "inputs": {}},
            "3": {"class_type": "KSampler", "inputs": {
                "model": ["1", 0], "positive": ["1", 1], "negative": ["1", 2], "latent_image": ["2", 0]}},
            "4": {"class_type": "TraceLatentToImage", "inputs": {"samples": ["3", 0]}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
        });
        assert_eq!(order(&sampler, &[]), ["2", "1", "3", "4", "5"]);
        assert_eq!(order(&sampler, &["1", "2", "3", "4", "5"]), ["5"]);
        let branches = json!({
            "1": {"class_type": "EmptyImage", "inputs": {}},
            "2": {"class_type": "TraceSteps", "inputs": {"image": ["1", 0]}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
            "4": {"class_type": "TraceText", "inputs": {"image": ["2", 0]}},
            "5": {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}},
            "6": {"class_type": "GetImageSize", "inputs": {"image": ["2", 0]}},
            "7": {"class_type": "TraceUI", "inputs": {"any": ["6", 0]}},
        });
        assert_eq!(order(&branches, &[]), ["1", "2", "3", "6", "7", "4", "5"]);
        assert_eq!(order(&branches, &["1"]), ["2", "3", "6", "7", "4", "5"]);
    }

    #[test]
    fn signatures_follow_links() {
        let graph = |width| {
            let node = json!({
                "b": {"class_type": "B", "inputs": {"x": ["a", 0]}},
                "a": {"class_type": "A", "inputs": {"width": width}},
                "c": {"class_type": "B", "inputs": {"x": ["a", 1]}},
                "d": {"class_type": "B", "inputs": {"x": ["a", 0]}},
            });
            signatures(node.as_object().unwrap())
        };
        let (first, second) = (graph(1), graph(2));
        assert_eq!(first, graph(1));
        assert!(first["b"] != second["b"] && first["b"] != first["c"] && first["b"] == first["d"]);
        let cycle = json!({"a": {"inputs": {"x": ["b", 0]}}, "b": {"inputs": {"x": ["a", 0]}}});
        assert_eq!(signatures(cycle.as_object().unwrap()).len(), 2);
    }
}
