//! A ComfyUI server without the pictures: the same events, in the same order, to the same receivers, and the same HTTP
//! endpoints, for tests, demonstrations and other people's clients.
//!
//! It behaves as ComfyUI 0.33 was measured to, mistakes included: of two sockets with one `clientId` the older falls
//! silent, and when it closes, the newer goes deaf; a reader who stops reading holds up everyone; a prompt without a
//! client is told to all, but not all of it. [`Builder::version`] chooses an older release.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use comfyglow::simulator::Simulator;
//! use serde_json::json;
//!
//! let simulator = Simulator::builder().speed(f64::INFINITY).start().await?;
//! // A client connects to simulator.url(), then:
//! let graph = json!({
//!     "1": {"class_type": "SomeSampler", "inputs": {"sim_steps": 20, "sim_ms": 250}},
//!     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "picture"}},
//! });
//! if let Err(refusal) = simulator.submit(&json!({"prompt": graph, "client_id": "me"})) {
//!     println!("{refusal}");
//! }
//! simulator.settled().await;
//! simulator.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Workflows
//!
//! They are given in the API format, and any class runs. What a node does is read off its class and inputs: one whose
//! class contains `Sampler` takes `steps` steps with a bar in the log, any other with a whole number `steps` takes steps
//! without; `Save…` saves an image, `Preview…` a temporary one. On top, any node takes these inputs:
//!
//! | input | meaning |
//! |---|---|
//! | `sim_ms` | how long the node takes, or each of its steps, in milliseconds |
//! | `sim_steps` | it takes so many steps |
//! | `sim_error` | it fails with this message (`sim_error_type`: the exception's name; `sim_error_at`: with this step) |
//! | `sim_blocked` | what it gives is blocked with this message, so that who takes it doesn't run; empty: silently |
//! | `sim_expand` | it expands to so many nodes of `steps` steps |
//! | `sim_text` | it shows this text, or each of a list of texts |
//! | `sim_images` | it gives so many images as its output |
//! | `sim_output` | it gives this as its output |
//! | `sim_bytes` | its output, and each of its previews, has at least so many bytes |
//! | `sim_bar` | its steps are drawn to the log as a sampler's are, with this before the bar |
//! | `sim_nested` | each of its steps that are drawn has so many parts, of `sim_ms` together, with a bar below the first |
//! | `sim_download` | it downloads this file first, in eight parts of `sim_ms`; of `sim_bytes` bytes, or 2.66 GB |
//! | `sim_log` | it writes this to the log first: a text, or a list of texts and of lists of texts that come together |
//! | `sim_noise` | with `true`, other things are written between its steps, and its bar comes in pieces |

mod executor;
mod fault;
mod faults;
mod frames;
mod graph;
mod http;
mod images;
mod info;
mod jobs;
mod logs;
mod messages;
mod nodes;
mod observers;
mod pace;
pub mod playback;
mod progress;
mod prompt_queue;
mod publish;
mod python_json;
mod server;
mod sockets;
mod state;
mod submit;
mod validate;
mod version;
mod websocket;
mod wire;
mod work;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle};

pub use self::{
    fault::{Fault, ParseFaultError},
    publish::Recipients,
    version::{ParseVersionError, Version},
};
use self::{pace::Mode, server::Door, state::Shared};
use crate::recording::Frame;

/// What a simulator is told before it starts.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct Options {
    listen: SocketAddr,
    version: Version,
    pace: Mode,
    seed: Option<u64>,
    node_ms: f64,
    step_ms: f64,
    previews: bool,
    stock_nodes_only: bool,
    observer_mirror: Option<String>,
    extension: bool,
    terminal_columns: Option<usize>,
    log_route: bool,
    send_buffer: Option<u32>,
    faults: Vec<Fault>,
}

/// Sets up a [`Simulator`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder(Options);

impl Default for Builder {
    fn default() -> Self {
        Self(Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            version: Version::REFERENCE,
            pace: Mode::Speed(1.0),
            seed: None,
            node_ms: 30.0,
            step_ms: 250.0,
            previews: false,
            stock_nodes_only: false,
            observer_mirror: None,
            extension: false,
            terminal_columns: None,
            log_route: true,
            send_buffer: None,
            faults: Vec::new(),
        })
    }
}

