//! The session's HTTP requests, and how they are written.

use core::fmt;

use super::place::Place;
use crate::percent;

/// What is requested, and so what the response looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Request {
    /// `GET /prompt`: how many prompts run or wait; 37 bytes.
    Prompt,
    /// `GET /queue`: the prompts that run, with their graphs, and those that wait. Often hundreds of KB, since it holds
    /// the browser's whole workflow.
    Queue,
    /// `GET /history/{id}`: how a prompt ended; an empty object until it has. Megabytes if nodes report their outputs.
    History,
    /// `GET /api/jobs?status=in_progress&limit=1`: which prompt runs. Servers before 2025-12 answer 404.
    Jobs,
    /// `GET /api/jobs?status=completed,…&limit=1&offset=…`: which prompts ended, the newest first.
    Ended,
    /// `GET /history?max_items=1`: which prompt ended last, for servers without jobs.
    LastHistory,
    /// `GET /comfyglow`: whether comfyglow's extension reports everything to observers; 404 where it isn't installed.
    Extension,
    /// `PATCH /internal/logs/subscribe`: send the log to this client. Servers before 2024-11 answer 404. The response
    /// is empty.
    LogSubscription,
}

impl Request {
    /// The fixed part of path and query.
    pub(crate) const fn path_and_query(self) -> (&'static str, &'static str) {
        match self {
            Self::Prompt => ("/prompt", ""),
            Self::Queue => ("/queue", ""),
            Self::History => ("/history/", ""),
            Self::Jobs => ("/api/jobs", "?status=in_progress&limit=1"),
            Self::Ended => ("/api/jobs", "?status=completed,failed,cancelled&limit=1&offset="),
            Self::LastHistory => ("/history", "?max_items="),
            Self::Extension => ("/comfyglow", ""),
            Self::LogSubscription => ("/internal/logs/subscribe", ""),
        }
    }

    /// Whether it probes how other clients' prompts can be followed.
    pub(crate) const fn is_way(self) -> bool {
        matches!(self, Self::Extension | Self::LogSubscription)
    }

    pub(super) const fn root(self) -> Place {
        match self {
            Self::Prompt => Place::Prompt,
            Self::Queue => Place::Queue,
            Self::History | Self::LastHistory => Place::History,
            Self::Jobs | Self::Ended => Place::Jobs,
            Self::Extension => Place::Extension,
            Self::LogSubscription => Place::Other,
        }
    }
}

/// A request to send as it is, with the headers of [`Config`](crate::session::Config).
///
/// The [`Display`](fmt::Display) of target and body writes them, for a host that speaks HTTP itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: Target<'a>,
    /// A body of the type `application/json`; `None`: no body.
    pub body: Option<Body<'a>>,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Method {
    /// `GET`
    Get,
    /// `PATCH`
    Patch,
}

impl Method {
    /// The method as HTTP spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Patch => "PATCH",
        }
    }
}

/// Path and query of a request or of the WebSocket, percent-encoded, starting with `/`.
///
/// Its `Display` writes it. Its `Debug` hides the query of [`Config`](crate::session::Config), which may be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path of ComfyUI's root, and the request's own path.
    pub(crate) path: [&'a str; 2],
    /// The last segment of the path, not encoded yet.
    pub(crate) segment: &'a str,
    /// The query in parts.
    pub(crate) query: [&'a str; 4],
    /// The query of the configuration, the last part.
    pub(crate) own: &'a str,
}

impl<'a> Target<'a> {
    /// The target under the root `prefix`; the configured query `own` follows the request's.
    pub(crate) const fn new(
        prefix: &'a str,
        path: &'a str,
        segment: &'a str,
        query: [&'a str; 4],
        own: &'a str,
    ) -> Self {
        Self { path: [prefix, path], segment, query, own }
    }

    /// All parts in order; `segment` is the encoded one.
    pub(crate) const fn parts<'b>(&self, segment: &'b str) -> [&'b str; 9]
    where
        'a: 'b,
    {
        let [prefix, path] = self.path;
        let [a, b, c, d] = self.query;
        let mark = if self.own.is_empty() {
            ""
        } else if a.is_empty() {
            "?"
        } else {
            "&"
        };
        [prefix, path, segment, a, b, c, d, mark, self.own]
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, segment, query, own } = self;
        f.debug_struct("Target")
            .field("path", path)
            .field("segment", segment)
            .field("query", query)
            .field("own", &Hidden(own))
            .finish()
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [prefix, path, _, rest @ ..] = self.parts("");
        [prefix, path].iter().try_for_each(|part| f.write_str(part))?;
        percent::encode(self.segment, &mut Characters::of(f)).ok_or(fmt::Error)?;
        rest.iter().try_for_each(|part| f.write_str(part))
    }
}

/// Stands for a secret in `Debug`, as `(n bytes)`.
pub(crate) struct Hidden<'a>(pub(crate) &'a str);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.0.len())
    }
}

/// The JSON that subscribes a client to the server's log. Its `Display` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// The client's id, percent-encoded, in parts.
    pub(crate) client_id: [&'a str; 3],
}

impl Body<'_> {
    /// The JSON before and after the client's id.
    pub(crate) const AROUND: [&'static str; 2] = ["{\"clientId\": \"", "\", \"enabled\": true}"];
}

impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, behind] = Self::AROUND;
        f.write_str(before)?;
        percent::json_from_encoded(self.client_id, &mut Characters::of(f)).ok_or(fmt::Error)?;
        f.write_str(behind)
    }
}

/// Writes bytes of UTF-8 as characters; what isn't UTF-8 is replaced.
struct Characters<'a, 'f> {
    to: &'a mut fmt::Formatter<'f>,
    /// The character under way.
    character: [u8; 4],
    len: usize,
}

impl<'a, 'f> Characters<'a, 'f> {
    const fn of(to: &'a mut fmt::Formatter<'f>) -> Self {
        Self { to, character: [0; 4], len: 0 }
    }
}

impl percent::Sink for Characters<'_, '_> {
    fn put(&mut self, byte: u8) -> Option<()> {
        if let Some(place) = self.character.get_mut(self.len) {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
        let character = match str::from_utf8(self.character.get(..self.len).unwrap_or_default()) {
            Ok(whole) => whole,
            Err(error) if error.error_len().is_none() && self.len < self.character.len() => return Some(()),
            Err(_) => "\u{fffd}",
        };
        self.len = 0;
        self.to.write_str(character).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn target_of_any_id_and_query_is_written_encoded() {
        let target = Target::new("/comfy", "/history/", "a/ü", [""; 4], "token=1");
        assert_eq!(target.to_string(), "/comfy/history/a%2F%C3%BC?token=1");
        let jobs = Target::new("", "/api/jobs", "", ["?", "limit=1", "", ""], "token=1");
        assert_eq!(jobs.to_string(), "/api/jobs?limit=1&token=1");
        assert_eq!(Target::new("", "/prompt", "", [""; 4], "").to_string(), "/prompt");
    }

    #[test]
    fn body_client_id_is_json() {
        let json = |id| Body { client_id: [id, "-", "1f"] }.to_string();
        assert_eq!(json("desk"), r#"{"clientId": "desk-1f", "enabled": true}"#);
        assert_eq!(json("%22%C3%BC%F0%9F%98%80%0A"), "{\"clientId\": \"\\\"ü😀\\u000A-1f\", \"enabled\": true}");
        assert_eq!(json("%FF"), "{\"clientId\": \"\u{fffd}-1f\", \"enabled\": true}");
    }
}
