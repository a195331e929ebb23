//! A JSON value as a tree, in the dialect that Python's `json.dumps` writes.

/// A JSON value; numbers keep the text they are written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written, of any length.
    Number(String),
    /// `NaN`, `Infinity` or `-Infinity`.
    Word(&'static str),
    /// A text, its escapes decoded.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, its members in the order of the text, repeated keys included.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value of the first member named `key`; `None` where there is none, or this is no object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.members()?.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// The members of an object.
    pub fn members(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn elements(&self) -> Option<&[Json]> {
        match self {
            Json::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An id: a text, or a number as it is written.
    pub fn id(&self) -> Option<&str> {
        match self {
            Json::Text(id) | Json::Number(id) => Some(id),
            _ => None,
        }
    }

    /// A finite number as it is written.
    pub fn number(&self) -> Option<&str> {
        match self {
            Json::Number(literal) => Some(literal),
            _ => None,
        }
    }
}
