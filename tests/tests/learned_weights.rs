//! The percentage of a workflow that was run before is the model's with what its nodes took.

use std::collections::BTreeMap;

use comfyglow_core::{
    capacity::DesktopCapacity,
    session::{Config, Host, Link},
    text::Id,
    time::Instant,
    wire::{Input, Output, Wire},
};
use comfyglow_tests::{ServerMessage, compare, frame, model::Model};
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, json};

/// A unit of the clock that is whole in milliseconds and in the core's ticks.
const UNIT_MS: u64 = 128;
const NODES: usize = 6;

/// What is heard of the second run.
#[derive(Clone, Debug)]
enum Heard {
    Executing(usize),
    Progress(usize, u32, u32),
    State(Vec<(usize, u32, u32, bool)>),
    Cached(Vec<usize>),
    Success,
}

fn heard() -> impl Strategy<Value = Heard> {
    let node = 0..NODES + 1;
    let state = (node.clone(), 0_u32..9, 1_u32..8, any::<bool>());
    prop_oneof![
        3 => node.clone().prop_map(Heard::Executing),
        6 => (node.clone(), 0_u32..9, 1_u32..8).prop_map(|(node, value, max)| Heard::Progress(node, value, max)),
        4 => vec(state, 1..NODES).prop_map(Heard::State),
        1 => vec(node, 0..3).prop_map(Heard::Cached),
        1 => Just(Heard::Success),
    ]
}

fn message(kind: &str, data: &Value) -> ServerMessage {
    ServerMessage::Text(json!({"type": kind, "data": data}).to_string())
}

impl Heard {
    fn wire(&self) -> ServerMessage {
        let id = |node: &usize| node.to_string();
        match self {
            Self::Executing(node) => message("executing", &json!({"node": id(node), "prompt_id": "second"})),
            Self::Progress(node, value, max) => {
                let data = json!({"value": value, "max": max, "prompt_id": "second", "node": id(node)});
                message("progress", &data)
            }
            Self::State(nodes) => {
                let entry = |(node, value, max, over): &(usize, u32, u32, bool)| {
                    let state = if *over { "finished" } else { "running" };
                    (id(node), json!({"value": value, "max": max, "state": state, "display_node_id": id(node)}))
                };
                // Each node once: a repeated key may be taken in more than one way.
                let nodes: serde_json::Map<String, Value> = nodes.iter().map(entry).collect();
                message("progress_state", &json!({"prompt_id": "second", "nodes": nodes}))
            }
            Self::Cached(nodes) => {
                let nodes: Vec<String> = nodes.iter().map(id).collect();
                message("execution_cached", &json!({"prompt_id": "second", "nodes": nodes}))
            }
            Self::Success => message("execution_success", &json!({"prompt_id": "second"})),
        }
    }
}

struct Core {
    session: Box<Wire<'static, DesktopCapacity>>,
    units: u64,
}

impl Core {
    fn new() -> Self {
        let config = Config::attached();
        let mut session = Box::new(Wire::<DesktopCapacity>::new(config, 1));
        session.attach(Instant::ZERO);
        Self { session, units: 0 }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.units * UNIT_MS)
    }

    fn hear(&mut self, wire: &ServerMessage) {
        self.session.handle_input(self.now(), Input::Bytes(Link::Socket, &frame(wire)));
        while !matches!(self.session.poll_output(self.now()), Output::Sleep(_)) {}
    }

    /// Tells a graph of the nodes with numbers, each of a class of its own.
    fn graph(&mut self, prompt: &str, nodes: impl ExactSizeIterator<Item = usize>) {
        let (prompt_id, count) = (Id::from(prompt), u32::try_from(nodes.len()).expect("it is small"));
        for node in nodes {
            let (id, class) = (node.to_string(), format!("Class{node}"));
            let input = Input::Host(Host::GraphNode { prompt_id, node: Id::from(id.as_str()), class: &class });
            self.session.handle_input(self.now(), input);
        }
        self.session.handle_input(self.now(), Input::Host(Host::Graph { prompt_id, nodes: count }));
    }

    fn percentage(&self) -> Value {
        let snapshot = serde_json::to_value(self.session.state().snapshot(self.now())).expect("it is JSON");
        json!({"prompt": {"percentage": snapshot["prompt"]["percentage"]}})
    }
}

proptest! {
    #[test]
    fn core_is_the_model_with_learned_weights(
        // How long each node takes in the first run, where it is in it.
        units in vec(option::weighted(0.7, 0_u64..31), NODES),
        second in vec(heard(), 0..40),
    ) {
        let mut core = Core::new();
        let known: Vec<(usize, u64)> = units.iter().enumerate().filter_map(|(n, units)| Some((n, (*units)?))).collect();
        core.hear(&message("execution_start", &json!({"prompt_id": "first"})));
        core.graph("first", known.iter().map(|(node, _)| *node).collect::<Vec<_>>().into_iter());
        for (node, units) in &known {
            core.hear(&message("executing", &json!({"node": node.to_string(), "prompt_id": "first"})));
            core.units += units;
        }
        core.hear(&message("execution_success", &json!({"prompt_id": "first"})));
        prop_assert_eq!(core.session.state().learned().len(), known.len());

        let weights: BTreeMap<String, u64> = known.iter().map(|(n, units)| (n.to_string(), units * UNIT_MS)).collect();
        let mut model = Model::new();
        model.set_nodes_total("second", NODES);
        model.set_weights("second", weights);
        let start = message("execution_start", &json!({"prompt_id": "second"}));
        let all = std::iter::once(start).chain(second.iter().map(Heard::wire));
        for (n, wire) in all.enumerate() {
            let ServerMessage::Text(text) = &wire else { unreachable!("all are texts") };
            model.text(0.0, text);
            core.units += 1;
            core.hear(&wire);
            if n == 0 {
                core.graph("second", 0..NODES);
            }
            let expect = json!({"prompt": {"percentage": model.snapshot(0.0)["prompt"]["percentage"]}});
            if let Some(difference) = compare::mismatch(&expect, &core.percentage()) {
                panic!("after message {n}: {difference}\n{known:?} {second:#?}");
            }
        }
    }
}
