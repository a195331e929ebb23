//! `/ws`: the handshake, what a socket is greeted with, and what it may say.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncRead;
use tungstenite::handshake::server::create_response_with_body;

use super::{
    faults::Script,
    frames::{self, End, Message, Reader},
    messages,
    observers::{Outbox, is_observer},
    publish::Recipients,
    sockets::Socket,
    state::Shared,
};

/// How long a close frame may take; aiohttp's own patience.
const CLOSING: Duration = Duration::from_secs(10);

/// The only part of the query that ComfyUI reads.
#[derive(Deserialize)]
pub(super) struct Client {
    #[serde(default, rename = "clientId")]
    id: String,
}

/// Answers the handshake; the socket then lives in a task of its own.
pub(super) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Query(client): Query<Client>,
    mut request: Request,
) -> Response {
    let upgraded = hyper::upgrade::on(&mut request);
    let script = request.extensions_mut().remove::<Script>();
    match accept(&request) {
        Ok(response) => {
            let sid = if client.id.is_empty() { shared.hex_id() } else { client.id };
            let served = shared.clone();
            shared.spawn(async move {
                if let Ok(upgraded) = upgraded.await {
                    serve(&served, TokioIo::new(upgraded), &sid, script).await;
                }
            });
            response
        }
        Err(refusal) => refusal,
    }
}

/// The answer to a WebSocket handshake, or the refusal of what is none.
#[expect(clippy::result_large_err, reason = "either is the response")]
pub(super) fn accept(request: &Request) -> Result<Response, Response> {
    if let Ok(mut response) = create_response_with_body(request, Body::empty) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        return Ok(response);
    }
    let asked = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok()).unwrap_or("None");
    let text = format!("No WebSocket UPGRADE hdr: {asked}\n Can \"Upgrade\" only to \"WebSocket\".");
    Err((StatusCode::BAD_REQUEST, text).into_response())
}

async fn serve(shared: &Arc<Shared>, io: TokioIo<Upgraded>, sid: &str, script: Option<Script>) {
    let (reader, writer) = tokio::io::split(io);
    let watches = shared.options.extension && is_observer(sid) && !shared.sockets.has_submitted(sid);
    let outbox = watches.then(|| Outbox::new(sid));
    let socket = Arc::new(Socket::new(writer, script, outbox));
    socket.begin().await;
    let mut lost = pin!(shared.sockets.lost());
    shared.sockets.insert(sid, socket.clone());
    tracing::debug!(sid, "socket opened");

    let (code, is_lost) = tokio::select! {
        biased;
        () = &mut lost => (None, true),
        () = socket.ended() => (None, false),
        code = converse(shared, &socket, reader, sid) => (code, false),
    };

    if !is_lost {
        // Whatever is entered under this id goes, be it another socket: ComfyUI's own mistake, see `Sockets::remove`.
        shared.sockets.remove(sid);
    }
    if let Some(code) = code {
        // A peer that doesn't even read the answer is dropped.
        let _ = tokio::time::timeout(CLOSING, socket.send(&frames::close(code))).await;
    }
    socket.finish().await;
    shared.sockets.closed();
    tracing::debug!(sid, code, "socket closed");
}

/// Greets the socket and reads it until it ends; the result is the code to close it with.
async fn converse(shared: &Shared, socket: &Arc<Socket>, reader: impl AsyncRead + Unpin, sid: &str) -> Option<u16> {
    // The greeting is addressed by id, as in ComfyUI: a second socket that races with this one can get it.
    let answer = async |kind: &str, data: Value| {
        if let Some(socket) = shared.sockets.get(sid) {
            socket.send(&frames::frame(frames::TEXT, messages::event(kind, data).as_bytes())).await;
        }
    };
    answer("status", messages::status(shared.queue.remaining(), Some(sid))).await;
    // What else it's told waits until it has been greeted.
    if socket.outbox().is_some() {
        let socket = socket.clone();
        shared.spawn(async move { socket.deliver().await });
    }
    if let Some(node) = shared.running_node_of(sid) {
        answer("executing", json!({"node": node})).await;
    }

    let mut reader = Reader::new(reader);
    let mut may_negotiate = shared.options.version.progress_state();
    loop {
        match reader.next().await {
            Ok(Message::Ping(payload)) => socket.send(&frames::frame(frames::PONG, &payload)).await,
            Ok(Message::Text(text)) if may_negotiate => {
                // Only the first object counts; what is no object doesn't use up the chance.
                if let Ok(Value::Object(message)) = serde_json::from_str(&text) {
                    may_negotiate = false;
                    if message.get("type").is_some_and(|kind| kind == "feature_flags") {
                        let flag = message.get("data").map(|flags| &flags["supports_preview_metadata"]);
                        shared.sockets.set_preview_metadata(sid, flag == Some(&Value::Bool(true)));
                        answer("feature_flags", messages::features(shared.options.version)).await;
                    }
                }
            }
            Ok(Message::Text(_) | Message::Binary | Message::Pong) => {}
            // Any close is answered with 1000, whatever its code.
            Ok(Message::Close) => return Some(1000),
            Err(End::Violation(code)) => return Some(code),
            Err(End::Gone) => return None,
        }
    }
}

/// Reads a socket that only listens until it ends, answering pings and the close: what playback needs.
pub(super) async fn attend(socket: &Socket, reader: impl AsyncRead + Unpin) {
    let mut reader = Reader::new(reader);
    let code = loop {
        match reader.next().await {
            Ok(Message::Ping(payload)) => socket.send(&frames::frame(frames::PONG, &payload)).await,
            Ok(Message::Text(_) | Message::Binary | Message::Pong) => {}
            Ok(Message::Close) => break 1000,
            Err(End::Violation(code)) => break code,
            Err(End::Gone) => return,
        }
    };
    let _ = tokio::time::timeout(CLOSING, socket.send(&frames::close(code))).await;
}

impl Shared {
    /// The running node, for a socket of the client whose prompt runs.
    fn running_node_of(&self, sid: &str) -> Option<String> {
        let running = self.running();
        let client = Recipients::Client(sid.to_owned());
        running.node.clone().filter(|_| running.client == client)
    }
}
