//! What the server answers over HTTP, among what its socket says: an answer speaks only of the prompt that it names, may end
//! it or fill in totals or begin a record, and never revives or replaces what the socket said after the request was sent.

use comfyglow_core::{
    api::{Item, JobStatus},
    reducer::{Action, apply},
    state::Changes,
    state::{ConnectionStatus, Prompt, PromptState, SocketGeneration, State},
    text::Text,
    time::{Duration, Instant},
};
use comfyglow_tests::strategies::{
    actions::{Act, Said, action},
    values::{any_text, node_id, prompt_id},
};
use proptest::{collection, prelude::*, sample::select};
use serde_json::Value;

type Small = State<comfyglow_tests::strategies::capacities::SmallCapacity>;

/// A [`Item`] that owns its texts.
#[derive(Clone, Debug)]
enum Told {
    Remaining(u32),
    Queue(u32, u32),
    Node(String, String, String),
    Graph(String, u32),
    Prompt(String, JobStatus),
}

#[derive(Clone, Debug)]
enum Step {
    /// The host tells something, mostly what the socket says.
    Act(Act),
    /// A question is asked.
    Ask,
    /// An answer to one of the questions, counted from the newest, or to the one that is asked with it.
    BodyReader(usize, Told),
}

fn stands() -> impl Strategy<Value = JobStatus> {
    prop_oneof![
        1 => Just(JobStatus::Waiting),
        3 => Just(JobStatus::Running),
        1 => Just(JobStatus::Success),
        1 => Just(JobStatus::Error),
        1 => Just(JobStatus::Interrupted),
        2 => Just(JobStatus::Ended),
        1 => Just(JobStatus::Missed),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        1 => (0..4_u32).prop_map(Told::Remaining),
        1 => (0..3_u32, 0..3_u32).prop_map(|(running, waiting)| Told::Queue(running, waiting)),
        1 => (prompt_id(), node_id(), any_text()).prop_map(|(prompt, node, class)| Told::Node(prompt, node, class)),
        1 => (prompt_id(), 0..9_u32).prop_map(|(prompt, nodes)| Told::Graph(prompt, nodes)),
        5 => (prompt_id(), stands()).prop_map(|(prompt, stands)| Told::Prompt(prompt, stands)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => action().prop_map(Step::Act),
        1 => select(&["p", "q"][..]).prop_map(|id| Step::Act(Act::Message(Said::Start(id.to_owned())))),
        1 => Just(Step::Ask),
        3 => (0..3_usize, told()).prop_map(|(ago, told)| Step::BodyReader(ago, told)),
    ];
    collection::vec(step, 0..60)
}

impl Told {
    fn tell(&self, state: &mut Small, now: Instant, since: SocketGeneration) -> Changes {
        let text = |text: &str| Text::<[u8; 24]>::from(text);
        match self {
            Self::Remaining(remaining) => answer(state, now, since, Item::Remaining(*remaining)),
            Self::Queue(running, waiting) => {
                answer(state, now, since, Item::Queue { running: *running, waiting: *waiting })
            }
            Self::Node(prompt, node, class) => {
                let (prompt, node) = (text(prompt), text(node));
                answer(state, now, since, Item::Node { prompt_id: prompt.as_id(), node: node.as_id(), class })
            }
            Self::Graph(prompt, nodes) => {
                answer(state, now, since, Item::Graph { prompt_id: text(prompt).as_id(), nodes: *nodes })
            }
            Self::Prompt(prompt, status) => {
                let prompt = text(prompt);
                answer(state, now, since, Item::Prompt { prompt_id: prompt.as_id(), status: *status })
            }
        }
    }

    /// The prompt that it names.
    fn names(&self) -> Option<&str> {
        match self {
            Self::Remaining(_) | Self::Queue(..) => None,
            Self::Node(prompt, ..) | Self::Graph(prompt, _) | Self::Prompt(prompt, _) => Some(prompt),
        }
    }
}

fn answer(state: &mut Small, now: Instant, since: SocketGeneration, item: Item<'_>) -> Changes {
    apply(state, now, Action::Response { since, item }, &mut ())
}

/// When it was asked: what the state had since, and how many messages had told of the queue and of a prompt.
#[derive(Clone, Copy)]
struct Request {
    since: SocketGeneration,
    queues: u32,
    prompts: u32,
}

/// Whether a message is under way that may be of another prompt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Amid {
    Nothing,
    Perhaps,
    Message,
}

fn shot(state: &Small, now: Instant) -> Value {
    serde_json::to_value(state.snapshot(now)).expect("it is JSON")
}

fn play(steps: &[Step]) {
    let mut state = Box::new(Small::new());
    let (mut now, mut queues, mut prompts) = (Instant::ZERO, 0, 0);
    let mut amid = Amid::Nothing;
    let mut asked: Vec<Request> = Vec::new();
    for step in steps {
        now = now.saturating_add(Duration::from_millis(1));
        match step {
            Step::Act(act) => {
                let changes = act.play(&mut state, now);
                match act {
                    Act::Message(said) => {
                        queues += u32::from(matches!(said, Said::Status(_)));
                        prompts +=
                            u32::from(changes.has(Changes::PROMPT.union(Changes::NODE).union(Changes::PROGRESS)));
                        // What it doesn't end, a decoder would have ended before it.
                        let ends = matches!(said, Said::Cached(..) | Said::ProgressState(..) | Said::Malformed);
                        amid = if ends || amid == Amid::Nothing { Amid::Nothing } else { Amid::Perhaps };
                    }
                    Act::Lost(_) => amid = Amid::Nothing,
                    Act::CachedNode(_) if amid == Amid::Nothing => amid = Amid::Perhaps,
                    Act::NodeState(..) => amid = Amid::Message,
                    _ => {}
                }
            }
            Step::Ask => asked.push(Request { since: state.socket_generation(), queues, prompts }),
            Step::BodyReader(ago, told) => {
                let fresh = Request { since: state.socket_generation(), queues, prompts };
                let question = asked.iter().rev().nth(*ago).copied().unwrap_or(fresh);
                let late = (question.queues != queues, question.prompts != prompts);
                check(&mut state, now, question.since, told, late, amid);
            }
        }
    }
}

