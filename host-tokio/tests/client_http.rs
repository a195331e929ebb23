//! Requests whose answers are lost, late, wrong or somebody else's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use comfyglow::client::{Http, Interrupted, Submission, SubmitError};
use comfyglow_core::state::{Blame, FaultKind, PromptState};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What becomes of a submission.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is queued, and the answer lost.
    Queued,
    /// It has run by the time that somebody asks, and the answer was lost.
    Done,
    /// Neither it nor the answer arrives.
    Lost,
    /// An answer of this status instead.
    Answer(u16),
}

#[derive(Clone)]
struct Server {
    fate: Fate,
    submitted: Arc<AtomicUsize>,
    id: Arc<std::sync::Mutex<String>>,
}

/// A response whose connection breaks before it has begun.
fn nothing() -> Response {
    let broken = axum::body::Body::from_stream(futures_util::stream::once(async {
        Err::<Vec<u8>, std::io::Error>(std::io::ErrorKind::ConnectionReset.into())
    }));
    (StatusCode::OK, broken).into_response()
}

async fn submit(State(server): State<Server>, body: String) -> Response {
    server.submitted.fetch_add(1, Ordering::SeqCst);
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    body["prompt_id"].as_str().unwrap_or_default().clone_into(&mut server.id.lock().expect("nobody panics"));
    match server.fate {
        Fate::Answer(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [("location", "/elsewhere")], "<html>\nnot today\n").into_response()
        }
        _ => nothing(),
    }
}

async fn queue(State(server): State<Server>) -> String {
    let id = server.id.lock().expect("nobody panics").clone();
    let running = if server.fate == Fate::Queued { json!([[7, id, {"1": {}}, {}, []]]) } else { json!([]) };
    json!({"queue_running": running, "queue_pending": []}).to_string()
}

async fn history(State(server): State<Server>, Path(id): Path<String>) -> String {
    let entry = json!({"prompt": [3, id], "outputs": {}, "status": {"status_str": "success", "messages": []}});
    if server.fate == Fate::Done { json!({id: entry}).to_string() } else { "{}".to_owned() }
}

/// Submits to a server with this fate; what came of it, and how often something was submitted.
async fn submitted(fate: Fate) -> (Result<Option<f64>, SubmitError>, usize, String) {
    let server = Server { fate, submitted: Arc::default(), id: Arc::default() };
    let router = Router::new()
        .route("/comfy/prompt", post(submit))
        .route("/comfy/queue", get(queue))
        .route("/comfy/history/{id}", get(history))
        .with_state(server.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/comfy/", listener.local_addr().expect("it has an address"));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let http = Http::new(url.parse().expect("an address"), &[], Duration::from_mins(1));
    let submission = Submission::new(&json!({"1": {"class_type": "A", "inputs": {}}}), "me").expect("a workflow");
    let result = http.submit(&submission).await;
    serving.abort();
    let result = result.map(|submitted| {
        assert_eq!(submitted.prompt_id, submission.prompt_id());
        submitted.number
    });
    (result, server.submitted.load(Ordering::SeqCst), submission.prompt_id().to_owned())
}

#[tokio::test]
async fn a_lost_answer_is_made_up_for_and_nothing_is_submitted_twice() {
    assert_eq!(submitted(Fate::Queued).await.0, Ok(Some(7.0)));
    let (result, times, _) = submitted(Fate::Done).await;
    assert_eq!((result, times), (Ok(Some(3.0)), 1));
    let (result, times, id) = submitted(Fate::Lost).await;
    let error = result.expect_err("nobody knows of it");
    assert!(matches!(&error, SubmitError::Unanswered { prompt_id, .. } if *prompt_id == id), "{error:?}");
    assert!(error.to_string().contains("it may be queued") && error.to_string().contains(&id), "{error}");
    assert_eq!(times, 1);
}

#[tokio::test]
async fn refusals_are_no_riddles_and_redirects_are_not_followed() {
    for (status, whose, said) in [
        (401, Blame::Config, "requires a login"),
        (403, Blame::Config, "refuses this client"),
        (404, Blame::Config, "no ComfyUI at this path"),
        (307, Blame::Config, "redirects to another address"),
        (429, Blame::Server, "too many requests"),
    ] {
        let (result, times, _) = submitted(Fate::Answer(status)).await;
        let Err(SubmitError::Request(error)) = result else { panic!("{status}: {result:?}") };
        assert_eq!((error.fault().kind, error.blame(), times), (FaultKind::Refused(status), whose, 1));
        let text = error.to_string();
        assert!(text.contains(said) && text.contains("not today"), "{text}");
    }
    // What a proxy answers says nothing of what became of the request.
    let (result, ..) = submitted(Fate::Answer(504)).await;
    assert!(matches!(result, Err(SubmitError::Unanswered { .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let http = Http::new(url.parse().expect("an address"), &[], Duration::from_secs(30));
    let error = http.queue().await.expect_err("nobody answers");
    assert_eq!(error.fault().kind, FaultKind::TimedOut);
}

#[tokio::test]
async fn headers_and_query_go_with_each_request() {
    async fn seen(uri: Uri, headers: HeaderMap) -> String {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!(uri.path_and_query().map(ToString::to_string).as_deref(), Some("/a/queue?token=t"));
        assert_eq!((text("authorization"), text("x-key")), ("Basic YW5uOnB3".to_owned(), "k".to_owned()));
        assert!(text("host").starts_with("127.0.0.1:"));
        assert!(headers.get("origin").is_none());
        json!({"queue_running": [], "queue_pending": [
            [5, "late", {}, {}, []], [-1, "front", {"1": {}, "2": {}}, {"client_id": "c"}, []]
        ]})
        .to_string()
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://ann:pw@{}/a?token=t", listener.local_addr().expect("it has an address"));
    let router = Router::new().route("/a/queue", get(seen));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let own = [("X-Key".to_owned(), "k".to_owned())];
    let http = Http::new(url.parse().expect("an address"), &own, Duration::from_mins(1));
    let queue = http.queue().await.expect("it answers");
    let pending: Vec<_> = queue.pending.iter().map(|prompt| (prompt.prompt_id.as_str(), prompt.nodes)).collect();
    assert_eq!(pending, [("front", 2), ("late", 0)]);
    assert_eq!(http.interrupt("nobody's").await, Ok(Interrupted::Nothing));
    serving.abort();
}

/// As ComfyUI writes it down where somebody interrupted.
#[tokio::test]
async fn an_interruption_is_no_error() {
    async fn history(Path(id): Path<String>) -> String {
        let messages = json!([["execution_start", {}], ["execution_interrupted", {}]]);
        json!({id: {"prompt": [3], "outputs": {}, "status": {"status_str": "error", "messages": messages}}}).to_string()
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let serving =
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/history/{id}", get(history))).await });
    let http = Http::new(url.parse().expect("an address"), &[], Duration::from_mins(1));
    let outcome = http.outcome("p").await.expect("it answers").expect("it is known");
    assert_eq!(outcome.state, PromptState::Interrupted);
    serving.abort();
}
