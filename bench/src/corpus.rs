//! The messages that are parsed, as the server spells them and otherwise.
use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize as _;
use serde_json::{
    Map, Value,
    ser::{CompactFormatter, Formatter, Serializer},
};

/// Messages that are parsed one after the other.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What they are: a kind of message, or how they are spelled.
    pub name: String,
    /// The messages, at least one.
    pub messages: Vec<String>,
}

impl Corpus {
    /// A prompt's 85 messages, spelled as the server does.
    ///
    /// # Errors
    ///
    /// The file can't be read.
    pub fn session() -> Result<Self> {
        let messages = read(&folder().join("session.ndjson"))?.lines().map(str::to_owned).collect();
        Ok(Self { name: "session".to_owned(), messages })
    }

    /// One message of each kind, by the file's name.
    ///
    /// # Errors
    ///
    /// The files can't be read.
    pub fn kinds() -> Result<Vec<Self>> {
        let folder = folder();
        let entries = folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))?;
        let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        let name = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.iter().map(|file| Ok(Self { name: name(file), messages: vec![read(file)?] })).collect()
    }

    /// The same messages as another program would spell them: without spaces, with the members in another order, both.
    ///
    /// # Errors
    ///
    /// A message is no JSON.
    pub fn respelled(&self) -> Result<Vec<Self>> {
        let spellings: [(&str, Spelling); 3] = [
            ("compact", |message| spell(&serde_json::from_str(message)?, CompactFormatter)),
            ("reordered", |message| spell(&reordered(serde_json::from_str(message)?), Spaced)),
            ("compact, reordered", |message| spell(&reordered(serde_json::from_str(message)?), CompactFormatter)),
        ];
        let respell = |(name, spelled): (&str, Spelling)| {
            let messages = self.messages.iter().map(|message| spelled(message)).collect::<Result<_>>()?;
            Ok(Self { name: name.to_owned(), messages })
        };
        spellings.into_iter().map(respell).collect()
    }

    /// Bytes of all messages.
    pub fn bytes(&self) -> usize {
        self.messages.iter().map(String::len).sum()
    }
}

/// Spells a message otherwise.
type Spelling = fn(&str) -> Result<String>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/bench-messages")
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// `value` with the members of each object back to front, but for those that must come before others: the type before
/// what it types, the prompt's id before the nodes.
fn reordered(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let (first, others): (Vec<_>, Vec<_>) = members
                .into_iter()
                .partition(|(key, value)| matches!(key.as_str(), "type" | "prompt_id") && value.is_string());
            let back_to_front = first.into_iter().chain(others.into_iter().rev());
            Value::Object(back_to_front.map(|(key, value)| (key, reordered(value))).collect::<Map<_, _>>())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(reordered).collect()),
        other => other,
    }
}

fn spell(value: &Value, formatter: impl Formatter) -> Result<String> {
    let mut spelled = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut spelled, formatter))?;
    Ok(String::from_utf8(spelled)?)
}

/// With a space behind each comma and colon, as Python's `json.dumps` writes.
struct Spaced;

impl Spaced {
    fn separate<W: ?Sized + io::Write>(writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        Self::separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        Self::separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_otherwise_a_message_says_the_same() {
        let message = r#"{"type": "progress", "data": {"value": 1.0, "max": 2, "prompt_id": "p", "node": "5"}}"#;
        let corpus = Corpus { name: String::new(), messages: vec![message.to_owned()] };
        let spelled: Vec<_> = corpus.respelled().unwrap().into_iter().flat_map(|c| c.messages).collect();
        assert_eq!(
            spelled,
            [
                r#"{"type":"progress","data":{"value":1.0,"max":2,"prompt_id":"p","node":"5"}}"#,
                r#"{"type": "progress", "data": {"prompt_id": "p", "node": "5", "max": 2, "value": 1.0}}"#,
                r#"{"type":"progress","data":{"prompt_id":"p","node":"5","max":2,"value":1.0}}"#,
            ]
        );
    }
}
