//! The part of ComfyUI's HTTP API that the session uses: its requests, and what the responses report.
//!
//! [`BodyReader`] reads bodies as they arrive, of any size and in pieces of any size.

mod place;
mod request;

use core::fmt;

use crate::{
    capacity::Capacity,
    json::{Container, JsonError, Lexer, Token, Word},
    number::decimal,
    text::{Id, Text},
};

pub(crate) use request::Hidden;
pub use request::{Body, HttpRequest, Method, Request, Target};

use place::{Name, Place};

/// The one exception that doesn't end its prompt (ComfyUI's `execution_block_cb`).
pub(crate) const EXECUTION_BLOCKED: &str = "ExecutionBlocked";

/// One fact that a response reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item<'a> {
    /// How many prompts run or wait.
    Remaining(u32),
    /// The status of a prompt.
    Prompt {
        /// The prompt.
        prompt_id: Id<'a>,
        /// Its status.
        status: JobStatus,
    },
    /// A node of a running prompt's graph; follows its [`Item::Prompt`].
    Node {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node.
        node: Id<'a>,
        /// Its `class_type`.
        class: &'a str,
    },
    /// A running prompt's graph is complete.
    Graph {
        /// The prompt.
        prompt_id: Id<'a>,
        /// Nodes of the graph, including those without a class.
        nodes: u32,
    },
    /// The queue is complete.
    Queue {
        /// Prompts that run.
        running: u32,
        /// Prompts that wait.
        waiting: u32,
    },
}

/// The status of a prompt, as a response reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum JobStatus {
    /// It waits in the queue.
    Waiting,
    /// It runs.
    Running,
    /// It succeeded.
    Success,
    /// A node failed; the [`ErrorFields`] have the reason.
    Error,
    /// A user interrupted it.
    Interrupted,
    /// It ended; the response does not say how.
    Ended,
    /// It began and ended without any event reaching this session. No response says so; the session concludes it.
    Missed,
}

/// The words of the history's status and messages and of a job's status.
const STATUSES: [(Name, JobStatus); 10] = [
    (Name::of("success"), JobStatus::Success),
    (Name::of("execution_success"), JobStatus::Success),
    (Name::of("completed"), JobStatus::Success),
    (Name::of("error"), JobStatus::Error),
    (Name::of("execution_error"), JobStatus::Error),
    (Name::of("failed"), JobStatus::Error),
    (Name::of("execution_interrupted"), JobStatus::Interrupted),
    (Name::of("cancelled"), JobStatus::Interrupted),
    (Name::of("pending"), JobStatus::Waiting),
    (Name::of("in_progress"), JobStatus::Running),
];

/// One of the texts of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ErrorField {
    /// The node of the submitted graph that failed.
    NodeId,
    /// Its class.
    NodeType,
    /// The exception's full name.
    ExceptionType,
    /// Its message, which often ends with a line feed.
    ExceptionMessage,
}

impl ErrorField {
    const fn at(place: Place) -> Option<Self> {
        match place {
            Place::NodeId => Some(Self::NodeId),
            Place::NodeType => Some(Self::NodeType),
            Place::ExceptionType => Some(Self::ExceptionType),
            Place::ExceptionMessage => Some(Self::ExceptionMessage),
            _ => None,
        }
    }
}

/// Stores the texts of an error as they arrive. They are valid once a [`JobStatus::Error`] is reported: a response may
/// break off before.
///
/// A caller that has room for them already, such as the record of the prompt, needs no other buffer.
pub trait ErrorFields {
    /// A prompt's status begins: forget the texts of the one before.
    fn clear(&mut self);
    /// Appends a piece of a text; the `first` piece replaces what was stored.
    fn push(&mut self, text: ErrorField, piece: &[u8], first: bool);
}

/// Drops the texts.
impl ErrorFields for () {
    fn clear(&mut self) {}
    fn push(&mut self, _text: ErrorField, _piece: &[u8], _first: bool) {}
}

/// Drops the texts if there is no store.
impl<T: ErrorFields> ErrorFields for Option<&mut T> {
    fn clear(&mut self) {
        if let Some(texts) = self {
            texts.clear();
        }
    }

    fn push(&mut self, text: ErrorField, piece: &[u8], first: bool) {
        if let Some(texts) = self {
            texts.push(text, piece, first);
        }
    }
}

/// The [`Item`] to report next.
#[derive(Clone, Copy, Debug)]
enum Due {
    Remaining(u32),
    Prompt(JobStatus),
    Node,
    Graph,
    Queue,
}

