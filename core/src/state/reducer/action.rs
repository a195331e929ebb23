//! What the reducer is told.

use crate::{
    api::Item,
    event::{Event, Part},
    quality::Sample,
    state::{Fault, ObserveMode, SocketGeneration, Waiting},
    text::Id,
};

/// What the reducer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Action<'a> {
    /// An attempt to connect is made.
    Dialling,
    /// The next attempt waits.
    Waiting(Waiting),
    /// The server accepted the connection.
    Established,
    /// It was found out how prompts of other clients are observed.
    Observe(ObserveMode),
    /// The queue told of ends that the log, though subscribed to, didn't in time.
    LogSilent,
    /// One of the prompts that ended unseen was asked after, whatever came of it.
    AskedAfterEnd,
    /// The connection was lost or could not be made; without a fault we ended it.
    Lost(Option<Fault>),
    /// A part of the message at hand.
    Part(&'a Part<'a>),
    /// A text message ended.
    Text(&'a Event<'a>),
    /// A binary message ended.
    Binary(&'a Event<'a>),
    /// A node of a prompt's graph, over HTTP or from one's own submission.
    GraphNode {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node.
        node: Id<'a>,
        /// Its `class_type`.
        class: &'a str,
    },
    /// The size of a prompt's graph, over HTTP or from one's own submission.
    Graph {
        /// The prompt.
        prompt_id: Id<'a>,
        /// Nodes of the graph.
        nodes: u32,
    },
    /// The server answered over HTTP.
    Response {
        /// What the socket had said when this was asked: [`State::socket_generation`](crate::state::State::socket_generation) of then.
        since: SocketGeneration,
        /// What it answered. The socket tells more and sooner: what it said since the question stands, and an answer takes
        /// nothing of it back.
        item: Item<'a>,
    },
    /// Something of the connection was measured.
    Measured(Sample),
}
