//! The messages to the sockets, in the key order and spelling that ComfyUI uses.

use serde_json::{Map, Value, json};

use super::{python_json::dumps, version::Version};

/// An event: `{"type": ..., "data": ...}`.
pub(super) fn event(kind: &str, data: Value) -> String {
    let mut message = Map::new();
    message.insert("type".to_owned(), kind.into());
    message.insert("data".to_owned(), data);
    dumps(&Value::Object(message))
}

/// `status`'s data; only a socket's first one has its `sid`.
pub(super) fn status(queue_remaining: usize, sid: Option<&str>) -> Value {
    let mut data = json!({"status": {"exec_info": {"queue_remaining": queue_remaining}}});
    if let Some(sid) = sid {
        data["sid"] = sid.into();
    }
    data
}

/// What the server can do, for `feature_flags` and `GET /features`.
pub(super) fn features(version: Version) -> Value {
    if version.modern() {
        json!({
            "supports_preview_metadata": true, "supports_model_type_tags": true, "max_upload_size": 104_857_600,
            "extension": {"manager": {"supports_v4": true}}, "node_replacements": true, "assets": false,
        })
    } else if version.jobs() {
        json!({
            "supports_preview_metadata": true, "max_upload_size": 104_857_600,
            "extension": {"manager": {"supports_v4": true}},
        })
    } else {
        json!({"supports_preview_metadata": true, "max_upload_size": 104_857_600})
    }
}

/// A binary message of kind 1: a preview without metadata.
pub(super) fn preview(image: &Image) -> Vec<u8> {
    binary(1, &[&image.format.number().to_be_bytes(), &image.bytes])
}

/// A binary message of kind 4: a preview that tells its node.
pub(super) fn preview_with_metadata(image: &Image, prompt_id: &str, node: &NodeName) -> Vec<u8> {
    let metadata = dumps(&json!({
        "node_id": node.id, "prompt_id": prompt_id, "display_node_id": node.display,
        "parent_node_id": node.parent, "real_node_id": node.display, "image_type": format!("image/{}", image.format.name()),
    }));
    binary(4, &[&length(metadata.as_bytes()), metadata.as_bytes(), &image.bytes])
}

/// A binary message of kind 3: a text of a node.
pub(super) fn node_text(node_id: &str, text: &str) -> Vec<u8> {
    binary(3, &[&length(node_id.as_bytes()), node_id.as_bytes(), text.as_bytes()])
}

fn binary(kind: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut message = kind.to_be_bytes().to_vec();
    message.extend(parts.concat());
    message
}

fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// A node's names: its own, and where it comes from an expansion, the submitted node's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NodeName {
    /// The executing node, such as `4.0.0.1`.
    pub(super) id: String,
    /// The node in the submitted graph, such as `4`.
    pub(super) display: String,
    /// The expanded node, where there is one.
    pub(super) parent: Option<String>,
}

impl NodeName {
    /// A node of the submitted graph.
    pub(super) fn submitted(id: &str) -> Self {
        Self { id: id.to_owned(), display: id.to_owned(), parent: None }
    }

    /// The node `name` of the graph that `self` expands to.
    pub(super) fn expanded(&self, name: impl std::fmt::Display) -> Self {
        Self {
            id: format!("{}.0.0.{name}", self.id),
            display: self.display.clone(),
            parent: Some(self.display.clone()),
        }
    }
}

/// An encoded image.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// How it's encoded.
    pub(super) format: Format,
    /// The file.
    pub(super) bytes: Vec<u8>,
}

/// How an image is encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// As the samplers' previews are.
    Jpeg,
    /// As `SaveImageWebsocket`'s images are.
    Png,
}

impl Format {
    fn number(self) -> u32 {
        match self {
            Self::Jpeg => 1,
            Self::Png => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_spelled_as_recorded() {
        assert_eq!(
            event("status", status(0, Some("observer-1"))),
            r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "observer-1"}}"#
        );
        assert_eq!(node_text("4", "progress ✍ 1/2")[..14], b"\0\0\0\x03\0\0\0\x014progr"[..14]);
        let image = Image { format: Format::Jpeg, bytes: vec![0xff, 0xd8] };
        let message = preview_with_metadata(&image, "9c9970ae-49c3-4646-920e-5afa73398112", &NodeName::submitted("2"));
        assert_eq!(message[..8], [0, 0, 0, 4, 0, 0, 0, 0xa6]);
        assert_eq!(preview(&image), [0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xd8]);
    }
}
