//! The answer to `GET /queue`, streamed: the running prompt's graph, of any size.
//!
//! ComfyUI's server.py: `{"queue_running": [[number, prompt_id, graph, extra_data, outputs], …], "queue_pending": […]}`,
//! and the graph is an object with `{"class_type": …, "inputs": …}` for each node's id.

use crate::{
    json::{Container, JsonError, Lexer, Visitor, Word},
    text::{Id, Text},
};

/// Where things stand in the answer, by the number of containers around them.
const IN_ANSWER: u8 = 1;
const IN_LIST: u8 = 2;
const IN_ITEM: u8 = 3;
const IN_GRAPH: u8 = 4;
const IN_NODE: u8 = 5;

/// Places in an item of the list.
const PROMPT_ID: u32 = 1;
const GRAPH: u32 = 2;

/// Is told what is queued.
pub trait QueueHandler {
    /// A node of the graph of the prompt that runs.
    fn node(&mut self, prompt_id: Id<'_>, node: Id<'_>, class: &str);
    /// The graph of the prompt that runs ended, with so many nodes.
    fn graph(&mut self, prompt_id: Id<'_>, nodes: u32);
}

/// Reads the answer to `GET /queue` in pieces.
#[derive(Debug)]
pub struct QueueAnswer<const ID: usize> {
    lexer: Lexer,
    place: Place<ID>,
}

#[derive(Debug)]
struct Place<const ID: usize> {
    /// Inside of `queue_running`.
    running: bool,
    /// Which element of an item comes next.
    element: u32,
    /// The value that comes next is a node's class.
    at_class: bool,
    nodes: u32,
    has_prompt_id: bool,
    key: Text<16>,
    prompt_id: Text<ID>,
    node: Text<ID>,
    class: Text<ID>,
}

impl<const ID: usize> Default for QueueAnswer<ID> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const ID: usize> QueueAnswer<ID> {
    /// Before the answer's first byte.
    pub const fn new() -> Self {
        Self {
            lexer: Lexer::new(),
            place: Place {
                running: false,
                element: 0,
                at_class: false,
                nodes: 0,
                has_prompt_id: false,
                key: Text::new(),
                prompt_id: Text::new(),
                node: Text::new(),
                class: Text::new(),
            },
        }
    }

    /// Forgets what was read: another answer comes.
    pub fn reset(&mut self) {
        self.lexer = Lexer::new();
        // What else there is, the answer's containers clear as they begin.
        self.place.running = false;
        self.place.at_class = false;
        self.place.element = 0;
    }

    /// Reads the next piece.
    ///
    /// # Errors
    ///
    /// [`JsonError`] where the answer is no JSON; what was told before of a prompt may stay.
    pub fn feed(&mut self, piece: &[u8], handler: &mut impl QueueHandler) -> Result<(), JsonError> {
        self.lexer.feed(piece, &mut Reader { place: &mut self.place, handler })
    }
}

struct Reader<'a, H, const ID: usize> {
    place: &'a mut Place<ID>,
    handler: &'a mut H,
}

impl<H: QueueHandler, const ID: usize> Reader<'_, H, ID> {
    /// A value of an item ended.
    fn end_value(&mut self, depth: u8) {
        if depth == IN_ITEM {
            self.place.element = self.place.element.saturating_add(1);
        }
    }

    const fn in_graph(&self) -> bool {
        self.place.running && self.place.element == GRAPH && self.place.has_prompt_id
    }
}

