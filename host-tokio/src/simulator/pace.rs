//! How time passes for the nodes, and when there is nothing left to happen.

use std::time::Duration;

use tokio::sync::{Semaphore, watch};

/// How the nodes' durations pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// The wall clock, so many times as fast; infinite: no waiting at all.
    Speed(f64),
    /// A step of a node takes until it's allowed.
    Stepped,
}

/// What the worker does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Worker {
    Busy,
    /// It waits for a step to be allowed.
    Waiting,
    /// It waits for a prompt.
    Idle,
}

/// The pace of the worker that runs the prompts.
#[derive(Debug)]
pub(super) struct Pace {
    mode: Mode,
    steps: Semaphore,
    worker: watch::Sender<Worker>,
}

impl Pace {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, steps: Semaphore::new(0), worker: watch::Sender::new(Worker::Busy) }
    }

    /// Lets `ms` milliseconds of a node's work pass.
    pub(super) async fn wait(&self, ms: f64) {
        match self.mode {
            Mode::Speed(speed) => match Duration::try_from_secs_f64(ms / 1000.0 / speed) {
                Ok(duration) if !duration.is_zero() => tokio::time::sleep(duration).await,
                // Others get their turn, so that an interruption comes in even at full speed.
                _ => tokio::task::yield_now().await,
            },
            Mode::Stepped => {
                self.worker.send_replace(Worker::Waiting);
                if let Ok(permit) = self.steps.acquire().await {
                    permit.forget();
                }
                self.worker.send_replace(Worker::Busy);
            }
        }
    }

    /// Allows the next `steps` waits.
    pub(super) fn allow(&self, steps: usize) {
        self.steps.add_permits(steps);
    }

    /// Waits without a prompt until `work` comes.
    pub(super) async fn idle(&self, work: impl Future<Output = ()>) {
        self.worker.send_replace(Worker::Idle);
        work.await;
        self.worker.send_replace(Worker::Busy);
    }

    /// Waits until the worker waits for a step, or for a prompt where `queue_is_empty`, and everything it sent has
    /// passed `flush`.
    pub(super) async fn settled<F: Future<Output = ()>>(
        &self,
        queue_is_empty: impl Fn() -> bool,
        flush: impl Fn() -> F,
    ) {
        let mut worker = self.worker.subscribe();
        loop {
            let state = *worker.borrow_and_update();
            let still = match state {
                Worker::Busy => false,
                Worker::Waiting => self.steps.available_permits() == 0,
                Worker::Idle => queue_is_empty(),
            };
            if still {
                flush().await;
                if !worker.has_changed().unwrap_or(false) && (state == Worker::Waiting || queue_is_empty()) {
                    return;
                }
            } else if worker.changed().await.is_err() {
                return;
            }
        }
    }
}
