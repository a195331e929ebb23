//! What ComfyUI answers to a GET, streamed: bodies of any size, in pieces of any size.

use core::fmt;

use super::decimal;
use crate::{
    json::{Container, JsonError, Lexer, Token, Word},
    text::{Id, Text},
};

mod place;

use place::{Name, Place};

/// The one exception that doesn't end its prompt (ComfyUI's `execution_block_cb`).
const EXECUTION_BLOCKED: &str = "ExecutionBlocked";

/// What was asked for, and so what the answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Asked {
    /// `GET /prompt`: how many prompts there are to do; 37 bytes.
    Prompt,
    /// `GET /queue`: the prompts that run, with their graphs, and those that wait; often hundreds of KB, as the browser's
    /// whole workflow is in it.
    Queue,
    /// `GET /history/{id}`: how a prompt ended, nothing as long as it hasn't; megabytes, where nodes tell their outputs.
    History,
    /// `GET /api/jobs/{id}`: how a prompt stands; servers before 2025-12 answer 404.
    Job,
    /// `GET /api/jobs?limit=…`: how the latest prompts stand, the newest first.
    Jobs,
}

/// Something that an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fact<'a> {
    /// So many prompts run or wait.
    Remaining(u32),
    /// How a prompt stands.
    Prompt {
        /// The prompt.
        prompt_id: Id<'a>,
        /// How it stands.
        standing: Standing<'a>,
    },
    /// A node of a running prompt's graph; told behind its [`Fact::Prompt`].
    Node {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node.
        node: Id<'a>,
        /// Its `class_type`.
        class: &'a str,
    },
    /// A running prompt's graph is over.
    Graph {
        /// The prompt.
        prompt_id: Id<'a>,
        /// Nodes of the graph, those without a class too.
        nodes: u32,
    },
    /// The queue is over.
    Queue {
        /// Prompts that run.
        running: u32,
        /// Prompts that wait.
        waiting: u32,
    },
}

/// How a prompt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Standing<'a> {
    /// It waits.
    Waiting,
    /// It runs.
    Running,
    /// It ended well.
    Success,
    /// A node failed.
    Error {
        /// The node of the submitted graph, if it is told.
        node_id: Option<Id<'a>>,
        /// Its class, if it is told.
        node_type: Option<Id<'a>>,
        /// The exception's full name; empty where it isn't told.
        exception_type: Id<'a>,
        /// Its message, which often ends with a line feed; empty where it isn't told.
        exception_message: Id<'a>,
    },
    /// Somebody interrupted it.
    Interrupted,
    /// It is over; how, isn't told.
    Ended,
}

/// What a word of the history's status and messages, or of a job's status, says of its prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Waiting,
    Running,
    Success,
    Error,
    Interrupted,
}

const VERDICTS: [(Name, Verdict); 10] = [
    (Name::of("success"), Verdict::Success),
    (Name::of("execution_success"), Verdict::Success),
    (Name::of("completed"), Verdict::Success),
    (Name::of("error"), Verdict::Error),
    (Name::of("execution_error"), Verdict::Error),
    (Name::of("failed"), Verdict::Error),
    (Name::of("execution_interrupted"), Verdict::Interrupted),
    (Name::of("cancelled"), Verdict::Interrupted),
    (Name::of("pending"), Verdict::Waiting),
    (Name::of("in_progress"), Verdict::Running),
];

/// Which [`Fact`] is to be told.
#[derive(Clone, Copy, Debug)]
enum Due {
    Remaining(u32),
    Prompt(Option<Verdict>),
    Node,
    Graph,
    Queue,
}

/// Reads the body of an answer, of any size, in the memory of a few texts.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::http::{Answer, Asked, Fact};
/// let mut answer = Answer::<48, 256>::new(Asked::Prompt);
/// for mut piece in [&b"{\"exec_info\": {\"queue_rem"[..], b"aining\": 2}}"] {
///     while let Some(fact) = answer.next(&mut piece)? {
///         assert_eq!(fact, Fact::Remaining(2));
///     }
/// }
/// answer.finish()?;
/// # Ok::<(), comfyglow_core::http::AnswerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Answer<const ID: usize, const MESSAGE: usize> {
    lexer: Lexer,
    /// The container at hand.
    within: Place,
    /// The value in it that comes, or is at hand.
    value: Place,
    /// The text or number at hand is over.
    over: bool,
    /// What was asked for is there.
    answered: bool,
    /// What the history's messages say, which is more than its status does.
    message: Option<Verdict>,
    /// What the status says.
    status: Option<Verdict>,
    /// The hash of the text at hand.
    name: Name,
    /// Nodes of the graph at hand.
    nodes: u32,
    /// Items of the lists so far.
    running: Option<u32>,
    waiting: Option<u32>,
    prompt_id: Text<ID>,
    node: Text<ID>,
    class: Text<ID>,
    /// The exception's type, or how many prompts remain.
    word: Text<ID>,
    exception: Text<MESSAGE>,
}

