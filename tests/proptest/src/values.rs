//! JSON values.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample::select};

use crate::json::Json;

/// An object of these members, in this order.
pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// A text.
pub fn text(text: impl Into<String>) -> Json {
    Json::Text(text.into())
}

/// A whole number.
pub fn whole(number: impl Into<i64>) -> Json {
    Json::Number(number.into().to_string())
}

/// A number's literal, of any length, as JSON allows it.
pub fn any_number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
}

/// A text: of ordinary letters, or with quotes, escapes, controls, and letters of two, three and four bytes.
pub fn any_text() -> impl Strategy<Value = String> {
    let odd = select(vec![
        '"',
        '\\',
        '/',
        '\u{8}',
        '\u{c}',
        '\n',
        '\r',
        '\t',
        '\0',
        '\u{1f}',
        '\u{7f}',
        'a',
        ' ',
        '{',
        ']',
        ',',
        ':',
        'ß',
        '…',
        '\u{2028}',
        '\u{fffd}',
        '\u{ffff}',
        '😀',
        '\u{10ffff}',
    ]);
    prop_oneof![
        3 => "[a-zA-Z0-9_ .]{0,12}",
        2 => collection::vec(odd, 0..8).prop_map(String::from_iter),
        1 => any::<String>(),
    ]
}

/// A value without others inside.
pub fn scalar() -> impl Strategy<Value = Json> {
    let fixed = vec![
        Json::Null,
        Json::Bool(true),
        Json::Bool(false),
        Json::Word("NaN"),
        Json::Word("Infinity"),
        Json::Word("-Infinity"),
        whole(0),
        whole(-1),
        text(""),
        Json::Array(vec![]),
        Json::Object(vec![]),
    ];
    prop_oneof![2 => select(fixed), 1 => any_number().prop_map(Json::Number), 2 => any_text().prop_map(Json::Text)]
}

/// Any value, objects and arrays up to four deep.
pub fn any_value() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            collection::btree_map(any_text(), inner, 0..6).prop_map(|members: BTreeMap<_, _>| object(members)),
        ]
    })
}

/// Arrays and objects inside one another, 50 to 70 deep: some a message may hold, some it may not.
pub fn deep_value() -> impl Strategy<Value = Json> {
    collection::vec(any::<bool>(), 50..70).prop_map(|levels| {
        levels.into_iter().fold(
            Json::Null,
            |inner, array| {
                if array { Json::Array(vec![inner]) } else { object([("k", inner)]) }
            },
        )
    })
}

/// A prompt's id: often the same one, so that messages meet; two differ only far behind, where no capacity reaches.
pub fn prompt_id() -> impl Strategy<Value = String> {
    prop_oneof![5 => Just("p".to_owned()), 1 => Just("q".to_owned()), 2 => select(prompt_ids())]
}

/// All of [`prompt_id`].
pub fn prompt_ids() -> Vec<String> {
    let long = "0123456789abcdef".repeat(20);
    let few = ["p", "q", "r", "s", "5ba5c7e2-8d41-4c63-9a06-2f4f4b1d7a90", "ü😀\n\"", ""];
    few.iter().map(|id| (*id).to_owned()).chain([format!("{long}1"), format!("{long}2")]).collect()
}

/// A node's id: of a submitted graph, or an expanded one; often one of a few.
pub fn node_id() -> impl Strategy<Value = String> {
    prop_oneof![select(vec!["1", "2", "4.0.0.1"]).prop_map(str::to_owned), select(node_ids())]
}

/// All of [`node_id`].
pub fn node_ids() -> Vec<String> {
    let deep = "4.0.0.3.0.0.Recurse.".repeat(15);
    let few = ["1", "2", "3", "4", "12:3", "4.0.0.1", "4.0.0.2", "ノード", "1.50"];
    few.iter().map(|id| (*id).to_owned()).chain([format!("{deep}1"), format!("{deep}2")]).collect()
}

/// A node's id as a message may hold it: as a text, or here and there as a number.
pub fn node_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        6 => node_id().prop_map(Json::Text),
        1 => select(vec!["1", "2", "12", "1.50", "-0", "1e3"]).prop_map(|id| Json::Number(id.to_owned())),
    ]
}

/// A number of steps: mostly a small whole one, at times a fraction, negative, or out of all bounds.
pub fn steps() -> impl Strategy<Value = Json> {
    let odd = vec!["0.0", "1.0", "0.37", "2.2199999999999998", "-3", "0.0005", "0.0004", "1.0004", "1e999", "-1e999"];
    prop_oneof![
        6 => (0..=20_u32).prop_map(whole),
        2 => select(odd).prop_map(|literal| Json::Number(literal.to_owned())),
        1 => any_number().prop_map(Json::Number),
    ]
}
