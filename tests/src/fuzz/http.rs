//! Answers over HTTP.

use comfyglow_core::{
    http::{QueueAnswer, QueueHandler, Response},
    text::Id,
};

use super::{cut, pieces, seed};

/// An answer to `GET /queue`: in pieces it means what it means at once, from its head to the graph's nodes.
///
/// # Panics
///
/// Where it doesn't.
pub fn http(data: &[u8]) {
    let (sizes, rest) = cut(data);
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut answer = Answer::default();
        pieces.for_each(|piece| answer.bytes(piece));
        answer.told()
    };
    assert_eq!(read(&mut pieces(&sizes, rest)), read(&mut std::iter::once(rest)), "in pieces of {sizes:?}");
}

/// What is read of an answer.
#[derive(Default)]
struct Answer {
    response: Response,
    queue: QueueAnswer<48>,
    graph: Graph,
    content: Vec<u8>,
    /// What went wrong first.
    error: Option<String>,
}

/// What a graph was told to hold.
#[derive(Debug, Default, PartialEq)]
struct Graph(Vec<String>);

impl QueueHandler for Graph {
    fn node(&mut self, prompt_id: Id<'_>, node: Id<'_>, class: &str) {
        self.0.push(format!("{prompt_id:?} {node:?} {class}"));
    }
    fn graph(&mut self, prompt_id: Id<'_>, nodes: u32) {
        self.0.push(format!("{prompt_id:?} {nodes}"));
    }
}

impl Answer {
    fn bytes(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.error = self.read(bytes).err();
        }
    }

    fn read(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let Some(piece) = self.response.next(&mut bytes).map_err(|error| format!("{error:?}"))? {
            assert!(!piece.is_empty());
            self.content.extend(piece);
            self.queue.feed(piece, &mut self.graph).map_err(|error| format!("{error:?}"))?;
        }
        assert!(bytes.is_empty() || self.response.is_complete(), "all is used until the body's end");
        Ok(())
    }

    fn told(self) -> (u16, bool, Graph, Option<String>) {
        let complete = self.response.is_complete();
        let status = self.response.status();
        assert!(status == 0 || (100..=999).contains(&status));
        let json = serde_json::from_slice::<serde_json::Value>(&self.content);
        // Whoever reads it at once finds the graph too.
        if let (true, Ok(json), None) = (complete, json, &self.error) {
            let nodes = json["queue_running"][0][2].as_object().map(serde_json::Map::len);
            let only = json["queue_running"].as_array().is_some_and(|running| running.len() == 1);
            let last = self.graph.0.last().filter(|_| only && json["queue_running"][0][1].is_string());
            if let (Some(last), Some(nodes)) = (last, nodes) {
                // A key twice is one node to serde_json.
                let told: usize = last.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default();
                assert!(told >= nodes, "{last}, but there are {nodes} nodes");
            }
        }
        // Behind what is wrong nothing is read.
        (status, complete && self.error.is_none(), self.graph, self.error)
    }
}

/// Answers with a length, in chunks, until the end, and others.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let graph = r#"{"queue_running": [[4, "p", {"1": {"inputs": {"seed": 5}, "class_type": "KSampler"}, "2": {"class_type": "VAEDecode", "inputs": {}}}, {"client_id": "c"}, ["2"]]], "queue_pending": []}"#;
    let empty = r#"{"queue_running": [], "queue_pending": []}"#;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n";
    let (first, second) = graph.split_at(50);
    [
        format!("{head}Content-Length: {}\r\n\r\n{graph}", graph.len()),
        format!("{head}Content-Length: {}\r\n\r\n{empty}", empty.len()),
        format!("{head}\r\n{graph}"),
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};a=b\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
            first.len(),
            second.len()
        ),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
        "HTTP/1.0 502 Bad Gateway\r\n\r\n<html>".to_owned(),
    ]
    .map(seed)
    .into()
}
