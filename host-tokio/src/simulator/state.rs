//! What the simulator's parts share.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::sync::mpsc;

use super::{
    Options,
    faults::{Faults, Restart},
    logs::Logs,
    pace::Pace,
    prompt_queue::PromptQueue,
    publish::{Publisher, Recipients},
    sockets::Sockets,
};

/// A task that ends with the simulator.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whose prompt runs, or ran last, and which node.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) client: Recipients,
    pub(super) node: Option<String>,
}

/// What the simulator's parts share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) sockets: Arc<Sockets>,
    pub(super) publisher: Publisher,
    pub(super) queue: PromptQueue,
    pub(super) logs: Logs,
    pub(super) pace: Pace,
    pub(super) faults: Arc<Faults>,
    /// The running prompt is to stop.
    pub(super) interrupted: AtomicBool,
    /// The next prompt's number.
    pub(super) number: AtomicI64,
    /// How many files were saved.
    pub(super) files: AtomicU64,
    running: Mutex<Running>,
    random: Mutex<fastrand::Rng>,
    tasks: mpsc::UnboundedSender<Task>,
}

impl Shared {
    pub(super) fn new(
        options: Options,
        publisher: Publisher,
        tasks: mpsc::UnboundedSender<Task>,
        restarts: mpsc::UnboundedSender<Restart>,
    ) -> Self {
        let sockets = Arc::new(Sockets::new());
        let random = options.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            queue: PromptQueue::new(publisher.clone()),
            logs: Logs::new(publisher.clone(), sockets.clone(), options.version, options.terminal_columns),
            pace: Pace::new(options.pace),
            faults: Arc::new(Faults::new(restarts)),
            options,
            sockets,
            publisher,
            interrupted: AtomicBool::new(false),
            number: AtomicI64::new(0),
            files: AtomicU64::new(0),
            running: Mutex::new(Running { client: Recipients::Nobody, node: None }),
            random: Mutex::new(random),
            tasks,
        }
    }

    /// Runs `task` until it or the simulator ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // When the simulator is ending, the task would end at once.
        let _ = self.tasks.send(Box::pin(task));
    }

    /// Begins anew, as a server does that was killed and started again: its connections end, and it knows nothing any more.
    pub(super) fn forget(&self) {
        self.publisher.forget();
        self.sockets.lose();
        self.queue.forget();
        self.number.store(0, Ordering::Relaxed);
        *self.running() = Running { client: Recipients::Nobody, node: None };
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn random(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A random UUID of version 4, as `uuid4().hex`.
    pub(super) fn hex_id(&self) -> String {
        let bits = self.random().u128(..) & !(0xf << 76) & !(0xc << 60) | (0x4 << 76) | (0x8 << 60);
        format!("{bits:032x}")
    }

    /// A random UUID of version 4 in its usual form.
    pub(super) fn uuid(&self) -> String {
        let hex = self.hex_id();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}

/// Milliseconds since 1970, as ComfyUI's timestamps.
pub(super) fn timestamp() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