/// Reads the body of a response, of any size, in the memory of a few texts.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{capacity::GadgetCapacity, api::{BodyReader, Request, Item}};
/// let mut body = BodyReader::<GadgetCapacity>::new(Request::Prompt);
/// for mut piece in [&b"{\"exec_info\": {\"queue_rem"[..], b"aining\": 2}}"] {
///     while let Some(item) = body.next(&mut piece, &mut ())? {
///         assert_eq!(item, Item::Remaining(2));
///     }
/// }
/// body.finish()?;
/// # Ok::<(), comfyglow_core::api::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyReader<C: Capacity> {
    lexer: Lexer,
    /// The current container.
    within: Place,
    /// The next or current value in it.
    value: Place,
    /// The last text or number is complete.
    over: bool,
    /// The body holds what was requested.
    answered: bool,
    /// The status by the history's messages, which say more than its status does.
    message: Option<JobStatus>,
    /// The status by its own word.
    status: Option<JobStatus>,
    /// The hash of the current text.
    name: Name,
    /// Nodes of the current graph.
    nodes: u32,
    /// Items of each list so far.
    running: Option<u32>,
    waiting: Option<u32>,
    prompt_id: Text<C::Id>,
    /// A node of the graph, or the digits of how many prompts remain.
    node: Text<C::Id>,
    class: Text<C::Id>,
}

impl<C: Capacity> BodyReader<C> {
    /// A reader at the first byte of the response to `request`.
    pub const fn new(request: Request) -> Self {
        Self {
            lexer: Lexer::new(),
            within: Place::Other,
            value: request.root(),
            over: true,
            answered: false,
            message: None,
            status: None,
            name: Name::EMPTY,
            nodes: 0,
            running: None,
            waiting: None,
            prompt_id: Text::new(),
            node: Text::new(),
            class: Text::new(),
        }
    }

    /// Forgets what was read, for the response to `request`.
    pub const fn reset(&mut self, request: Request) {
        self.lexer.reset();
        self.within = Place::Other;
        self.value = request.root();
        self.over = true;
        self.answered = false;
        self.running = None;
        self.waiting = None;
        // The other fields are cleared where their values begin.
    }