impl<H: QueueHandler, const ID: usize> Visitor for Reader<'_, H, ID> {
    fn begin(&mut self, container: Container, depth: u8) {
        let place = &mut *self.place;
        match (depth, container) {
            (IN_ITEM, Container::Array) => {
                place.element = 0;
                place.has_prompt_id = false;
                place.prompt_id.clear();
            }
            (IN_GRAPH, Container::Object) => {
                place.nodes = 0;
                place.node.clear();
            }
            _ => {}
        }
        place.at_class = false;
        place.key.clear();
    }

    fn end(&mut self, container: Container, depth: u8) {
        match (depth, container) {
            (IN_NODE, Container::Object) if self.in_graph() => {
                self.place.nodes = self.place.nodes.saturating_add(1);
                self.place.node.clear();
            }
            (IN_GRAPH, Container::Object) if self.in_graph() => {
                self.handler.graph(self.place.prompt_id.as_id(), self.place.nodes);
            }
            (IN_LIST, _) => self.place.running = false,
            _ => {}
        }
        self.end_value(depth.saturating_sub(1));
    }

    fn key(&mut self, piece: &[u8], depth: u8) {
        match depth {
            IN_GRAPH => self.place.node.push(piece),
            IN_ANSWER | IN_NODE => self.place.key.push(piece),
            _ => {}
        }
    }

    fn end_key(&mut self, depth: u8) {
        let in_graph = self.in_graph();
        let place = &mut *self.place;
        let key = if place.key.is_cut() { "" } else { place.key.as_str() };
        match depth {
            IN_ANSWER => place.running = key == "queue_running",
            IN_NODE => {
                place.at_class = in_graph && key == "class_type";
                place.class.clear();
            }
            _ => {}
        }
        place.key.clear();
    }

    fn text(&mut self, piece: &[u8]) {
        if self.place.at_class {
            self.place.class.push(piece);
        } else if self.place.running && self.place.element == PROMPT_ID {
            self.place.prompt_id.push(piece);
        }
    }

    fn end_text(&mut self, depth: u8) {
        let place = &mut *self.place;
        if core::mem::take(&mut place.at_class) && depth == IN_NODE {
            self.handler.node(place.prompt_id.as_id(), place.node.as_id(), place.class.as_str());
        } else if depth == IN_ITEM && place.element == PROMPT_ID && place.running {
            place.has_prompt_id = true;
        }
        self.end_value(depth);
    }

    fn number(&mut self, _piece: &[u8]) {}

    fn end_number(&mut self, depth: u8) {
        self.place.at_class = false;
        self.end_value(depth);
    }

    fn word(&mut self, _word: Word, depth: u8) {
        self.place.at_class = false;
        self.end_value(depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, string::ToString, vec, vec::Vec};

    #[derive(Default)]
    struct Told {
        nodes: Vec<[String; 3]>,
        graphs: Vec<(String, u32)>,
    }

    impl QueueHandler for Told {
        fn node(&mut self, prompt_id: Id<'_>, node: Id<'_>, class: &str) {
            self.nodes.push([prompt_id.to_string(), node.to_string(), class.to_string()]);
        }

        fn graph(&mut self, prompt_id: Id<'_>, nodes: u32) {
            self.graphs.push((prompt_id.to_string(), nodes));
        }
    }

    fn read(answer: &str, size: usize) -> Told {
        let (mut told, mut queue) = (Told::default(), QueueAnswer::<36>::new());
        answer.as_bytes().chunks(size).for_each(|piece| queue.feed(piece, &mut told).unwrap());
        told
    }

    #[test]
    fn tells_the_running_graph_and_no_other_in_pieces_of_any_size() {
        let answer = r#"{"queue_pending": [[4, "later", {"1": {"class_type": "X"}}, {}, ["1"]]],
            "queue_running": [[3, "p-1", {"7": {"inputs": {"class_type": ["no"], "a": [["4", 0]]}, "class_type": "KSampler"},
            "12:3": {"class_type": "VAEDecode", "inputs": {}}, "9": {"inputs": {}}},
            {"client_id": "c", "extra_pnginfo": {"workflow": {"nodes": [{"class_type": "No"}]}}}, ["9"]]]}"#;
        for size in 1..=answer.len() {
            let told = read(answer, size);
            let class = |node: &str, class: &str| ["p-1".to_string(), node.to_string(), class.to_string()];
            assert_eq!(told.nodes, vec![class("7", "KSampler"), class("12:3", "VAEDecode")], "pieces of {size}");
            assert_eq!(told.graphs, vec![("p-1".to_string(), 3)], "pieces of {size}");
        }
    }

    #[test]
    fn says_nothing_of_what_is_not_there() {
        for answer in [
            r#"{"queue_running": [], "queue_pending": []}"#,
            r#"{"queue_running": [[1, 5, {"1": {"class_type": "X"}}]]}"#,
            r#"{"error": {"1": {"1": {"1": {"class_type": "X"}}}}}"#,
            "[[[[[[]]]]]]",
            "null",
        ] {
            let told = read(answer, 3);
            assert_eq!((told.nodes.len(), told.graphs.len()), (0, 0), "{answer}");
        }
    }
}
