use crate::event::Interest;

/// Where the server is, and what is wanted of it.
#[derive(Clone, Copy, Debug)]
pub struct Config<'c> {
    /// The value of `Host`: name or address, with the port unless it is the scheme's own.
    pub host: &'c str,
    /// The path that ComfyUI's root has behind a proxy, such as `/comfy`; else empty. No slash at its end.
    pub prefix: &'c str,
    /// The query for the WebSocket, such as `clientId=desk&token=…`, percent-encoded.
    pub query: &'c str,
    /// The query for requests over HTTP, such as `token=…`, percent-encoded; else empty.
    pub http_query: &'c str,
    /// Headers of the user's own, for every request.
    pub headers: &'c [(&'c str, &'c str)],
    /// Kinds of events that an [`Observer`](super::Observer) wants beyond those that the state is made of.
    pub interest: Interest,
    /// Ask for previews that name their node (binary kind 4).
    pub preview_metadata: bool,
    /// Ask for the running prompt's graph over HTTP: without it no percentage is known.
    pub ask_for_graph: bool,
}

impl<'c> Config<'c> {
    /// The server at `host`, its root at `/`, and the socket's `query`.
    pub const fn new(host: &'c str, query: &'c str) -> Self {
        Self {
            host,
            prefix: "",
            query,
            http_query: "",
            headers: &[],
            interest: Interest::STATE,
            preview_metadata: true,
            ask_for_graph: true,
        }
    }
}