    /// Reads the next item from the front of `input`; `None` once the input is used up. Stores the texts of errors in
    /// `texts`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Json`] if the response is not JSON, and for every call after that. Items reported before are valid.
    pub fn next(&mut self, input: &mut &[u8], texts: &mut impl ErrorFields) -> Result<Option<Item<'_>>, ReadError> {
        let piece = *input;
        let mut due = None;
        while due.is_none()
            && let Some(token) = self.lexer.next(input)
        {
            due = self.take(token, texts);
        }
        self.lexer.count(piece, input).map_err(ReadError::Json)?;
        Ok(due.map(|due| self.item(due)))
    }

    /// Checks the body at its end.
    ///
    /// # Errors
    ///
    /// [`ReadError::Json`] if it ended too early, [`ReadError::Shape`] if it does not hold what was requested.
    pub fn finish(&mut self) -> Result<(), ReadError> {
        self.lexer.end().map_err(ReadError::Json)?;
        if self.answered { Ok(()) } else { Err(ReadError::Shape) }
    }

    fn take(&mut self, token: Token<'_>, texts: &mut impl ErrorFields) -> Option<Due> {
        match token {
            Token::Nothing => None,
            Token::Begin(container) => {
                self.begin(container, texts);
                None
            }
            Token::End(_) => self.end(),
            Token::Character(character) => {
                self.put(self.text_place(), character.encode_utf8(&mut [0; 4]).as_bytes(), false, texts);
                None
            }
            Token::Text(piece, last) => {
                self.put(self.text_place(), piece, last, texts);
                match (last, self.lexer.in_key()) {
                    (false, _) => None,
                    (true, true) => {
                        self.value = self.within.member(self.name);
                        None
                    }
                    (true, false) => self.end_text(),
                }
            }
            Token::Number(piece, last) => {
                // An id may be a number; its text is the id.
                if matches!(self.value, Place::Remaining | Place::NodeId) {
                    self.put(self.value, piece, last, texts);
                }
                if last { self.end_number() } else { None }
            }
            Token::Word(word) => {
                match self.value {
                    Place::Mirror => self.answered = word == Word::True,
                    Place::Completed if word == Word::True => self.status = self.status.or(Some(JobStatus::Success)),
                    // The minus of an infinity was read as a number.
                    Place::NodeId => texts.push(ErrorField::NodeId, b"", true),
                    _ => {}
                }
                self.over = true;
                self.end_value();
                None
            }
        }
    }

    /// The place of the current text; for a member's name, its container.
    const fn text_place(&self) -> Place {
        if self.lexer.in_key() { self.within } else { self.value }
    }

    /// Takes a piece of the text or number at `place`, and whether it is the last piece.
    fn put(&mut self, place: Place, piece: &[u8], last: bool, texts: &mut impl ErrorFields) {
        let first = core::mem::replace(&mut self.over, last);
        if first {
            self.name = Name::EMPTY;
        }
        if let Some(text) = self.kept_at(place) {
            if first {
                text.clear();
            }
            text.push(piece);
            return;
        }
        self.name = self.name.and(piece);
        if let Some(text) = ErrorField::at(place) {
            texts.push(text, piece, first);
        }
    }

    /// The buffer for the text at `place`; `None` if it is not stored.
    const fn kept_at(&mut self, place: Place) -> Option<&mut Text<C::Id>> {
        match place {
            Place::History | Place::RunningId | Place::PendingId | Place::JobId => Some(&mut self.prompt_id),
            Place::Graph | Place::Remaining => Some(&mut self.node),
            Place::Class => Some(&mut self.class),
            _ => None,
        }
    }

    /// A text value ended.
    fn end_text(&mut self) -> Option<Due> {
        let place = self.value;
        self.end_value();
        let status = STATUSES.iter().find(|(name, _)| *name == self.name).map(|(_, status)| *status);
        match place {
            Place::RunningId => return Some(Due::Prompt(JobStatus::Running)),
            Place::PendingId => return Some(Due::Prompt(JobStatus::Waiting)),
            Place::Class => return Some(Due::Node),
            Place::StatusWord | Place::JobStatus => self.status = status.or(self.status),
            Place::MessageType => self.message = status.or(self.message),
            Place::ExceptionType if self.name == const { Name::of(EXECUTION_BLOCKED) } => self.message = None,
            _ => {}
        }
        None
    }

    /// A number ended.
    fn end_number(&mut self) -> Option<Due> {
        let place = self.value;
        self.end_value();
        let remaining = match self.node.as_bytes() {
            _ if place != Place::Remaining || self.node.is_cut() => None,
            b"-0" => Some(0),
            digits => decimal(digits).and_then(|number| number.try_into().ok()),
        };
        self.answered |= remaining.is_some();
        remaining.map(Due::Remaining)
    }

    /// The current value ended; moves on to the next one.
    fn end_value(&mut self) {
        self.value = self.within.behind(self.value);
    }

    fn begin(&mut self, container: Container, texts: &mut impl ErrorFields) {
        let place = self.value;
        let counts = match place {
            // A graph belongs to the prompt id before it.
            Place::Graph => !self.prompt_id.as_bytes().is_empty(),
            Place::MessageData => self.name == Name::of("execution_error"),
            _ => true,
        };
        if place.container() != Some(container) || !counts {
            self.lexer.skip();
            return self.end_value();
        }
        if matches!(place, Place::RunningItem | Place::PendingItem | Place::Job) {
            self.prompt_id.clear();
        }
        match place {
            Place::Running => self.running = Some(0),
            Place::Pending => self.waiting = Some(0),
            Place::Graph => self.nodes = 0,
            Place::Message => self.name = Name::EMPTY,
            Place::Entry | Place::Job | Place::MessageData => texts.clear(),
            _ => {}
        }
        if matches!(place, Place::Entry | Place::Job) {
            self.message = None;
            self.status = None;
        }
        self.within = place;
        self.value = place.first();
    }

    /// The current container ended.
    fn end(&mut self) -> Option<Due> {
        let place = self.within;
        self.within = place.around();
        self.value = place;
        self.end_value();
        let one_more = |count: Option<u32>| count.map(|count| count.saturating_add(1));
        match place {
            Place::RunningItem => self.running = one_more(self.running),
            Place::PendingItem => self.waiting = one_more(self.waiting),
            Place::Node => self.nodes = self.nodes.saturating_add(1),
            Place::Graph => return Some(Due::Graph),
            Place::Queue => {
                self.answered = self.running.is_some() && self.waiting.is_some();
                return self.answered.then_some(Due::Queue);
            }
            Place::History | Place::JobList => self.answered = true,
            Place::Entry => return Some(Due::Prompt(self.message.or(self.status).unwrap_or(JobStatus::Ended))),
            Place::Job if !self.prompt_id.as_bytes().is_empty() => {
                self.answered |= self.status.is_some();
                return self.status.map(Due::Prompt);
            }
            _ => {}
        }
        None
    }

    fn item(&self, due: Due) -> Item<'_> {
        let prompt_id = self.prompt_id.as_id();
        match due {
            Due::Remaining(remaining) => Item::Remaining(remaining),
            Due::Node => Item::Node { prompt_id, node: self.node.as_id(), class: self.class.as_str() },
            Due::Graph => Item::Graph { prompt_id, nodes: self.nodes },
            Due::Queue => Item::Queue { running: self.running.unwrap_or(0), waiting: self.waiting.unwrap_or(0) },
            Due::Prompt(status) => Item::Prompt { prompt_id, status },
        }
    }
}

/// Why a response's body can't be used. The server is always to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReadError {
    /// It is not JSON, or ended too early.
    Json(JsonError),
    /// It is JSON, but does not hold what was requested.
    Shape,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the server's response is not JSON: {error}"),
            Self::Shape => f.write_str("the response is not from ComfyUI: another program may listen at this address"),
        }
    }
}

impl core::error::Error for ReadError {}

#[cfg(test)]
mod tests;
