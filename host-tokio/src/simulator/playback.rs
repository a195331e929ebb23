//! Plays a recording of a real server to whoever connects, frame for frame.
//!
//! Each client gets the frames of one of the recording's connections from its start, in the recording's time or
//! faster, as they were: with their fragments, reserved bits and opcodes; then the connection ends as it did. Only
//! pongs aren't played, since they answered other pings; a client's own are answered. Over HTTP, `/queue` and
//! `/prompt` tell what was running at the point that the last client has reached; anything else gets the recorded
//! answer to the same request, where there is one.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use super::{
    frames,
    http::Json,
    server::{self, Door},
    sockets::Socket,
    state::Task,
    websocket::{accept, attend},
};
use crate::recording::{Recording, What};

/// Sets up a [`Playback`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    recording: Recording,
    listen: SocketAddr,
    connection: i64,
    speed: f64,
}

impl Builder {
    /// Where to listen; by default a free port of 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Which of the recording's connections to play; by default 0, the first.
    pub fn connection(mut self, connection: i64) -> Self {
        self.connection = connection;
        self
    }

    /// How many times as fast as the recording; 0 or `f64::INFINITY`: everything at once.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = if speed > 0.0 { speed } else { f64::INFINITY };
        self
    }

    /// Starts to serve.
    ///
    /// # Errors
    ///
    /// Where its address can't be listened on, and `InvalidInput` where the recording has no such connection.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and says so")]
    pub async fn start(self) -> io::Result<Playback> {
        let opening = self.recording.rows.iter().find_map(|row| match &row.what {
            What::Open { response, .. } if row.conn == self.connection => Some((row.t_ms, response.clone())),
            _ => None,
        });
        let Some((opened_ms, response)) = opening else {
            let opens = self.recording.rows.iter().filter(|row| matches!(row.what, What::Open { .. })).count();
            let text = format!("the recording has no connection {}; it has {opens}, from 0", self.connection);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        };
        let listener = server::bind(self.listen, None)?;
        let address = listener.local_addr()?;
        let (tasks, new_tasks) = mpsc::unbounded_channel();
        let player = Arc::new(Player {
            graphs: self.recording.graphs().into_iter().collect(),
            recording: self.recording,
            connection: self.connection,
            opened_ms,
            response,
            speed: self.speed,
            position: AtomicUsize::new(0),
            tasks,
        });
        let websocket = get(upgrade);
        let router = Router::new()
            .route("/ws", websocket.clone())
            .route("/api/ws", websocket)
            .fallback(answer)
            .with_state(player);
        let main = tokio::spawn(server::run(Door::open(listener)?, server::guarded(router), new_tasks));
        Ok(Playback { address, main })
    }
}

/// A server that plays a recording. Dropping it ends it.
#[derive(Debug)]
pub struct Playback {
    address: SocketAddr,
    main: JoinHandle<()>,
}

impl Playback {
    /// A playback of `recording` to set up.
    pub fn builder(recording: Recording) -> Builder {
        Builder { recording, listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), connection: 0, speed: 1.0 }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, such as `http://127.0.0.1:8188`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the playback, and waits until all its connections have ended.
    pub async fn shutdown(mut self) {
        self.main.abort();
        // It was cancelled, which is what it should be.
        let _ = (&mut self.main).await;
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        self.main.abort();
    }
}

struct Player {
    recording: Recording,
    graphs: Map<String, Value>,
    connection: i64,
    /// When the connection was opened, in the recording's time.
    opened_ms: f64,
    /// The recorded answer to the handshake.
    response: String,
    speed: f64,
    /// How many of the recording's rows the last client has passed.
    position: AtomicUsize,
    tasks: mpsc::UnboundedSender<Task>,
}

async fn upgrade(State(player): State<Arc<Player>>, mut request: Request) -> Response {
    if let Some(refusal) = player.recorded_refusal() {
        return refusal;
    }
    let upgraded = hyper::upgrade::on(&mut request);
    let mut response = match accept(&request) {
        Ok(response) => response,
        Err(refusal) => return refusal,
    };
    // Compressed frames make sense only to those who asked for them.
    let extensions = player.recorded_header("sec-websocket-extensions").and_then(|v| HeaderValue::from_str(v).ok());
    if let Some(extensions) = extensions
        && request.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS)
    {
        response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, extensions);
    }
    let playing = player.clone();
    let task = async move {
        if let Ok(upgraded) = upgraded.await {
            let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
            let socket = Socket::new(writer, None, None);
            tokio::select! {
                () = attend(&socket, reader) => {}
                () = playing.play(&socket) => {}
            }
            socket.finish().await;
        }
    };
    // When the playback is ending, the task would end at once.
    let _ = player.tasks.send(Box::pin(task));
    response
}

