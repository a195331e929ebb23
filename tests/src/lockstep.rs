//! The core beside the model, message by message.

use comfyglow_core::{
    capacity::{Capacity, DesktopCapacity},
    session::{Config, Host, Link},
    text::{Id, Text},
    time::Instant,
    wire::{Input, Output, Wire},
};
use serde_json::Value;

use crate::{ServerMessage, compare, frame, model::Model};

/// The core behind the model's interface.
#[derive(Debug)]
pub struct Core {
    session: Box<Wire<'static, DesktopCapacity>>,
    nodes_total: Vec<(Text<<DesktopCapacity as Capacity>::Id>, u32)>,
    now: Instant,
}

impl Core {
    /// One that heard nothing and knows the number of nodes of these graphs, by `prompt_id`.
    ///
    /// # Panics
    ///
    /// Where a graph has more than 2^32 nodes.
    pub fn new(nodes_total: &[(String, usize)]) -> Self {
        let known = |(id, n): &(String, usize)| (Text::from(id.as_str()), u32::try_from(*n).expect("graphs are small"));
        let config = Config::attached();
        let mut session = Box::new(Wire::<DesktopCapacity>::new(config, 1));
        session.attach(Instant::ZERO);
        Self { session, nodes_total: nodes_total.iter().map(known).collect(), now: Instant::ZERO }
    }

    /// Hears a message at `t_ms` milliseconds, in pieces of so many bytes.
    pub fn hear(&mut self, t_ms: u64, wire: &ServerMessage, pieces: usize) {
        self.now = Instant::from_millis(t_ms);
        for piece in frame(wire).chunks(pieces.max(1)) {
            self.session.handle_input(self.now, Input::Bytes(Link::Socket, piece));
        }
        loop {
            match self.session.poll_output(self.now) {
                Output::Sleep(_) => break,
                Output::Send(link, _) => self.session.handle_input(self.now, Input::Sent(link)),
                _ => {}
            }
        }
        let graph = self
            .session
            .state()
            .prompt()
            .filter(|prompt| prompt.nodes_total().is_none())
            .and_then(|prompt| self.nodes_total.iter().find(|(id, _)| prompt.prompt_id() == Some(id)).cloned());
        if let Some((id, nodes)) = graph {
            self.session.handle_input(self.now, Input::Host(Host::Graph { prompt_id: Id::from(&id), nodes }));
        }
    }

    /// The snapshot of now.
    ///
    /// # Panics
    ///
    /// Where it is no JSON.
    pub fn snapshot(&self) -> Value {
        serde_json::to_value(self.session.state().snapshot(self.now)).expect("it is JSON")
    }
}

/// Plays the messages to both, 250 ms apart, and compares after each; the n-th is cut in pieces of `pieces[n]` bytes, again
/// and again. It ends early where the model says that what comes is open.
///
/// # Panics
///
/// Where they differ.
pub fn compare_all(nodes_total: &[(String, usize)], wire: &[ServerMessage], pieces: &[usize]) {
    let mut model = Model::new();
    for (id, nodes) in nodes_total {
        model.set_nodes_total(id.clone(), *nodes);
    }
    let mut core = Core::new(nodes_total);
    for (n, (message, t_ms)) in wire.iter().zip((0_u64..).step_by(250)).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "the clock is young")]
        match message {
            ServerMessage::Text(text) => model.text(t_ms as f64, text),
            ServerMessage::Binary(bytes) => model.binary(t_ms as f64, bytes),
        }
        if model.is_open() {
            return;
        }
        core.hear(t_ms, message, pieces[n % pieces.len()]);
        #[expect(clippy::cast_precision_loss, reason = "the clock is young")]
        let mut expect = model.snapshot(t_ms as f64);
        let [elapsed, eta] = ["elapsed_ms", "eta_ms"].map(|time| expect["prompt"][time].clone());
        compare::keep_what_is_pinned(&mut expect);
        if let Some(prompt) = expect["prompt"].as_object_mut() {
            prompt.insert("elapsed_ms".to_owned(), elapsed);
            // Of a percentage near 0 the core's last digit moves the time left by more than a millisecond.
            if prompt["percentage"].as_f64().is_none_or(|percentage| percentage >= 20.0) {
                prompt.insert("eta_ms".to_owned(), eta);
            }
        }
        if let Some(difference) = compare::mismatch(&expect, &core.snapshot()) {
            panic!("after message {n}: {difference}\n{:#?}", &wire[..=n]);
        }
    }
}
