//! A plain client of a server, by other people's libraries: what the simulator is tested with.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, body::Bytes, header};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

/// The payload of the pings that [`Client::heard`] sends.
const MARK: &[u8] = b"what is heard before this is all";

/// A WebSocket of a plain client.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// Opens a socket at `path`, which may have a query.
    ///
    /// # Panics
    ///
    /// Where the server refuses.
    pub async fn open(server: SocketAddr, path: &str) -> Self {
        let request = format!("ws://{server}{path}").into_client_request().expect("a path");
        let stream = TcpStream::connect(server).await.expect("the server listens");
        let unlimited = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
        let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(unlimited)).await;
        let (socket, _) = opened.expect("the server accepts");
        Self { socket }
    }

    /// Opens a socket of the client `id` and waits for its greeting, from where on the server knows it.
    ///
    /// # Panics
    ///
    /// Where the server refuses or greets otherwise.
    pub async fn greeted(server: SocketAddr, id: &str) -> Self {
        let mut client = Self::open(server, &format!("/ws?clientId={id}")).await;
        let greeting = client.next().await.expect("a greeting");
        assert_eq!(kind(&greeting), "status(status,sid)");
        client
    }

    /// Sends `message`.
    ///
    /// # Panics
    ///
    /// Where the connection is gone.
    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("the server reads");
    }

    /// The next message; `None` where the connection has ended, with or without a close.
    pub async fn next(&mut self) -> Option<Message> {
        self.socket.next().await?.ok()
    }

    /// All that the server has sent up to now: it answers a ping behind it.
    ///
    /// # Panics
    ///
    /// Where the connection ends.
    pub async fn heard(&mut self) -> Vec<Message> {
        self.send(Message::Ping(MARK.into())).await;
        let mut heard = Vec::new();
        loop {
            match self.next().await.expect("the server answers a ping") {
                Message::Pong(payload) if payload == MARK => return heard,
                message => heard.push(message),
            }
        }
    }

    /// Closes with `code`, and gives what the server sent until the connection ended.
    ///
    /// # Panics
    ///
    /// Where the connection is gone.
    pub async fn close(mut self, code: Option<u16>) -> Vec<Message> {
        let frame = code.map(|code| CloseFrame { code: code.into(), reason: "".into() });
        self.socket.close(frame).await.expect("the server reads");
        let mut heard = Vec::new();
        while let Some(message) = self.next().await {
            heard.push(message);
        }
        heard
    }

    /// Ends the TCP connection without a close: with a reset, or else with a FIN.
    ///
    /// # Panics
    ///
    /// Where the socket can't be set to reset.
    pub fn abort(self, reset: bool) {
        if reset {
            self.socket.get_ref().set_zero_linger().expect("a TCP socket");
        }
    }
}

/// What kind of message it is: a text's `type` with the keys of its data, a binary's number.
pub fn kind(message: &Message) -> String {
    match message {
        Message::Text(text) => text_kind(text),
        Message::Binary(payload) => binary_kind(payload),
        Message::Ping(_) => "ping".to_owned(),
        Message::Pong(_) => "pong".to_owned(),
        Message::Close(frame) => format!("close {}", frame.as_ref().map_or(1005, |frame| frame.code.into())),
        Message::Frame(_) => "frame".to_owned(),
    }
}

/// A text message's `type` with the keys of its data in their order; the end of a prompt is `executing null`.
pub fn text_kind(text: &str) -> String {
    let message: Value = serde_json::from_str(text).unwrap_or_default();
    let name = message["type"].as_str().unwrap_or("no type");
    if name == "executing" && message["data"]["node"].is_null() {
        return "executing null".to_owned();
    }
    let keys: Vec<&str> = message["data"].as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    format!("{name}({})", keys.join(","))
}

/// A binary message's number.
pub fn binary_kind(payload: &[u8]) -> String {
    let number = payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    number.map_or_else(|| "binary".to_owned(), |number| format!("binary {number}"))
}

/// A response to a request over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where it's none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Makes a request over HTTP, on a connection of its own.
///
/// # Panics
///
/// Where the server doesn't answer.
pub async fn http(server: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let stream = TcpStream::connect(server).await.expect("the server listens");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a connection");
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).expect("a method"))
        .uri(path)
        .header(header::HOST, server.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
    let exchange = async {
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = if status == 101 { Bytes::new() } else { response.collect().await.expect("a body").to_bytes() };
        Answer { status, text: String::from_utf8_lossy(&body).into_owned() }
    };
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // A server that closes behind its answer ends the connection first.
        _ = connection => exchange.await,
    }
}

/// Sends a JSON body by POST.
///
/// # Panics
///
/// Where the server doesn't answer.
pub async fn post(server: SocketAddr, path: &str, body: &Value) -> Answer {
    http(server, "POST", path, &[], &body.to_string()).await
}

/// A GET.
///
/// # Panics
///
/// Where the server doesn't answer.
pub async fn get(server: SocketAddr, path: &str) -> Answer {
    http(server, "GET", path, &[], "").await
}