impl Player {
    /// Plays the connection's frames, and completes when it ended; where the recording doesn't tell, never.
    async fn play(&self, socket: &Socket) {
        let start = Instant::now();
        for (index, row) in self.recording.rows.iter().enumerate() {
            if row.conn == self.connection {
                let after_ms = (row.t_ms - self.opened_ms) / self.speed;
                if let Ok(after) = Duration::try_from_secs_f64(after_ms / 1000.0) {
                    tokio::time::sleep_until(start + after).await;
                }
                self.position.store(index + 1, Ordering::Relaxed);
                match &row.what {
                    What::Rx(frame) if frame.opcode != frames::PONG => socket.send(&frames::raw(frame)).await,
                    What::Close(_) => return,
                    _ => {}
                }
            }
        }
        std::future::pending::<()>().await;
    }

    /// The recorded answer to the handshake, where it was no success.
    fn recorded_refusal(&self) -> Option<Response> {
        let status = self.response.split_ascii_whitespace().nth(1)?.parse().ok()?;
        let status = StatusCode::from_u16(status).ok().filter(|status| *status != StatusCode::SWITCHING_PROTOCOLS)?;
        Some(status.into_response())
    }

    fn recorded_header(&self, name: &str) -> Option<&str> {
        let header = |line: &'_ str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        Some(self.response.lines().find(|line| header(line))?.split_once(':')?.1.trim())
    }

    /// The prompts that were submitted and hadn't ended at the position, and the last `queue_remaining`.
    fn queue(&self) -> (Vec<String>, u64) {
        let mut prompts: Vec<String> = Vec::new();
        let mut remaining = 0;
        for row in &self.recording.rows[..self.position.load(Ordering::Relaxed)] {
            let text = match &row.what {
                What::Rx(frame) if frame.opcode == frames::TEXT => std::str::from_utf8(&frame.payload),
                What::Response { method, text, .. } if method == "POST" => Ok(text.as_str()),
                _ => continue,
            };
            let message = text.ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
            let data = message.get("data").unwrap_or(&message);
            if let Some(n) = data["status"]["exec_info"]["queue_remaining"].as_u64() {
                remaining = n;
            }
            let Some(id) = data["prompt_id"].as_str().filter(|id| self.graphs.contains_key(*id)) else { continue };
            let ended = match message["type"].as_str() {
                Some("execution_success" | "execution_error" | "execution_interrupted") => true,
                Some("executing") => data["node"].is_null(),
                _ => false,
            };
            if ended {
                prompts.retain(|prompt| prompt != id);
            } else if !prompts.iter().any(|prompt| prompt == id) {
                prompts.push(id.to_owned());
            }
        }
        (prompts, remaining)
    }

    fn tuple(&self, id: &str) -> Value {
        json!([0, id, self.graphs.get(id), {}, []])
    }

    /// The recorded answer to such a request: the last one before the position, else the first.
    fn recorded(&self, method: &str, path: &str) -> Option<Response> {
        let position = self.position.load(Ordering::Relaxed);
        let responses = self.recording.rows.iter().enumerate().filter_map(|(index, row)| match &row.what {
            What::Response { method: of, path: at, status, content_type, text, .. }
                if of == method && twin(at) == twin(path) =>
            {
                Some((index, status, content_type, text))
            }
            _ => None,
        });
        let (before, after): (Vec<_>, Vec<_>) = responses.partition(|(index, ..)| *index < position);
        let (_, status, content_type, text) = before.last().or(after.first())?;
        let mut response = Response::new(Body::from((*text).clone()));
        *response.status_mut() = StatusCode::from_u16(**status).ok()?;
        if let Some(content_type) = content_type.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        Some(response)
    }
}

/// A path without `/api`, under which it's the same.
fn twin(path: &str) -> &str {
    path.strip_prefix("/api").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

async fn answer(State(player): State<Arc<Player>>, request: Request) -> Response {
    let method = request.method().as_str();
    match (method, twin(request.uri().path())) {
        ("GET", "/queue") => {
            let (prompts, _) = player.queue();
            let mut tuples = prompts.iter().map(|id| player.tuple(id));
            let running: Vec<Value> = tuples.next().into_iter().collect();
            let pending: Vec<Value> = tuples.collect();
            Json(json!({"queue_running": running, "queue_pending": pending})).into_response()
        }
        ("GET", "/prompt") => Json(json!({"exec_info": {"queue_remaining": player.queue().1}})).into_response(),
        _ => {
            let asked = request.uri().path_and_query().map_or("/", |path| path.as_str());
            player.recorded(method, asked).unwrap_or_else(|| server::not_found().into_response())
        }
    }
}
