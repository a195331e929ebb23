//! What changes the state: parts of messages, whole messages, responses, and events of the session.

use crate::{
    api::Item,
    event::{Event, Part},
    quality::Sample,
    state::{Fault, ObserveMode, SocketGeneration, Waiting},
    text::Id,
};

/// What happened, for the [reducer](crate::reducer) to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Action<'a> {
    /// An attempt to connect begins.
    Dialling,
    /// The next attempt waits.
    Waiting(Waiting),
    /// The server accepted the connection.
    Established,
    /// The session found out how to observe prompts of other clients.
    Observe(ObserveMode),
    /// The queue showed ends that the log, though subscribed to, did not report in time.
    LogSilent,
    /// The outcome of a prompt that ended unseen was requested, whatever the result.
    AskedAfterEnd,
    /// The connection was lost or could not be made. Without a fault, this client closed it.
    Lost(Option<Fault>),
    /// A part of the current message.
    Part(&'a Part<'a>),
    /// A text message ended.
    Text(&'a Event<'a>),
    /// A binary message ended.
    Binary(&'a Event<'a>),
    /// A node of a prompt's graph, from a response or from your own submission.
    GraphNode {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node.
        node: Id<'a>,
        /// Its `class_type`.
        class: &'a str,
    },
    /// The size of a prompt's graph, from a response or from your own submission.
    Graph {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The number of nodes in the graph.
        nodes: u32,
    },
    /// A response reported something.
    Response {
        /// What the socket had reported when the request was sent: the
        /// [`State::socket_generation`](crate::state::State::socket_generation) of that time.
        since: SocketGeneration,
        /// What the response reports. The socket reports more, and sooner: a response changes nothing that the socket
        /// reported since the request.
        item: Item<'a>,
    },
    /// A property of the connection was measured.
    Measured(Sample),
}
