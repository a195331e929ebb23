//! A prompt that is followed by the server's log only, from the socket's bytes to what is shown.

use std::fmt::Write as _;

use comfyglow_core::{
    api::{Item, JobStatus},
    capacity::GadgetCapacity,
    event::{Decoder, Event, Handler, Interest, Part},
    log::{Log, Logged},
    reducer::{Action, apply},
    state::{ObserveMode, PromptState, State},
    text::Id,
    time::Instant,
};

use crate::ServerMessage;

/// A `logs` event as ComfyUI writes one, of entries with these texts.
pub fn logs<'a>(texts: impl IntoIterator<Item = &'a str>) -> ServerMessage {
    let entry = |text: &str| format!(r#"{{"t": "2026-11-22T17:47:36.414924", "m": {}}}"#, ascii(text));
    let entries: Vec<String> = texts.into_iter().map(entry).collect();
    ServerMessage::Text(format!(r#"{{"type": "logs", "data": {{"entries": [{}], "size": null}}}}"#, entries.join(", ")))
}

/// A text in JSON as Python writes it, all beyond ASCII escaped.
fn ascii(text: &str) -> String {
    let mut json = String::from("\"");
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some(c @ ('"' | '\\')) => json.extend(['\\', c]),
            Some(c @ ' '..='~') => json.push(c),
            Some('\n') => json.push_str("\\n"),
            Some('\r') => json.push_str("\\r"),
            _ => write!(json, "\\u{unit:04x}").expect("a text takes all"),
        }
    }
    json.push('"');
    json
}

/// What the parser says of a text, a line each.
///
/// # Panics
///
/// Where a bar is none, or falls.
pub fn said(text: &[u8]) -> Vec<Logged> {
    let mut log = Log::new();
    let said: Vec<Logged> = text.iter().filter_map(|byte| log.next(*byte)).collect();
    let bars = said.iter().filter_map(|said| match said {
        Logged::Bar { bar, begins, .. } => Some((bar, *begins)),
        _ => None,
    });
    let mut before = (0, 0);
    for (bar, begins) in bars {
        assert!(bar.value <= bar.max && bar.max > 0, "{bar:?}");
        assert!(begins || (bar.max == before.1 && bar.value >= before.0), "{bar:?} behind {before:?}");
        before = (bar.value, bar.max);
    }
    said
}

/// What is shown of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How it fares.
    pub state: PromptState,
    /// The steps of the bar, and all.
    pub steps: Option<[i64; 2]>,
    /// The node that they are of.
    pub node: Option<String>,
    /// Of an error, the type and the message.
    pub error: Option<[String; 2]>,
    /// In millionths.
    pub percentage: Option<u32>,
}

/// A prompt of another client, with two samplers, that runs and is followed by the log.
#[derive(Debug)]
pub struct Followed {
    decoder: Box<Decoder<GadgetCapacity>>,
    state: Box<State<GadgetCapacity>>,
}

/// Hands what is read to the state.
struct ToState<'a>(&'a mut State<GadgetCapacity>);

impl Handler for ToState<'_> {
    fn part(&mut self, part: Part<'_>) {
        apply(self.0, Instant::from_millis(2_000), Action::Part(&part), &mut ());
    }

    fn event(&mut self, event: Event<'_>) {
        apply(self.0, Instant::from_millis(2_000), Action::Text(&event), &mut ());
    }
}

impl Default for Followed {
    fn default() -> Self {
        let mut state = Box::new(State::new());
        let prompt_id = Id::from("p");
        let mut tell = |action: Action<'_>| apply(&mut state, Instant::from_millis(1_000), action, &mut ());
        tell(Action::Established);
        tell(Action::Observe(ObserveMode::Logs));
        let item = Item::Prompt { prompt_id, status: JobStatus::Running };
        tell(Action::Response { since: comfyglow_core::state::SocketGeneration::default(), item });
        for (node, class) in [("1", "CheckpointLoaderSimple"), ("2", "KSampler"), ("3", "KSampler"), ("4", "SaveImage")]
        {
            tell(Action::GraphNode { prompt_id, node: Id::from(node), class });
        }
        tell(Action::Graph { prompt_id, nodes: 4 });
        Self { decoder: Box::new(Decoder::new(Interest::STATE)), state }
    }
}

impl Followed {
    /// Hears a text message in these pieces.
    pub fn hear<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) {
        let mut handler = ToState(&mut self.state);
        for piece in pieces {
            self.decoder.text(piece, &mut handler);
        }
        self.decoder.end_text(&mut handler);
    }

    /// Hears a message at once.
    pub fn hear_whole(&mut self, wire: &ServerMessage) {
        self.hear([wire.bytes()]);
    }

    /// What is shown now.
    ///
    /// # Panics
    ///
    /// Where a message was malformed, or the prompt is gone.
    pub fn shown(&self) -> Shown {
        assert_eq!(self.state.messages().malformed, 0);
        let prompt = self.state.prompt().expect("it runs or ran");
        let whole = |milli: comfyglow_core::number::Milli| milli.thousandths() / 1_000;
        Shown {
            state: prompt.state(),
            steps: prompt.steps().map(|steps| [whole(steps.value), whole(steps.max)]),
            node: prompt.current_node().map(|node| node.as_str().to_owned()),
            error: prompt
                .error()
                .map(|error| [error.exception_type.as_str().to_owned(), error.exception_message.as_str().to_owned()]),
            percentage: prompt.percentage().map(comfyglow_core::state::Percentage::millionths),
        }
    }
}
