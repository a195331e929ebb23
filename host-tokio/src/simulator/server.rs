//! The TCP side: connections, the routes, and which requests a browser may not make.

use std::{io, net::SocketAddr, pin::pin, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use hyper::service::{Service as _, service_fn};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
};
use url::Url;

use super::{
    Options, faults, http, info, jobs,
    state::{Shared, Task},
    websocket,
    wire::Wire,
};

/// The largest request body, as ComfyUI has it.
const BODY_LIMIT: usize = 100 * 1024 * 1024;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Takes `address`, where nobody listens yet; `send_buffer`: the kernel's buffer of each connection, in bytes.
pub(super) fn bind(address: SocketAddr, send_buffer: Option<u32>) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = send_buffer {
        // Accepted connections inherit it.
        socket.set_send_buffer_size(bytes)?;
    }
    socket.bind(address)?;
    Ok(socket)
}

/// Where connections come in, for as long as somebody listens.
pub(super) struct Door {
    state: DoorState,
    refusing: watch::Receiver<bool>,
    send_buffer: Option<u32>,
}

enum DoorState {
    Open(TcpListener),
    /// Nobody else gets the address meanwhile.
    Shut(TcpSocket),
}

impl Door {
    /// A door that is open unless it is `refusing`.
    pub(super) fn new(
        socket: TcpSocket,
        mut refusing: watch::Receiver<bool>,
        send_buffer: Option<u32>,
    ) -> io::Result<Self> {
        let is_shut = *refusing.borrow_and_update();
        let state = if is_shut { DoorState::Shut(socket) } else { DoorState::Open(socket.listen(BACKLOG)?) };
        Ok(Self { state, refusing, send_buffer })
    }

    /// A door that stays open.
    pub(super) fn open(socket: TcpSocket) -> io::Result<Self> {
        Self::new(socket, watch::Sender::new(false).subscribe(), None)
    }

    /// The next connection. The future may be dropped at any time.
    async fn accept(&mut self) -> io::Result<TcpStream> {
        loop {
            match &self.state {
                DoorState::Open(listener) => tokio::select! {
                    biased;
                    Ok(()) = self.refusing.changed() => {}
                    accepted = listener.accept() => return accepted.map(|(stream, _)| stream),
                },
                DoorState::Shut(_) => {
                    if self.refusing.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
            self.turn()?;
        }
    }

    /// Opens or shuts it, as is wanted.
    fn turn(&mut self) -> io::Result<()> {
        let is_shut = *self.refusing.borrow_and_update();
        let address = match &self.state {
            DoorState::Open(listener) if is_shut => listener.local_addr()?,
            DoorState::Shut(socket) if !is_shut => socket.local_addr()?,
            _ => return Ok(()),
        };
        // The address is free only once who has it is gone, and a new one takes it up.
        self.state = DoorState::Shut(TcpSocket::new_v4()?);
        let socket = bind(address, self.send_buffer)?;
        self.state = if is_shut { DoorState::Shut(socket) } else { DoorState::Open(socket.listen(BACKLOG)?) };
        Ok(())
    }
}

/// Serves connections and runs the tasks that come, until it's dropped and they all end with it.
pub(super) async fn run(mut door: Door, router: Router, mut new_tasks: mpsc::UnboundedReceiver<Task>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            Some(task) = new_tasks.recv() => {
                tasks.spawn(task);
            }
            accepted = door.accept() => match accepted {
                Ok(stream) => {
                    tasks.spawn(serve(stream, router.clone()));
                }
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    // Small messages are to go out at once; where it can't be set, they come somewhat later.
    let _ = stream.set_nodelay(true);
    let wire = Wire::new(stream);
    let ailment = wire.ailment();
    let service = TowerToHyperService::new(router);
    let connection = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(
            TokioIo::new(wire),
            service_fn(|mut request| {
                request.extensions_mut().insert(ailment.clone());
                service.call(request)
            }),
        )
        .with_upgrades();
    // What is wrong with a connection concerns only its peer, who sees it end.
    let _ = pin!(connection).await;
}

/// All routes, each under `/api` as well, but `/jobs`, which is only there.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let version = shared.options.version;
    let mut api = routes(&shared.options);
    if version.jobs() {
        api = api
            .route("/jobs", get(jobs::list))
            .route("/jobs/cancel", post(jobs::cancel_many))
            .route("/jobs/{id}", get(jobs::one))
            .route("/jobs/{id}/cancel", post(jobs::cancel_one));
    }
    let router = routes(&shared.options)
        .nest("/api", api)
        .fallback(async || not_found())
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed"))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(shared.clone(), faults::play));
    guarded(router.with_state(shared))
}

/// The routes, refusing what a foreign page in a browser would send.
pub(super) fn guarded(router: Router) -> Router {
    router.layer(middleware::from_fn(guard))
}

/// The answer to a path that isn't there.
pub(super) fn not_found() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/octet-stream")], "")
}

fn routes(options: &Options) -> Router<Arc<Shared>> {
    let mut routes = Router::new()
        .route("/ws", get(websocket::upgrade))
        .route("/prompt", get(http::get_prompt).post(http::post_prompt))
        .route("/queue", get(http::get_queue).post(http::post_queue))
        .route("/history", get(http::get_history).post(http::post_history))
        .route("/history/{id}", get(http::get_history_of))
        .route("/interrupt", post(http::post_interrupt))
        .route("/free", post(http::post_free))
        .route("/system_stats", get(info::system_stats))
        .route("/object_info", get(info::object_info))
        .route("/object_info/{class}", get(info::object_info_of))
        .route("/embeddings", get(info::embeddings))
        .route("/internal/logs", get(info::logs));
    if options.log_route && options.version.log_route() {
        routes = routes
            .route("/internal/logs/raw", get(info::logs_raw))
            .route("/internal/logs/subscribe", patch(info::subscribe_logs));
    }
    if options.version.progress_state() {
        routes = routes.route("/features", get(info::features));
    }
    if options.extension {
        routes = routes.route("/comfyglow", get(info::extension));
    }
    routes
}

/// Refuses what a foreign page in a browser would send, and signs the responses.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = if is_foreign(request.headers()) {
        StatusCode::FORBIDDEN.into_response()
    } else if request.method() == Method::OPTIONS {
        StatusCode::OK.into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("Python/3.11 aiohttp/3.14.5"));
    response
}

/// ComfyUI's check against pages of other sites: it looks at the origin only where the server is a loopback address.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site") == Some("cross-site") {
        return true;
    }
    let (Some(host), Some(origin)) = (text("host"), text("origin")) else { return false };
    let (Ok(host), Ok(origin)) = (Url::parse(&format!("http://{host}")), Url::parse(origin)) else { return false };
    let loopback = match host.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    // A port that one of them doesn't tell isn't compared.
    let same_port = host.port().zip(origin.port()).is_none_or(|(host, origin)| host == origin);
    loopback && origin.host().is_some() && !(host.host() == origin.host() && same_port)
}
