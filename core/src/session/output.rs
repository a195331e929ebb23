//! What a session wants its host to do.

use super::Link;
use crate::{
    api::{HttpRequest, Target},
    state::Changes,
    time::Instant,
};

/// What a [`Session`](super::Session) wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an output that is not carried out stalls the session"]
#[non_exhaustive]
pub enum Output<'a> {
    /// Open a WebSocket at this target of the server, with the headers of [`Config::headers`](super::Config::headers).
    Open(Target<'a>),
    /// Send this text message on the WebSocket.
    Text(&'static str),
    /// Send a ping with this payload on the WebSocket.
    Ping([u8; 4]),
    /// Make this request, with the headers of [`Config::headers`](super::Config::headers).
    Request(HttpRequest<'a>),
    /// Close a link and report nothing more of it; of [`Link::Http`], abort the request.
    Close {
        /// The link.
        link: Link,
        /// The code for the WebSocket's close frame; `None`: drop the connection at once.
        code: Option<u16>,
    },
    /// The state changed: paint it.
    Changed(Changes),
    /// Wait for an input; until this time at most, where there is one, then report [`Host::Wake`](super::Host::Wake).
    Sleep(Option<Instant>),
}
