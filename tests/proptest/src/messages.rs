//! Single messages.

use proptest::{collection, option, prelude::*, sample::select};

use crate::{ServerMessage, json::Json};
use crate::{
    spelling::{Spelling, spell, spelling},
    values::{any_text, any_value, deep_value, node_id, node_value, object, prompt_id, scalar, steps, text, whole},
};

/// `{"type": kind, "data": data}`.
pub fn message(kind: &str, data: Json) -> Json {
    object([("type", text(kind)), ("data", data)])
}

/// One entry of a `progress_state`, as the server writes it.
pub fn entry(prompt: &str, node: &str, display: &str, value: Json, max: Json, state: &str) -> (String, Json) {
    let fields = [
        ("value", value),
        ("max", max),
        ("state", text(state)),
        ("node_id", text(node)),
        ("prompt_id", text(prompt)),
        ("display_node_id", text(display)),
        ("parent_node_id", Json::Null),
        ("real_node_id", text(node)),
    ];
    (node.to_owned(), object(fields))
}

/// A `progress_state` of these entries.
pub fn progress_state(prompt: &str, entries: impl IntoIterator<Item = (String, Json)>) -> Json {
    message("progress_state", object([("prompt_id", text(prompt)), ("nodes", object(entries))]))
}

/// A `status`.
pub fn status(queue_remaining: u32) -> Json {
    let info = object([("queue_remaining", whole(queue_remaining))]);
    message("status", object([("status", object([("exec_info", info)]))]))
}

/// A valid message of any known type; fields that may be missing are missing, null or of a wrong kind at times.
pub fn known() -> impl Strategy<Value = Json> {
    let about_prompt = (select(vec!["execution_start", "execution_success", "execution_interrupted"]), prompt_id())
        .prop_map(|(kind, prompt)| {
            message(kind, object([("prompt_id", text(prompt)), ("timestamp", whole(1_795_369_628_203_i64))]))
        });
    let queue = prop_oneof![Just(0), 1..4_u32, Just(u32::MAX)].prop_map(status);
    let cached = (collection::vec(node_value(), 0..5), prompt_id()).prop_map(|(nodes, prompt)| {
        message("execution_cached", object([("nodes", Json::Array(nodes)), ("prompt_id", text(prompt))]))
    });
    let executing = (prop_oneof![4 => node_value(), 1 => Just(Json::Null)], maybe(node_value()), prompt_value())
        .prop_map(|(node, display, prompt)| {
            message("executing", fields([("node", Some(node)), ("display_node", display), ("prompt_id", prompt)]))
        });
    let progress = (steps(), steps(), prompt_value(), maybe(node_value())).prop_map(|(value, max, prompt, node)| {
        message("progress", fields([("value", Some(value)), ("max", Some(max)), ("prompt_id", prompt), ("node", node)]))
    });
    let executed = (node_value(), prompt_id(), any_value()).prop_map(|(node, prompt, output)| {
        message("executed", object([("node", node), ("output", output), ("prompt_id", text(prompt))]))
    });
    let exception = prop_oneof![any_text(), Just("ExecutionBlocked".to_owned()), Just("é".repeat(3000))];
    let error =
        (prompt_id(), maybe(node_value()), maybe(any_text().prop_map(Json::Text)), exception, any_text(), any_value())
            .prop_map(|(prompt, node, class, exception, says, inputs)| {
                message(
                    "execution_error",
                    fields([
                        ("prompt_id", Some(text(prompt))),
                        ("node_id", node),
                        ("node_type", class),
                        ("exception_message", Some(text(says))),
                        ("exception_type", Some(text(exception))),
                        ("current_inputs", Some(inputs)),
                    ]),
                )
            });
    let aside = any_value().prop_map(|value| message("feature_flags", object([("supports_preview_metadata", value)])));
    let logs = collection::vec(any_value(), 0..3)
        .prop_map(|entries| message("logs", object([("entries", Json::Array(entries))])));
    prop_oneof![
        3 => about_prompt, 2 => queue, 1 => cached, 3 => executing, 3 => progress, 3 => any_progress_state(), 1 => executed,
        1 => error, 1 => aside, 1 => logs,
    ]
}

/// A valid `progress_state`, of nodes in any order and state.
fn any_progress_state() -> impl Strategy<Value = Json> {
    let display = maybe(node_value());
    let state = prop_oneof![select(vec!["running", "finished"]).prop_map(str::to_owned), any_text()];
    let entry = (display, steps(), steps(), state).prop_map(|(display, value, max, state)| {
        fields([("value", Some(value)), ("max", Some(max)), ("state", Some(text(state))), ("display_node_id", display)])
    });
    let entries = collection::hash_map(node_id(), entry, 0..5);
    (prompt_id(), entries).prop_map(|(prompt, entries)| progress_state(&prompt, entries))
}

/// A field that may be missing, null or of any kind.
fn maybe(value: impl Strategy<Value = Json> + 'static) -> impl Strategy<Value = Option<Json>> {
    prop_oneof![6 => value.prop_map(Some), 1 => option::of(Just(Json::Null)), 1 => scalar().prop_map(Some)]
}

/// A `prompt_id` that may be missing.
fn prompt_value() -> impl Strategy<Value = Option<Json>> {
    maybe(prompt_id().prop_map(Json::Text))
}

fn fields<const N: usize>(fields: [(&str, Option<Json>); N]) -> Json {
    object(fields.into_iter().filter_map(|(key, value)| Some((key, value?))))
}

