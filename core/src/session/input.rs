//! What a host reports to a session.

use crate::{event::Message, state::NetworkDown, text::Id, time::Duration};

/// One of the two connections to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Link {
    /// The WebSocket.
    Socket,
    /// An HTTP exchange: one request and its response.
    Http,
}

/// What a host whose platform speaks WebSocket and HTTP reports to a [`Session`](super::Session).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Input<'a> {
    /// The WebSocket is open; its handshake is over.
    Opened,
    /// The WebSocket brought a message, or a piece of one.
    Message(Message<'a>),
    /// The WebSocket brought something else: a ping, or a part of a frame. Optional; it shows that the server is alive.
    Alive,
    /// The WebSocket brought a pong with this payload.
    Pong(&'a [u8]),
    /// The head of the response to [`Output::Request`](super::Output::Request).
    Response {
        /// Its status code, 100..=999.
        status: u16,
    },
    /// The next piece of the response's body, its transfer encoding removed.
    Body(&'a [u8]),
    /// The body is complete.
    BodyEnd,
    /// A link ended, or could not be opened. Don't report a link that the session closed itself.
    Closed(Link, End),
    /// Something that concerns no link.
    Host(Host<'a>),
}

/// A host's report or wish that concerns no link. The same for a [`Session`](super::Session) and a
/// [`Wire`](crate::wire::Wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Host<'a> {
    /// The deadline of `Output::Sleep` has come.
    Wake,
    /// A node of a prompt that you submitted; its class helps to estimate its duration. Report all nodes before
    /// [`Graph`](Self::Graph).
    GraphNode {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node.
        node: Id<'a>,
        /// Its `class_type`.
        class: &'a str,
    },
    /// The graph of a prompt that you submitted is complete, so the session need not request it.
    Graph {
        /// The prompt.
        prompt_id: Id<'a>,
        /// Nodes of the graph.
        nodes: u32,
    },
    /// A prompt that you submitted left the server's queue without any event reaching this session. The session
    /// requests its outcome. Ignored while another prompt runs or its outcome is being requested.
    Missed {
        /// The prompt.
        prompt_id: Id<'a>,
    },
    /// The host painted what changed.
    Painted {
        /// The time from the start of painting until the display has it.
        took: Duration,
    },
    /// What delivery queues did since the last report.
    Queued {
        /// Notes taken in.
        queued: u32,
        /// Notes dropped because a subscriber was too slow.
        dropped: u32,
        /// Notes replaced by a later one.
        merged: u32,
    },
    /// This device has no network. Until [`Online`](Self::Online) nothing is dialled, no attempt counts, and open links
    /// are dropped. A session starts online. Ignored by a session that gave up, left, or whose socket was
    /// [attached](super::Session::attach).
    Offline(NetworkDown),
    /// There is a network again: the server is dialled at once, as far as the breaker allows.
    Online,
    /// A person wants another attempt now. Revives a session that gave up, but not one that left or whose socket was
    /// [attached](super::Session::attach). Without a network the attempt follows once there is one.
    Reconnect,
    /// Close the connection and end the session.
    Leave,
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum End {
    /// The server closed it: the end of the stream, a reset, or a close frame without a code.
    Eof,
    /// The server closed the WebSocket with this code (RFC 6455, section 7.4). Of a browser's own codes, 1005 is
    /// [`Eof`](Self::Eof) and 1006 is [`Broken`](Self::Broken).
    ClosedWith(u16),
    /// The server does not accept connections at this address: refused, or no route.
    Unreachable,
    /// The server's name could not be resolved.
    NameUnknown,
    /// The server's certificate is not trusted, or it does not speak TLS where TLS is wanted.
    Untrusted,
    /// The connection broke.
    Broken,
    /// The server answered the WebSocket handshake with this HTTP status instead of 101.
    Refused {
        /// The status.
        status: u16,
        /// `Retry-After` in seconds, where the response has it in seconds.
        retry_after: Option<u32>,
    },
    /// The response to the handshake is not that of a WebSocket server.
    NotWebSocket,
    /// The server broke the WebSocket protocol.
    Protocol,
    /// The request could not be sent: it is longer than its buffer, or a setting holds characters that it can't.
    Unsendable,
}