/// Tells one answer and checks what it changed; `late`: the socket has told of the queue, and of a prompt, since.
fn check(state: &mut Small, now: Instant, since: SocketGeneration, told: &Told, late: (bool, bool), amid: Amid) {
    let (before, was) = (shot(state, now), state.prompt().cloned());
    let (replaced, generation) = (state.socket_generation(), state.generation());
    let changes = told.tell(state, now, since);
    let (mut after, is) = (shot(state, now), state.prompt().cloned());
    // How the state is known, may change by any answer while there is no socket.
    if state.connection().status == ConnectionStatus::Connected {
        assert!(!changes.has(Changes::CONNECTION));
    } else {
        assert_eq!(changes.has(Changes::CONNECTION), after["connection"]["source"] != before["connection"]["source"]);
        after["connection"]["source"] = before["connection"]["source"].clone();
    }
    assert_eq!(state.socket_generation(), replaced, "the socket said nothing");
    let queue_before = before["queue_remaining"].clone();
    let named = told.names().map(Text::<[u8; 24]>::from);
    let was_named = was.as_ref().is_some_and(|was| was.prompt_id() == named.as_ref() && named.is_some());

    match *told {
        Told::Remaining(_) | Told::Queue(..) => {
            let remaining = match *told {
                Told::Queue(running, waiting) => running + waiting,
                Told::Remaining(remaining) => remaining,
                _ => unreachable!(),
            };
            let queue_after = after["queue_remaining"].take();
            assert_eq!(queue_after, if late.0 { queue_before } else { remaining.into() });
            after["queue_remaining"] = before["queue_remaining"].clone();
            assert_eq!(after, before, "the queue alone");
        }
        Told::Node(..) => {
            if was_named {
                after["prompt"]["current_class"] = before["prompt"]["current_class"].clone();
            }
            assert_eq!(after, before, "the node's class alone");
        }
        Told::Graph(_, nodes) if was_named => {
            assert_eq!(after["prompt"]["nodes_total"], nodes);
            assert!(after["prompt"]["percentage"].as_f64() >= before["prompt"]["percentage"].as_f64());
            for filled in ["nodes_total", "percentage", "eta_ms", "nodes_finished", "truncated_nodes"] {
                after["prompt"][filled] = before["prompt"][filled].clone();
            }
            assert_eq!(after, before, "totals alone");
        }
        Told::Graph(..) => assert_eq!(after, before, "it is of another prompt"),
        Told::Prompt(_, ref stands) => {
            let (was_state, is_state) = (was.as_ref().map(Prompt::state), is.as_ref().map(Prompt::state));
            let is_news = state.generation() != generation;
            let begins = matches!(stands, JobStatus::Running | JobStatus::Missed);
            assert!(!is_news || begins, "what runs, or did unseen, alone may begin a record");
            if late.1 || amid == Amid::Message || (amid == Amid::Perhaps && after == before) {
                assert_eq!((after, is_news), (before, false), "the socket said more since");
                return;
            }
            let was_nameless = was.as_ref().is_some_and(|was| was.prompt_id().is_none());
            if is_news {
                assert_ne!(was_state, Some(PromptState::Running), "who runs, isn't replaced");
                assert!(!was_named, "nor is an end taken back");
                assert_eq!(is.as_ref().and_then(|is| is.prompt_id()), named.as_ref());
                let state = if matches!(stands, JobStatus::Missed) { PromptState::Ended } else { PromptState::Running };
                assert_eq!(is_state, Some(state));
            } else if was_named {
                match (was_state, is_state, stands) {
                    (Some(PromptState::Running), Some(PromptState::Running), _) => {}
                    (_, _, JobStatus::Waiting | JobStatus::Running) => {
                        assert_eq!(was_state, is_state, "nothing is revived");
                    }
                    (Some(was), _, _) if was.is_final() => assert_eq!(after, before, "an end is final"),
                    (_, is, JobStatus::Success) => assert_eq!(is, Some(PromptState::Success)),
                    (_, is, JobStatus::Error) => assert_eq!(is, Some(PromptState::Error)),
                    (_, is, JobStatus::Interrupted) => assert_eq!(is, Some(PromptState::Interrupted)),
                    (_, is, JobStatus::Ended | JobStatus::Missed) => assert_eq!(is, Some(PromptState::Ended)),
                }
                let counts = ["outputs", "previews", "text_updates", "warnings", "nodes_cached", "nodes_total"];
                for count in counts {
                    assert_eq!(after["prompt"][count], before["prompt"][count], "{count}");
                }
            } else if was_nameless && begins && was_state == Some(PromptState::Running) {
                assert_eq!(is.as_ref().and_then(|is| is.prompt_id()), named.as_ref(), "what runs has a name now");
            } else {
                after["connection"] = before["connection"].clone();
                assert_eq!(after, before, "it is of another prompt");
            }
            assert_eq!(after["queue_remaining"], queue_before);
            assert_eq!(after["messages"], before["messages"]);
        }
    }
}

proptest! {
    #[test]
    fn an_answer_fills_in_what_the_socket_left_out_and_takes_nothing_back(steps in steps()) {
        play(&steps);
    }
}