impl Builder {
    /// Where to listen; by default a free port of 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.0.listen = address;
        self
    }

    /// The ComfyUI release to be; by default [`Version::REFERENCE`].
    pub fn version(mut self, version: Version) -> Self {
        self.0.version = version;
        self
    }

    /// How many times as fast as real time the nodes work, more than 0; `f64::INFINITY`: without any waiting.
    pub fn speed(mut self, speed: f64) -> Self {
        self.0.pace = Mode::Speed(if speed > 0.0 { speed } else { f64::INFINITY });
        self
    }

    /// The nodes work only as far as [`Simulator::step`] lets them: for tests that need to know when is when.
    pub fn stepped(mut self) -> Self {
        self.0.pace = Mode::Stepped;
        self
    }

    /// Makes ids, names and durations the same in every run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = Some(seed);
        self
    }

    /// How long a node takes that says nothing about it, in milliseconds, about; loaders take ten times as long.
    pub fn node_ms(mut self, ms: f64) -> Self {
        self.0.node_ms = ms;
        self
    }

    /// How long a step takes of a node that says nothing about it, in milliseconds, about.
    pub fn step_ms(mut self, ms: f64) -> Self {
        self.0.step_ms = ms;
        self
    }

    /// Whether samplers send previews where a prompt's `extra_data.preview_method` doesn't say.
    pub fn previews(mut self, previews: bool) -> Self {
        self.0.previews = previews;
        self
    }

    /// Only ComfyUI's own nodes are there, as far as the simulator knows them, and the input folder holds nothing but
    /// `example.png`. By default any class runs, and any file is there.
    pub fn stock_nodes_only(mut self, only: bool) -> Self {
        self.0.stock_nodes_only = only;
        self
    }

    /// Behaves like a server with a custom node that copies the events to one client to those whose `clientId` starts
    /// with `prefix`, and that gives prompts without a client one.
    pub fn observer_mirror(mut self, prefix: impl Into<String>) -> Self {
        self.0.observer_mirror = Some(prefix.into());
        self
    }

    /// Whether comfyglow's own extension for ComfyUI, `comfyui-node`, is installed: clients whose `clientId` begins with
    /// `comfyglow-` and that submit nothing are told what submitters are told, previews only with `comfyglow-previews-`,
    /// each from a queue of its own that holds nobody up; and `GET /comfyglow` tells of it. By default it is not.
    pub fn extension(mut self, installed: bool) -> Self {
        self.0.extension = installed;
        self
    }

    /// The width of the terminal that the server runs in, which its progress bars fill. By default it runs in none, and
    /// the bars are ten characters wide.
    pub fn terminal_columns(mut self, columns: u16) -> Self {
        self.0.terminal_columns = Some(columns.into());
        self
    }

    /// Whether the log can be subscribed to; without, `/internal/logs/subscribe` answers 404, as servers before November
    /// 2024 and some proxies do. By default it can, where the [version](Self::version) has it.
    pub fn log_route(mut self, there: bool) -> Self {
        self.0.log_route = there;
        self
    }

    /// The kernel's send buffer of each connection, in bytes, which decides how long a reader can stall unnoticed. By
    /// default the kernel's own choice.
    pub fn send_buffer(mut self, bytes: u32) -> Self {
        self.0.send_buffer = Some(bytes);
        self
    }

    /// Has a fault from the start; may be called again for more of them.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.0.faults.push(fault);
        self
    }

    /// Starts the simulator.
    ///
    /// # Errors
    ///
    /// Where its address can't be listened on.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and says so")]
    pub async fn start(self) -> io::Result<Simulator> {
        let socket = server::bind(self.0.listen, self.0.send_buffer)?;
        let address = socket.local_addr()?;
        let (tasks, new_tasks) = mpsc::unbounded_channel();
        let (publisher, publishing) = publish::queue(self.0.observer_mirror.clone());
        let (restarts, asked) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(self.0, publisher, tasks, restarts));
        for fault in shared.options.faults.clone() {
            shared.add_fault(fault);
        }
        shared.spawn(publishing.run(shared.sockets.clone()));
        shared.spawn(executor::run(shared.clone(), asked));
        let router = server::router(shared.clone());
        let door = Door::new(socket, shared.faults.refusing(), shared.options.send_buffer)?;
        let main = tokio::spawn(server::run(door, router, new_tasks));
        Ok(Simulator { address, shared, main })
    }
}