impl<const ID: usize, const MESSAGE: usize> Answer<ID, MESSAGE> {
    /// Before the answer's first byte.
    pub const fn new(asked: Asked) -> Self {
        Self {
            lexer: Lexer::new(),
            within: Place::Other,
            value: asked.root(),
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
            word: Text::new(),
            exception: Text::new(),
        }
    }

    /// Forgets what was read: another answer comes.
    pub const fn reset(&mut self, asked: Asked) {
        self.lexer.reset();
        self.within = Place::Other;
        self.value = asked.root();
        self.over = true;
        self.answered = false;
        self.running = None;
        self.waiting = None;
        // What else there is, is cleared where it begins.
    }

    /// The next thing that the answer says, read from the front of `input`. `None`: the input is used up.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Json`] where the answer is no JSON, and again for everything after it. What was told before was
    /// whole.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Fact<'_>>, AnswerError> {
        let piece = *input;
        let mut due = None;
        while due.is_none()
            && let Some(token) = self.lexer.next(input)
        {
            due = self.take(token);
        }
        self.lexer.count(piece, input).map_err(AnswerError::Json)?;
        Ok(due.map(|due| self.fact(due)))
    }

    /// The body is over.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Json`] where it ended too early, [`AnswerError::Shape`] where it doesn't say what was asked for.
    pub fn finish(&mut self) -> Result<(), AnswerError> {
        self.lexer.end().map_err(AnswerError::Json)?;
        if self.answered { Ok(()) } else { Err(AnswerError::Shape) }
    }

    fn take(&mut self, token: Token<'_>) -> Option<Due> {
        match token {
            Token::Nothing => None,
            Token::Begin(container) => {
                self.begin(container);
                None
            }
            Token::End(_) => self.end(),
            Token::Character(character) => {
                self.put(self.text_place(), character.encode_utf8(&mut [0; 4]).as_bytes(), false);
                None
            }
            Token::Text(piece, last) => {
                self.put(self.text_place(), piece, last);
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
                // An id may be a number, read as it is written.
                if matches!(self.value, Place::Remaining | Place::NodeId) {
                    self.put(self.value, piece, last);
                }
                if last { self.end_number() } else { None }
            }
            Token::Word(word) => {
                match self.value {
                    Place::Completed if word == Word::True => self.status = self.status.or(Some(Verdict::Success)),
                    // The minus of an infinity came as a number.
                    Place::NodeId => self.node.clear(),
                    _ => {}
                }
                self.over = true;
                self.end_value();
                None
            }
        }
    }

    /// Where the text at hand stands: the container, for a member's name.
    const fn text_place(&self) -> Place {
        if self.lexer.in_key() { self.within } else { self.value }
    }

    /// Takes a piece of the text or number that stands there, and whether it is the last.
    fn put(&mut self, place: Place, piece: &[u8], last: bool) {
        let first = core::mem::replace(&mut self.over, last);
        if place == Place::ExceptionMessage {
            add(&mut self.exception, piece, first);
        } else if let Some(text) = self.kept_at(place) {
            add(text, piece, first);
        } else {
            self.name = if first { Name::EMPTY } else { self.name }.and(piece);
        }
    }

    /// Where the text that stands there is kept, if it is.
    const fn kept_at(&mut self, place: Place) -> Option<&mut Text<ID>> {
        Some(match place {
            Place::History | Place::RunningId | Place::PendingId | Place::JobId => &mut self.prompt_id,
            Place::Graph | Place::NodeId => &mut self.node,
            Place::Class | Place::NodeType => &mut self.class,
            Place::Remaining | Place::ExceptionType => &mut self.word,
            _ => return None,
        })
    }

    /// A text value ended.
    fn end_text(&mut self) -> Option<Due> {
        let place = self.value;
        self.end_value();
        let verdict = VERDICTS.iter().find(|(name, _)| *name == self.name).map(|(_, verdict)| *verdict);
        match place {
            Place::RunningId => return Some(Due::Prompt(Some(Verdict::Running))),
            Place::PendingId => return Some(Due::Prompt(Some(Verdict::Waiting))),
            Place::Class => return Some(Due::Node),
            Place::StatusWord | Place::JobStatus => self.status = verdict.or(self.status),
            Place::MessageType => self.message = verdict.or(self.message),
            _ => {}
        }
        None
    }

    /// A number ended.
    fn end_number(&mut self) -> Option<Due> {
        let place = self.value;
        self.end_value();
        let remaining = match self.word.as_bytes() {
            _ if place != Place::Remaining || self.word.is_cut() => None,
            b"-0" => Some(0),
            digits => decimal(digits).and_then(|number| number.try_into().ok()),
        };
        self.answered |= remaining.is_some();
        remaining.map(Due::Remaining)
    }

    /// The value at hand ended; the next one comes.
    fn end_value(&mut self) {
        self.value = self.within.behind(self.value);
    }

    fn begin(&mut self, container: Container) {
        let place = self.value;
        let counts = match place {
            // That of a prompt without an id is nobody's.
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
            Place::Entry | Place::Job | Place::MessageData | Place::JobError => {
                self.node.clear();
                self.class.clear();
                self.word.clear();
                self.exception.clear();
            }
            _ => {}
        }
        if matches!(place, Place::Entry | Place::Job) {
            self.message = None;
            self.status = None;
        }
        self.within = place;
        self.value = place.first();
    }

    /// The container at hand ended.
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
            Place::MessageData if self.word.as_id() == Id::from(EXECUTION_BLOCKED) => self.message = None,
            Place::History | Place::JobList => self.answered = true,
            Place::Entry => return Some(Due::Prompt(self.message.or(self.status))),
            Place::Job if self.status.is_some() && !self.prompt_id.as_bytes().is_empty() => {
                self.answered = true;
                return Some(Due::Prompt(self.status));
            }
            _ => {}
        }
        None
    }

    fn fact(&self, due: Due) -> Fact<'_> {
        let prompt_id = self.prompt_id.as_id();
        match due {
            Due::Remaining(remaining) => Fact::Remaining(remaining),
            Due::Node => Fact::Node { prompt_id, node: self.node.as_id(), class: self.class.as_str() },
            Due::Graph => Fact::Graph { prompt_id, nodes: self.nodes },
            Due::Queue => Fact::Queue { running: self.running.unwrap_or(0), waiting: self.waiting.unwrap_or(0) },
            Due::Prompt(verdict) => {
                let standing = match verdict {
                    None => Standing::Ended,
                    Some(Verdict::Waiting) => Standing::Waiting,
                    Some(Verdict::Running) => Standing::Running,
                    Some(Verdict::Success) => Standing::Success,
                    Some(Verdict::Interrupted) => Standing::Interrupted,
                    Some(Verdict::Error) => Standing::Error {
                        node_id: told(&self.node),
                        node_type: told(&self.class),
                        exception_type: self.word.as_id(),
                        exception_message: self.exception.as_id(),
                    },
                };
                Fact::Prompt { prompt_id, standing }
            }
        }
    }
}

/// Puts a piece behind the others of its text.
fn add<const N: usize>(text: &mut Text<N>, piece: &[u8], first: bool) {
    if first {
        text.clear();
    }
    text.push(piece);
}

/// The text, unless there is none.
fn told<const N: usize>(text: &Text<N>) -> Option<Id<'_>> {
    Some(text.as_id()).filter(|_| !text.as_bytes().is_empty())
}

impl Asked {
    const fn root(self) -> Place {
        match self {
            Self::Prompt => Place::Prompt,
            Self::Queue => Place::Queue,
            Self::History => Place::History,
            Self::Job => Place::Job,
            Self::Jobs => Place::Jobs,
        }
    }
}

/// Why an answer's body can't be used. All of it is the doing of what answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AnswerError {
    /// It is no JSON, or ended too early.
    Json(JsonError),
    /// It is JSON, but doesn't say what was asked for.
    Shape,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the server's answer is no JSON: {error}"),
            Self::Shape => {
                f.write_str("the server's answer is not ComfyUI's: another program may listen at this address")
            }
        }
    }
}

impl core::error::Error for AnswerError {}

#[cfg(test)]
mod tests;
