use std::time::Duration;

use comfyglow_core::{
    progress::Smooth,
    state::Percentage,
    time::{self as core_time, Instant},
};
use tokio::time;

use super::{
    closed::Closed,
    watch::{Progress, Watch},
};

/// How long a frame stands: 60 a second.
const FRAME: Duration = Duration::from_micros(16_667);

/// Changes that follow one another faster than this need no smoothing.
const FLOOD: Duration = Duration::from_micros(2 * 16_667);

/// The clock's epoch lies so far back: a bar that began to move then has arrived.
const AT_REST: core_time::Duration = core_time::Duration::from_secs(1);

/// A frame to paint.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// What is known.
    pub progress: Progress,
    /// The percentage as a bar is to show it, 0.0 to 100.0: on its way to the true one, never ahead of it, and never
    /// falling within a prompt. `None` where none is known.
    pub shown: Option<f64>,
}

/// Frames of a bar that moves smoothly, at most 60 a second, and none while nothing moves.
///
/// Where changes come as fast as frames there is nothing to smooth: then the bar shows what was true a frame ago at most.
#[derive(Debug)]
pub struct Animated {
    watch: Watch<Option<Progress>>,
    start: time::Instant,
    smooth: Smooth,
    last: Option<Progress>,
    /// The percentage that the bar is on its way to, and where it was painted.
    truth: Percentage,
    shown: Percentage,
    /// When the percentage last changed.
    changed: Option<time::Instant>,
    /// When the last frame was painted.
    painted: Option<time::Instant>,
    /// Something is known that no frame shows yet.
    is_due: bool,
    ended: Option<Closed>,
}

impl Animated {
    pub(super) fn new(watch: Watch<Option<Progress>>) -> Self {
        Self {
            watch,
            start: time::Instant::now(),
            smooth: Smooth::new(),
            last: None,
            truth: Percentage::ZERO,
            shown: Percentage::ZERO,
            changed: None,
            painted: None,
            is_due: false,
            ended: None,
        }
    }

    /// Waits until the next frame is to be painted: at the earliest a 60th of a second after the one before, and once
    /// something moves.
    ///
    /// # Errors
    ///
    /// Once the client has ended and the last frame was told.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Frame, Closed> {
        loop {
            if !self.is_due && self.shown == self.truth {
                if let Some(reason) = &self.ended {
                    return Err(reason.clone());
                }
                match self.watch.changed().await {
                    Ok(progress) => self.take(progress),
                    Err(reason) => self.ended = Some(reason),
                }
                continue;
            }
            if let Some(painted) = self.painted {
                time::sleep_until(painted + FRAME).await;
            }
            if let Some(progress) = self.watch.news() {
                self.take(progress);
            }
            let now = time::Instant::now();
            self.is_due = false;
            self.painted = Some(now);
            self.shown = self.smooth.at(self.clock(now));
            if let Some(progress) = self.last.clone() {
                let shown = progress.percentage.map(|_| f64::from(self.shown.millionths()) / 1e6);
                return Ok(Frame { progress, shown });
            }
        }
    }

    fn take(&mut self, progress: Option<Progress>) {
        self.is_due = true;
        let now = time::Instant::now();
        let truth = progress.as_ref().and_then(|progress| progress.percentage).map(percentage).unwrap_or_default();
        let id = |progress: &Option<Progress>| progress.as_ref().and_then(|progress| progress.prompt_id.clone());
        if id(&progress) != id(&self.last) {
            self.smooth = Smooth::new();
            self.shown = Percentage::ZERO;
            self.truth = Percentage::ZERO;
            self.changed = None;
        }
        self.last = progress;
        if truth == self.truth {
            return;
        }
        if self.changed.is_some_and(|changed| now - changed < FLOOD) {
            self.smooth = Smooth::new();
            self.smooth.set(Instant::ZERO, truth);
        } else {
            self.smooth.set(self.clock(now), truth);
        }
        self.truth = truth;
        self.changed = Some(now);
    }

    fn clock(&self, now: time::Instant) -> Instant {
        let since = u64::try_from((now - self.start).as_micros()).unwrap_or(u64::MAX);
        Instant::ZERO.saturating_add(AT_REST).saturating_add(core_time::Duration::from_micros(since))
    }
}

fn percentage(percentage: f64) -> Percentage {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is 0 to 100, and any else is clamped"
    )]
    Percentage::from_millionths((percentage * 1e6).round() as u32)
}
