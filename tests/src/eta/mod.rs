//! How far the time left is off: at a quarter, half and three quarters of a run, as a part of the run's length.

#[cfg(feature = "host")]
mod recorded;
mod simulated;

#[cfg(feature = "host")]
pub use recorded::recorded;
pub use simulated::{Pair, simulated};

use comfyglow_core::{
    capacity::DesktopCapacity,
    session::{Config, Host, Link},
    text::Id,
    time::{Duration, Instant},
    wire::{Input, Output, Wire},
};

use crate::ServerMessage;

/// Where a run is asked how long it will take: hundredths of its length.
pub const ASKED_AT: [u64; 3] = [25, 50, 75];

/// A prompt's run that ended in success: its graph, and what was heard of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it shows.
    pub name: String,
    /// Its prompt's id.
    pub prompt_id: String,
    /// Ids and classes of the graph's nodes.
    pub graph: Vec<(String, String)>,
    /// The messages from `execution_start` to `execution_success`, each with its time in microseconds from the first.
    pub heard: Vec<(u64, ServerMessage)>,
}

impl Run {
    /// How long it took, in microseconds.
    pub fn length(&self) -> u64 {
        self.heard.last().map_or(0, |(at, _)| *at)
    }
}

/// How far off each answer was, as a part of the run's length; `None` where there was none.
pub type Errors = [Option<f64>; ASKED_AT.len()];

/// A client that hears one run after the other.
struct Listener {
    session: Box<Wire<'static, DesktopCapacity>>,
    now: Instant,
}

impl Listener {
    fn new() -> Self {
        let config = Config::attached();
        let mut session = Box::new(Wire::<DesktopCapacity>::new(config, 0));
        session.attach(Instant::ZERO);
        Self { session, now: Instant::ZERO }
    }

    /// Hears a run and tells what was answered.
    fn hear(&mut self, run: &Run) -> Errors {
        // A pause before, as a person's.
        let start = self.now.saturating_add(Duration::from_secs(5));
        let mut asked = ASKED_AT.into_iter().enumerate().peekable();
        let mut errors = Errors::default();
        for (at, wire) in &run.heard {
            while let Some((n, percent)) = asked.next_if(|(_, percent)| run.length() * percent / 100 < *at) {
                let passed = run.length() * percent / 100;
                let left = run.length() - passed;
                let eta = self.session.state().eta(start.saturating_add(Duration::from_micros(passed)));
                #[expect(clippy::cast_precision_loss, reason = "a part of a whole")]
                let part = |micros: u64| micros as f64 / run.length() as f64;
                errors[n] = eta.map(|eta| part(eta.as_micros().abs_diff(left)));
            }
            self.now = start.saturating_add(Duration::from_micros(*at));
            self.session.handle_input(self.now, Input::Bytes(Link::Socket, &crate::frame(wire)));
            self.tell_graph(run);
            while !matches!(self.session.poll_output(self.now), Output::Sleep(_)) {}
        }
        errors
    }

    /// Hears a run and tells by how much the time left jumps at a message, at most, in microseconds.
    fn worst_jump(&mut self, run: &Run) -> u64 {
        let start = self.now.saturating_add(Duration::from_secs(5));
        let mut worst = 0;
        for (at, wire) in &run.heard {
            self.now = start.saturating_add(Duration::from_micros(*at));
            let before = self.session.state().eta(self.now);
            self.session.handle_input(self.now, Input::Bytes(Link::Socket, &crate::frame(wire)));
            self.tell_graph(run);
            if let (Some(before), Some(after)) = (before, self.session.state().eta(self.now)) {
                worst = worst.max(before.as_micros().abs_diff(after.as_micros()));
            }
        }
        worst
    }

    /// Tells the graph once the run's prompt has begun, as the answer to `GET /queue` does.
    fn tell_graph(&mut self, run: &Run) {
        let prompt_id = Id::from(run.prompt_id.as_str());
        let begun = self.session.state().prompt().filter(|prompt| prompt.nodes_total().is_none());
        if begun.and_then(|prompt| prompt.prompt_id()).map(Id::from) != Some(prompt_id) {
            return;
        }
        for (node, class) in &run.graph {
            self.session.handle_input(
                self.now,
                Input::Host(Host::GraphNode { prompt_id, node: Id::from(node.as_str()), class }),
            );
        }
        let nodes = u32::try_from(run.graph.len()).expect("graphs are small");
        self.session.handle_input(self.now, Input::Host(Host::Graph { prompt_id, nodes }));
    }
}

/// How far off the time left of `run` is where the runs `before` were heard: with none it is the linear estimate, as
/// nothing was learned.
pub fn errors(before: &[&Run], run: &Run) -> Errors {
    let mut listener = Listener::new();
    for before in before {
        listener.hear(before);
    }
    listener.hear(run)
}

/// By how much the time left of `run` jumps at one message, as a part of the run's length, where the runs `before` were
/// heard.
pub fn worst_jump(before: &[&Run], run: &Run) -> f64 {
    let mut listener = Listener::new();
    for before in before {
        listener.hear(before);
    }
    #[expect(clippy::cast_precision_loss, reason = "a part of a whole")]
    let part = |micros: u64| micros as f64 / run.length() as f64;
    part(listener.worst_jump(run))
}

/// The median and the worst of the errors, in percent, and how many there are; `None` where there are none.
pub fn summary(errors: impl IntoIterator<Item = Option<f64>>) -> Option<(f64, f64, usize)> {
    let mut errors: Vec<f64> = errors.into_iter().flatten().collect();
    errors.sort_by(f64::total_cmp);
    let (median, worst) = (errors.get(errors.len() / 2)?, errors.last()?);
    Some((median * 100.0, worst * 100.0, errors.len()))
}
