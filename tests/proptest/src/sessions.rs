//! Whole sessions.

use proptest::{collection, option, prelude::*, sample::Index};

use crate::{ServerMessage, json::Json};
use crate::{
    messages::{any_message, binary, dumps, entry, message, mutated, progress_state, status},
    values::{object, prompt_id, prompt_ids, text, whole},
};

/// What a watcher hears, and what it knows before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The number of nodes of each known graph, by `prompt_id`; no id twice.
    pub nodes_total: Vec<(String, usize)>,
    /// The messages, in order.
    pub wire: Vec<ServerMessage>,
}

/// How a prompt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All of its nodes finish.
    Success,
    /// Its last node fails.
    Error,
    /// It is interrupted in its last node.
    Interrupted,
    /// How it ends is not heard.
    Unheard,
}

/// A prompt that runs on a server.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub prompt: String,
    /// How many nodes come from the cache.
    pub cached: usize,
    /// The steps of each other node; 0 for one without a bar.
    pub steps: Vec<u32>,
    /// How it ends.
    pub end: End,
    /// The server is new enough to send `progress_state`.
    pub states: bool,
    /// The size of its graph is known.
    pub counted: bool,
    /// A node of its graph that expands into another node while it executes.
    pub expands: Option<Index>,
}

impl Run {
    /// What the server sends, in the measured order, with nothing queued behind.
    pub fn wire(&self) -> Vec<ServerMessage> {
        let cached = (0..self.cached).map(|n| text(format!("c{n}"))).collect();
        let mut wire = vec![
            self.say("execution_start", [("timestamp", whole(1_u8))]),
            self.say("execution_cached", [("nodes", Json::Array(cached))]),
        ];
        let expands = self.expands.map(|index| index.index(self.steps.len()));
        let mut entries: Vec<(String, Json)> = Vec::new();
        for (place, steps) in self.steps.iter().enumerate() {
            let display = place.to_string();
            let node = if expands == Some(place) { format!("{place}.0.0.1") } else { display.clone() };
            let entry = |value, max, state| entry(&self.prompt, &node, &display, whole(value), whole(max), state);
            entries.push(entry(0, 1, "running"));
            self.state(&mut wire, &entries);
            wire.push(self.say("executing", [("node", text(&node)), ("display_node", text(&display))]));
            for step in 1..=*steps {
                entries[place] = entry(step, *steps, "running");
                self.state(&mut wire, &entries);
                let bar = [("value", whole(step)), ("max", whole(*steps)), ("node", text(&node))];
                wire.push(self.say("progress", bar));
                wire.push(ServerMessage::Binary(vec![0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xd8]));
            }
            if self.end != End::Success && place + 1 == self.steps.len() {
                break;
            }
            let max = (*steps).max(1);
            entries[place] = entry(max, max, "finished");
            self.state(&mut wire, &entries);
        }
        match self.end {
            End::Success => wire.push(self.say("execution_success", [("timestamp", whole(3_u8))])),
            End::Interrupted => wire.push(self.say("execution_interrupted", [("node_id", text("1"))])),
            End::Error => wire.push(self.say(
                "execution_error",
                [
                    ("node_id", text("1")),
                    ("node_type", text("KSampler")),
                    ("exception_message", text("out of paint\n")),
                    ("exception_type", text("ValueError")),
                ],
            )),
            End::Unheard => {}
        }
        wire.extend([dumps(&status(0)), self.say("executing", [("node", Json::Null)])]);
        wire
    }

    /// A message about this prompt.
    fn say<const N: usize>(&self, kind: &str, fields: [(&str, Json); N]) -> ServerMessage {
        let prompt = ("prompt_id", text(&self.prompt));
        dumps(&message(kind, object(fields.into_iter().chain([prompt]))))
    }

    fn state(&self, wire: &mut Vec<ServerMessage>, entries: &[(String, Json)]) {
        if self.states {
            wire.push(dumps(&progress_state(&self.prompt, entries.iter().cloned())));
        }
    }
}

/// A prompt that runs on a server, of the given id.
pub fn run(prompt: String) -> impl Strategy<Value = Run> {
    let end = prop_oneof![4 => Just(End::Success), 1 => Just(End::Error), 1 => Just(End::Interrupted), 1 => Just(End::Unheard)];
    let steps = collection::vec(prop_oneof![Just(0), 1..5_u32], 1..5);
    (0..3_usize, steps, end, any::<bool>(), any::<bool>(), option::weighted(0.2, any::<Index>())).prop_map(
        move |(cached, steps, end, states, counted, expands)| Run {
            prompt: prompt.clone(),
            cached,
            steps,
            end,
            states,
            counted,
            expands,
        },
    )
}

/// One prompt after the other, each of its own id, as a server sends them.
pub fn legal() -> impl Strategy<Value = (Vec<Run>, Session)> {
    let runs = (1..4_usize).prop_flat_map(|count| prompt_ids().into_iter().take(count).map(run).collect::<Vec<_>>());
    runs.prop_map(|runs| {
        let counted = runs.iter().filter(|run| run.counted);
        let session = Session {
            nodes_total: counted.map(|run| (run.prompt.clone(), run.cached + run.steps.len())).collect(),
            wire: runs.iter().flat_map(Run::wire).collect(),
        };
        (runs, session)
    })
}

/// What a server sends while it runs one prompt after the other: each message whole, in the measured order. See [`legal`]
/// for how the prompts were made.
pub fn legal_session() -> impl Strategy<Value = Session> {
    legal().prop_map(|(_, session)| session)
}

/// A legal session of which messages were lost, doubled, and exchanged.
pub fn disturbed() -> impl Strategy<Value = Session> {
    let disturbance = (0..3_u8, any::<Index>(), any::<Index>());
    (legal(), collection::vec(disturbance, 1..12)).prop_map(|((_, mut session), disturbances)| {
        let wire = &mut session.wire;
        for (kind, a, b) in disturbances {
            if wire.is_empty() {
                break;
            }
            let (a, b) = (a.index(wire.len()), b.index(wire.len()));
            match kind {
                0 => drop(wire.remove(a)),
                1 => wire.insert(b, wire[a].clone()),
                _ => wire.swap(a, b),
            }
        }
        session
    })
}

/// Anything: known messages about few prompts and nodes in any order, spoiled, unknown, binary and broken ones.
pub fn hostile() -> impl Strategy<Value = Session> {
    let wire = prop_oneof![
        8 => any_message().prop_map(ServerMessage::Text),
        1 => mutated().prop_map(ServerMessage::Text),
        1 => binary(),
    ];
    let nodes_total = collection::btree_map(prompt_id(), 1..9_usize, 0..5);
    (nodes_total, collection::vec(wire, 0..40))
        .prop_map(|(nodes_total, wire)| Session { nodes_total: nodes_total.into_iter().collect(), wire })
}

/// Any of these sessions.
pub fn any_session() -> impl Strategy<Value = Session> {
    prop_oneof![legal_session(), disturbed(), hostile()]
}
