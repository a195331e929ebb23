//! How time passes for the nodes, and when there is nothing left to happen.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::watch;

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

#[derive(Clone, Copy, Debug)]
struct State {
    worker: Worker,
    /// The steps that were allowed, and those that were made.
    allowed: usize,
    made: usize,
}

/// The pace of the worker that runs the prompts.
#[derive(Debug)]
pub(super) struct Pace {
    mode: Mode,
    /// How much time has passed for the nodes, in microseconds.
    passed: AtomicU64,
    state: watch::Sender<State>,
}

impl Pace {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            passed: AtomicU64::new(0),
            state: watch::Sender::new(State { worker: Worker::Busy, allowed: 0, made: 0 }),
        }
    }

    /// How many milliseconds of work have passed in all, however fast.
    #[expect(clippy::cast_precision_loss, reason = "it is centuries until that matters")]
    pub(super) fn passed_ms(&self) -> f64 {
        self.passed.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// Lets `ms` milliseconds of a node's work pass.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    pub(super) async fn wait(&self, ms: f64) {
        self.passed.fetch_add((ms * 1000.0) as u64, Ordering::Relaxed);
        match self.mode {
            Mode::Speed(speed) => match Duration::try_from_secs_f64(ms / 1000.0 / speed) {
                Ok(duration) if !duration.is_zero() => tokio::time::sleep(duration).await,
                // Others get their turn, so that an interruption comes in even at full speed.
                _ => tokio::task::yield_now().await,
            },
            Mode::Stepped => {
                self.set(Worker::Waiting);
                // An error would mean that the sender is gone, which `self` holds.
                let _ = self.state.subscribe().wait_for(|state| state.allowed > state.made).await;
                self.state.send_modify(|state| {
                    state.made += 1;
                    state.worker = Worker::Busy;
                });
            }
        }
    }

    /// Allows the next `steps` waits.
    pub(super) fn allow(&self, steps: usize) {
        self.state.send_modify(|state| state.allowed += steps);
    }

    /// Waits without a prompt until `work` comes.
    pub(super) async fn idle(&self, work: impl Future<Output = ()>) {
        self.set(Worker::Idle);
        work.await;
        self.set(Worker::Busy);
    }

    fn set(&self, worker: Worker) {
        self.state.send_modify(|state| state.worker = worker);
    }

    /// Waits until the worker waits for a step, or for a prompt where `queue_is_empty`, and everything it sent has
    /// passed `flush`.
    pub(super) async fn settled(&self, queue_is_empty: impl Fn() -> bool, flush: impl AsyncFn()) {
        let mut states = self.state.subscribe();
        let is_still = |state: State| match state.worker {
            Worker::Busy => false,
            Worker::Waiting => state.allowed == state.made,
            Worker::Idle => queue_is_empty(),
        };
        loop {
            let state = *states.borrow_and_update();
            if is_still(state) {
                flush().await;
                if !states.has_changed().unwrap_or(false) && is_still(state) {
                    return;
                }
            } else if states.changed().await.is_err() {
                return;
            }
        }
    }
}