/// A well-formed message of a type that isn't known, whatever its data.
pub fn unknown() -> impl Strategy<Value = Json> {
    let kinds = vec![
        "crystools.monitor",
        "",
        "progress_text",
        "execution_",
        "Status",
        "executing ",
        "a\"b\\",
        "assets.seed.started",
    ];
    let data = prop_oneof![4 => any_value().boxed(), 1 => deep_value().boxed()];
    (select(kinds), option::of(data)).prop_map(|(kind, data)| fields([("type", Some(text(kind))), ("data", data)]))
}

/// A message of a known type in which one value, anywhere, was replaced, renamed, taken out or moved to the end.
pub fn spoiled() -> impl Strategy<Value = Json> {
    (known(), any::<proptest::sample::Index>(), fault()).prop_map(|(mut message, place, fault)| {
        let mut place = place.index(count(&message));
        spoil(&mut message, &mut place, &fault);
        message
    })
}

/// What is done to one value.
#[derive(Clone, Debug)]
enum Fault {
    Replace(Json),
    Rename,
    Remove,
    ToTheEnd,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => scalar().prop_map(Fault::Replace),
        1 => any_value().prop_map(Fault::Replace),
        1 => deep_value().prop_map(Fault::Replace),
        1 => Just(Fault::Rename),
        2 => Just(Fault::Remove),
        2 => Just(Fault::ToTheEnd),
    ]
}

/// The number of members of all objects within.
fn count(value: &Json) -> usize {
    let inside = |(_, value): &(String, Json)| 1 + count(value);
    value.members().map_or(0, |members| members.iter().map(inside).sum())
}

/// Does it to the member at `place`, counted in the order of the text.
fn spoil(value: &mut Json, place: &mut usize, fault: &Fault) -> bool {
    let Json::Object(members) = value else { return false };
    for at in 0..members.len() {
        if *place == 0 {
            match fault {
                Fault::Replace(other) => members[at].1 = other.clone(),
                Fault::Rename => members[at].0.push('_'),
                Fault::Remove => drop(members.remove(at)),
                Fault::ToTheEnd => members[at..].rotate_left(1),
            }
            return true;
        }
        *place -= 1;
        if spoil(&mut members[at].1, place, fault) {
            return true;
        }
    }
    false
}

/// A binary message: of each kind and of none, whole, short, or with lengths that lie.
pub fn binary() -> impl Strategy<Value = ServerMessage> {
    let number = |number: u32| number.to_be_bytes().to_vec();
    let kind = prop_oneof![4 => 1..=4_u32, 1 => any::<u32>()];
    let length = prop_oneof![4 => 0..12_u32, 1 => any::<u32>()];
    let headed = (kind, length, collection::vec(any::<u8>(), 0..16))
        .prop_map(move |(kind, length, rest)| [number(kind), number(length), rest].concat());
    let short = collection::vec(any::<u8>(), 0..9);
    prop_oneof![4 => headed, 1 => short].prop_map(ServerMessage::Binary)
}

/// A text message: mostly valid, at times spoiled or unknown, in any spelling.
pub fn any_message() -> impl Strategy<Value = String> {
    let message =
        prop_oneof![6 => known().boxed(), 2 => spoiled().boxed(), 1 => unknown().boxed(), 1 => any_value().boxed()];
    (message, spelling()).prop_map(|(message, spelling)| spell(&message, &spelling))
}

/// A text message of which some bytes were changed, put in, taken out, doubled, or its end cut off; still UTF-8.
pub fn mutated() -> impl Strategy<Value = String> {
    (any_message(), edits()).prop_map(|(text, edits)| {
        let bytes = mutate(text.into_bytes(), &edits);
        String::from_utf8(bytes).unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
    })
}

/// A change of bytes at a place.
#[derive(Clone, Debug)]
pub struct Edit {
    place: proptest::sample::Index,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize),
    CutOff,
}

/// Some changes of bytes.
pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let tokens = select(vec![
        "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "0", "-", ".", "e", "NaN", "null", "\\u", "\\ud800", "\n",
    ]);
    let change = prop_oneof![
        2 => any::<u8>().prop_map(Change::Set),
        3 => tokens.prop_map(|token| Change::Insert(token.as_bytes().to_vec())),
        2 => (1..4_usize).prop_map(Change::Remove),
        1 => (1..9_usize).prop_map(Change::Repeat),
        1 => Just(Change::CutOff),
    ];
    let edit = (any::<proptest::sample::Index>(), change).prop_map(|(place, change)| Edit { place, change });
    collection::vec(edit, 1..4)
}

/// The bytes with these changes, one after the other.
pub fn mutate(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        let at = edit.place.index(bytes.len() + 1);
        let end = |length: usize| (at + length).min(bytes.len());
        match &edit.change {
            Change::Set(byte) if at < bytes.len() => bytes[at] = *byte,
            Change::Set(byte) => bytes.push(*byte),
            Change::Insert(token) => drop(bytes.splice(at..at, token.iter().copied())),
            Change::Remove(length) => drop(bytes.drain(at..end(*length))),
            Change::Repeat(length) => {
                let again = bytes[at..end(*length)].to_vec();
                bytes.splice(at..at, again);
            }
            Change::CutOff => bytes.truncate(at),
        }
    }
    bytes
}

/// The spelling of the server.
pub fn dumps(message: &Json) -> ServerMessage {
    ServerMessage::Text(spell(message, &Spelling::Dumps))
}