/// A running simulator. Dropping it ends it: its connections end without a close frame, as a real server's do.
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    main: JoinHandle<()>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A prompt that was refused: the body of the response, with `error` and `node_errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal(pub Value);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = &self.0["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        write!(f, "the prompt was refused: {} ({})", text("message"), text("type"))
    }
}

impl std::error::Error for Refusal {}

impl Simulator {
    /// A simulator to set up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, such as `http://127.0.0.1:8188`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Submits a prompt: `body` is that of `POST /prompt`. The result is the response's `prompt_id`.
    ///
    /// # Errors
    ///
    /// What the server would have answered with the status 400.
    pub fn submit(&self, body: &Value) -> Result<String, Refusal> {
        let response = submit::submit(&self.shared, body).map_err(Refusal)?;
        Ok(response["prompt_id"].as_str().unwrap_or_default().to_owned())
    }

    /// Interrupts the running prompt at its next step.
    pub fn interrupt(&self) {
        self.shared.interrupt(None);
    }

    /// Queues `text` as a text message, whatever it is.
    pub fn deliver_text(&self, to: Recipients, text: &str) {
        self.shared.publisher.text(text, to);
    }

    /// Queues `payload` as a binary message, whatever it is.
    pub fn deliver_binary(&self, to: Recipients, payload: &[u8]) {
        self.shared.publisher.binary(payload, to);
    }

    /// Queues `frame` as it is, right or not: a part of a message, reserved bits, a close or a ping.
    pub fn deliver_frame(&self, to: Recipients, frame: &Frame) {
        self.shared.publisher.raw(frame, to);
    }

    /// Writes to the server's terminal, which those hear who subscribed to the log.
    pub fn log(&self, text: &str) {
        self.shared.logs.print(text);
    }

    /// Queued and running prompts.
    pub fn queue_remaining(&self) -> usize {
        self.shared.queue.remaining()
    }

    /// The node that runs, by its id in the submitted graph, of a prompt that has a client.
    pub fn running_node(&self) -> Option<String> {
        self.shared.running().node.clone()
    }

    /// The ids of the clients that hear something, in order of connecting.
    pub fn clients(&self) -> Vec<String> {
        self.shared.sockets.clients()
    }

    /// Waits until `count` sockets are open, the displaced and the deaf ones too.
    pub async fn wait_for_sockets(&self, count: usize) {
        // An error would mean that the sender is gone, which `self` holds.
        let _ = self.shared.sockets.open().subscribe().wait_for(|open| *open == count).await;
    }

    /// Ends the connection of `client` without a close frame; false where it has none.
    pub fn disconnect(&self, client: &str) -> bool {
        let socket = self.shared.sockets.get(client);
        socket.as_ref().inspect(|socket| socket.end()).is_some()
    }

    /// Lets the nodes of a [stepped](Builder::stepped) simulator pass `steps` more steps; a node without steps is one.
    pub fn step(&self, steps: usize) {
        self.shared.pace.allow(steps);
    }

    /// Waits until nothing more happens by itself: all prompts have ended, or the running one waits for
    /// [`Simulator::step`], and all messages have been sent. While a client doesn't read what was sent to it, they
    /// haven't: large messages are to be read meanwhile.
    pub async fn settled(&self) {
        let shared = &self.shared;
        let flush = async || {
            shared.publisher.flush().await;
            shared.sockets.observers_told().await;
        };
        shared.pace.settled(|| shared.queue.nothing_pending(), flush).await;
    }

    /// Has one fault more from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.add_fault(fault);
    }

    /// Has no faults any more; what they did to connections stays done.
    pub fn mend(&self) {
        self.shared.faults.mend();
    }

    /// Waits until faults have struck `count` times or more in all.
    pub async fn wait_for_strikes(&self, count: usize) {
        // An error would mean that the sender is gone, which `self` holds.
        let _ = self.shared.faults.struck().subscribe().wait_for(|struck| *struck >= count).await;
    }

    /// Begins anew at the same address, as a server that was killed and started again: its connections end without a close
    /// frame, and what was queued, running and done is forgotten.
    pub async fn restart(&self) {
        // An error means that the simulator has ended.
        let _ = self.shared.faults.restart().await;
    }

    /// Ends the simulator, and waits until all its connections have ended.
    pub async fn shutdown(mut self) {
        self.main.abort();
        // It was cancelled, which is what it should be.
        let _ = (&mut self.main).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.main.abort();
    }
}
