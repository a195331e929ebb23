//! What holds after every action, whatever came before: told to the reducer directly, in orders that no session keeps.

use comfyglow_core::{
    reducer::Changes,
    state::{ConnectionStatus, Percentage, PromptState, State, Steps},
    time::Instant,
};
use comfyglow_tests::strategies::actions::{Act, Said, act};
use proptest::{collection, prelude::*};

/// So small that every capacity overflows.
const NODES: usize = 4;
type Tiny = State<8, 16, NODES, 32, 4>;

/// What a screen may show, and more, at a moment.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    connection: (ConnectionStatus, u32, Option<String>),
    queue: Option<u32>,
    prompt: Option<Shot>,
}

#[derive(Clone, Debug, PartialEq)]
struct Shot {
    id: Option<String>,
    /// Of which two ids that are cut alike differ.
    whole: String,
    state: PromptState,
    node: Option<String>,
    progress: (Option<Percentage>, Option<Steps>, Option<u32>, Option<u32>, u32, bool),
    outputs: (u32, u32, u32, u32),
    error: Option<String>,
}

fn shown(state: &Tiny) -> Shown {
    let connection = state.connection();
    Shown {
        connection: (connection.status, connection.attempt, connection.fault.map(|fault| format!("{fault:?}"))),
        queue: state.queue_remaining(),
        prompt: state.prompt().map(|prompt| Shot {
            id: prompt.prompt_id().map(ToString::to_string),
            whole: prompt.prompt_id().map(|id| format!("{:?}", id.as_id().key())).unwrap_or_default(),
            state: prompt.state(),
            node: prompt.current_node().map(ToString::to_string),
            progress: (
                prompt.percentage(),
                prompt.steps(),
                prompt.nodes_total(),
                prompt.nodes_cached(),
                prompt.nodes_finished(),
                prompt.truncated_nodes(),
            ),
            outputs: (prompt.outputs(), prompt.previews(), prompt.text_updates(), prompt.warnings()),
            error: prompt.error().map(|error| format!("{error:?}")),
        }),
    }
}

/// What holds of any state.
fn assert_sound(shown: &Shown) {
    let Some(prompt) = &shown.prompt else { return };
    let (percentage, steps, total, _, finished, _) = prompt.progress;
    if prompt.state == PromptState::Success {
        assert_eq!(percentage, Some(Percentage::FULL));
    } else {
        assert!(percentage <= Some(Percentage::ALMOST), "{percentage:?}");
        assert_eq!(percentage.is_some(), total.is_some());
    }
    assert!(steps.is_none_or(|steps| steps.max.thousandths() > 0));
    assert!(finished as usize <= NODES, "{finished}");
    assert!(prompt.state == PromptState::Running || (prompt.node.is_none() && steps.is_none()));
    assert_eq!(prompt.error.is_some(), prompt.state == PromptState::Error);
}

/// What holds from one state to the next.
fn assert_step(before: &Shown, act: &Act, after: &Shown, changes: Changes) {
    let starts = matches!(act, Act::Message(Said::Start(_)));
    if let (Some(old), Some(new)) = (&before.prompt, &after.prompt) {
        if old.whole == new.whole && old.id.is_some() && !starts {
            assert!(new.progress.0 >= old.progress.0, "the percentage falls");
            if old.state.is_final() {
                let same = if matches!(act, Act::Graph(..)) {
                    Shot { progress: old.progress, ..new.clone() }
                } else {
                    new.clone()
                };
                assert_eq!(&same, old, "an end is final");
            }
        }
        assert!(old.id.is_none() || new.id.is_some() || !old.state.is_final() || matches!(act, Act::Message(_)));
    }
    assert!(before.prompt.is_none() || after.prompt.is_some(), "a record is only replaced");

    let claim = |differs: bool, change: Changes, what: &str| {
        assert!(!differs || changes.has(change), "{what} changed, but only {changes:?} is told");
    };
    let of = |shown: &Shown| shown.prompt.clone();
    let differs = |f: fn(&Shot, &Shot) -> bool| match (of(before), of(after)) {
        (Some(a), Some(b)) => f(&a, &b),
        (a, b) => a.is_some() != b.is_some(),
    };
    claim(before.connection != after.connection, Changes::CONNECTION, "the connection");
    claim(before.queue != after.queue, Changes::QUEUE, "the queue");
    claim(
        differs(|a, b| (&a.whole, a.state, &a.error) != (&b.whole, b.state, &b.error)),
        Changes::PROMPT,
        "the prompt",
    );
    claim(differs(|a, b| a.progress != b.progress), Changes::PROGRESS, "the progress");
    let node = |shown: &Shown| shown.prompt.as_ref().and_then(|prompt| prompt.node.clone());
    claim(node(before) != node(after), Changes::NODE, "the node");
    let outputs = |shown: &Shown| shown.prompt.as_ref().map(|prompt| prompt.outputs).unwrap_or_default();
    claim(outputs(before) != outputs(after), Changes::OUTPUT, "the outputs");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn any_actions_in_any_order(acts in collection::vec((act(), 0..2_000_000_u64), 0..60)) {
        let mut state = Tiny::new();
        let mut fed = [0_u32; 4];
        let mut now = 0;
        for (act, later) in &acts {
            now += later;
            let before = shown(&state);
            let changes = act.play(&mut state, Instant::from_micros(now));
            let after = shown(&state);
            assert_sound(&after);
            assert_step(&before, act, &after, changes);
            if let Act::Message(said) = act {
                fed[usize::from(said.is_binary())] += 1;
                fed[2] += u32::from(matches!(said, Said::Malformed | Said::MalformedBinary));
                fed[3] += u32::from(matches!(said, Said::Unknown | Said::UnknownBinary(_)));
                if matches!(said, Said::Malformed | Said::MalformedBinary | Said::Unknown | Said::UnknownBinary(_)) {
                    assert_eq!(&before, &after, "what is of no use changes nothing");
                }
            }
            let messages = state.messages();
            prop_assert_eq!([messages.text, messages.binary, messages.malformed, messages.unknown], fed);
            prop_assert!(state.history().len() <= comfyglow_core::limits::HISTORY);
        }
    }
}
