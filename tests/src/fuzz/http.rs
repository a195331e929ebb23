//! Answers over HTTP.

use comfyglow_core::capacity::GadgetCapacity;
use comfyglow_core::{
    api::{BodyReader, Request},
    wire::http::Response,
};

use super::{cut, pieces, seed};
use crate::answers::{self, ALL};

/// An answer: in pieces it means what it means at once, from its head to what each kind of answer says, and that is what
/// `serde_json` finds in it.
///
/// # Panics
///
/// Where it doesn't.
pub fn http(data: &[u8]) {
    let (sizes, rest) = cut(data);
    for asked in ALL {
        let mut whole = Exchange::new(asked);
        whole.bytes(rest);
        let mut in_pieces = Exchange::new(asked);
        pieces(&sizes, rest).for_each(|piece| in_pieces.bytes(piece));
        assert_eq!(in_pieces.told(), whole.told(), "in pieces of {sizes:?}");
        answers::check(asked, &whole.content);
    }
}

/// What is read of an answer.
struct Exchange {
    response: Response,
    answer: BodyReader<GadgetCapacity>,
    facts: Vec<String>,
    content: Vec<u8>,
    /// What went wrong first.
    error: Option<String>,
}

impl Exchange {
    fn new(asked: Request) -> Self {
        Self {
            response: Response::new(),
            answer: BodyReader::new(asked),
            facts: Vec::new(),
            content: Vec::new(),
            error: None,
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.error = self.read(bytes).err();
        }
    }

    fn read(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let Some(mut piece) = self.response.next(&mut bytes).map_err(|error| format!("{error:?}"))? {
            assert!(!piece.is_empty());
            self.content.extend(piece);
            while let Some(item) = self.answer.next(&mut piece, &mut ()).map_err(|error| format!("{error:?}"))? {
                self.facts.push(format!("{item:?}"));
            }
            assert!(piece.is_empty(), "all is used");
        }
        assert!(bytes.is_empty() || self.response.is_complete(), "all is used until the body's end");
        Ok(())
    }

    fn told(&mut self) -> (u16, Option<u32>, bool, &[String], &Option<String>) {
        let status = self.response.status();
        assert!(status == 0 || (100..=999).contains(&status));
        let whole = self.response.is_complete() && self.answer.finish().is_ok();
        (status, self.response.retry_after(), whole, &self.facts, &self.error)
    }
}

/// Answers with a length, in chunks, until the end, and others.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let graph = r#"{"queue_running": [[4, "p", {"1": {"inputs": {"seed": 5}, "class_type": "KSampler"}, "2": {"class_type": "VAEDecode", "inputs": {}}}, {"client_id": "c"}, ["2"]]], "queue_pending": []}"#;
    let empty = r#"{"queue_running": [], "queue_pending": []}"#;
    let error = r#"{"prompt_id": "p", "node_id": "3", "node_type": "T", "executed": [], "exception_message": "no\n", "exception_type": "E", "traceback": []}"#;
    let history = format!(
        r#"{{"p": {{"outputs": {{}}, "status": {{"status_str": "error", "completed": false, "messages": [["execution_start", {{}}], ["execution_error", {error}]]}}, "meta": {{}}}}}}"#
    );
    let jobs = format!(
        r#"{{"jobs": [{{"id": "p", "status": "failed", "execution_error": {error}}}, {{"id": "q", "status": "pending"}}], "pagination": {{}}}}"#
    );
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n";
    let (first, second) = graph.split_at(50);
    [
        format!("{head}Content-Length: {}\r\n\r\n{graph}", graph.len()),
        format!("{head}Content-Length: {}\r\n\r\n{empty}", empty.len()),
        format!("{head}Content-Length: {}\r\n\r\n{history}", history.len()),
        format!("{head}\r\n{jobs}"),
        format!("{head}\r\n{}", r#"{"exec_info": {"queue_remaining": 2}}"#),
        format!("{head}\r\n{graph}"),
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};a=b\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
            first.len(),
            second.len()
        ),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
        "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nX-Folded: a\r\n b\r\n\r\n".to_owned(),
        "HTTP/1.0 502 Bad Gateway\r\n\r\n<html>".to_owned(),
    ]
    .map(seed)
    .into()
}
