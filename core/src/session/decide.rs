//! The session's decisions: what a response means for links and state, what follows a lost connection, and what the
//! host reports.

use super::{
    ClientId, Host, Session,
    reconcile::{self, Decision, Silence},
};
use crate::{
    api::{Item, JobStatus},
    capacity::Capacity,
    quality::Sample,
    reducer::{Action, Observer},
    state::{Fault, FaultKind, NetworkDown, Prompt, SocketGeneration, Source},
    text::Id,
    time::Instant,
};

impl<C: Capacity> Session<'_, C> {
    /// Whether anything is requested over HTTP.
    pub(super) fn asks(&self) -> bool {
        let may = C::HTTP && self.config.http && !self.leaving && !self.reconnect.is_offline();
        may && (self.socket.is_open() || !self.reconnect.is_over())
    }

    /// Decides what the last response means, and begins the next request if the link is `free`. Returns whether it
    /// began one.
    #[inline(never)]
    pub(super) fn request_next(&mut self, now: Instant, free: bool, observer: &mut impl Observer<C>) -> bool {
        if !self.asks() {
            return false;
        }
        if let Some((request, result)) = self.exchange.take_result() {
            let silence = self
                .socket
                .is_open()
                .then(|| Silence { status: self.state.socket_generation().status(), pieces: self.socket.pieces() });
            let by_log = silence.is_some() && self.state.connection().source == Source::Logs;
            let decision = self.reconcile.finished(now, request, result, silence, by_log);
            if self.reconcile.take_asked_after() {
                self.reduce(now, Action::AskedAfterEnd, observer);
            }
            self.decide(now, decision, observer);
        }
        // A client without access will never learn the outcome.
        if self.reconcile.is_refused() && self.state.prompt().is_some_and(Prompt::is_unsettled) {
            let generation = self.state.socket_generation();
            self.over(now, generation, observer);
        }
        // Checked again: the decision may have ended the session.
        if !self.asks() || !self.exchange.is_idle() || !free {
            return false;
        }
        let submits_nothing = self.config.client_id == ClientId::Fresh;
        if self.reconcile.is_log_quiet(now, self.state.falls()) {
            self.reduce(now, Action::LogSilent, observer);
        }
        let request = self.reconcile.next_request(now, &self.state, self.socket.is_open(), submits_nothing);
        let Some(request) = request else { return false };
        self.exchange.begin(now, request, &self.state);
        true
    }

    fn decide(&mut self, now: Instant, decision: Decision, observer: &mut impl Observer<C>) {
        match decision {
            Decision::Nothing => {}
            Decision::Alive => self.server_is_back(now, observer),
            Decision::Runs(runs) => {
                self.server_is_back(now, observer);
                if reconcile::running_key(&self.state).is_some_and(|key| runs != Some(key)) {
                    self.over(now, self.exchange.generation(), observer);
                    // Only if that counted, or the requests would never end.
                    if runs.is_some() && reconcile::running_key(&self.state).is_none() {
                        self.reconcile.look_again();
                    }
                } else if runs.is_some() && runs != reconcile::running_key(&self.state) && self.is_behind() {
                    // First, the outcomes of the prompts before it.
                    self.reconcile.look_again();
                }
            }
            Decision::Doubted if !self.state.prompt().is_some_and(Prompt::is_unsettled) => {}
            Decision::Unknown | Decision::Doubted => self.over(now, self.exchange.generation(), observer),
            Decision::Observe(mode) => self.reduce(now, Action::Observe(mode), observer),
            Decision::Deaf => {
                self.socket.leave();
                self.lost(now, Fault::new(FaultKind::Deaf), None, observer);
            }
        }
    }

    /// Whether outcomes of prompts before the running one are still to be requested.
    fn is_behind(&self) -> bool {
        self.state.is_behind() || self.state.prompt().is_some_and(Prompt::is_unsettled)
    }

    /// The server responds over HTTP, so the socket need not wait any longer.
    fn server_is_back(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        let fault = self.state.connection().fault.map(|fault| fault.kind);
        let was_away = matches!(
            fault,
            Some(
                FaultKind::Unreachable
                    | FaultKind::NameUnknown
                    | FaultKind::TimedOut
                    | FaultKind::Silent
                    | FaultKind::Closed
                    | FaultKind::Broken
                    | FaultKind::Refused(502..=504)
            )
        );
        if was_away
            && !self.socket.is_open()
            && let Some(waiting) = self.reconnect.hurry(now, &self.config)
        {
            self.reduce(now, Action::Waiting(waiting), observer);
        }
    }

    /// The record's prompt ended without a known outcome. If it was running until now, the outcome is requested next.
    fn over(&mut self, now: Instant, since: SocketGeneration, observer: &mut impl Observer<C>) {
        let Some(id) = self.state.prompt().and_then(|prompt| prompt.prompt_id()).cloned() else { return };
        let item = Item::Prompt { prompt_id: id.as_id(), status: JobStatus::Ended };
        self.reduce(now, Action::Response { since, item }, observer);
    }

    /// The connection ended by a fault. `retry_after` is the wait that the server asked for, in seconds.
    #[inline(never)]
    pub(super) fn lost(
        &mut self,
        now: Instant,
        fault: Fault,
        retry_after: Option<u32>,
        observer: &mut impl Observer<C>,
    ) {
        self.reduce(now, Action::Lost(Some(fault)), observer);
        self.reconcile.lost(now);
        self.exchange.forget_way();
        let waiting = self.reconnect.lost(now, fault, retry_after, &self.config, &mut self.random);
        match waiting {
            Some(waiting) => self.reduce(now, Action::Waiting(waiting), observer),
            None => self.exchange.cancel(),
        }
    }

    /// Takes in an event that concerns no link.
    pub(crate) fn host(&mut self, now: Instant, host: Host<'_>, observer: &mut impl Observer<C>) {
        match host {
            Host::Wake => {}
            Host::GraphNode { prompt_id, node, class } => self.graph_node(now, prompt_id, node, class, observer),
            Host::Graph { prompt_id, nodes } => self.graph(now, prompt_id, nodes, observer),
            Host::Missed { prompt_id } => self.missed(now, prompt_id, observer),
            Host::Painted { took } => self.measured(now, Sample::Painted(took), observer),
            Host::Queued { queued, dropped, merged } => {
                self.measured(now, Sample::Queued { queued, dropped, merged }, observer);
            }
            Host::Offline(reason) => self.offline(now, reason, observer),
            Host::Online => self.online(now, observer),
            Host::Reconnect => self.reconnect.by_hand(),
            Host::Leave => self.leave(now, observer),
        }
    }

    #[inline(never)]
    fn offline(&mut self, now: Instant, reason: NetworkDown, observer: &mut impl Observer<C>) {
        let fault = Some(Fault::new(FaultKind::Offline(reason)));
        let is_known = self.reconnect.is_offline() && self.state.connection().fault == fault;
        if is_known || !self.reconnect.go_offline(now, &self.config) {
            return;
        }
        self.socket.abort();
        self.exchange.cancel();
        self.reduce(now, Action::Lost(fault), observer);
        self.reconcile.lost(now);
    }

    #[inline(never)]
    fn online(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if let Some(waiting) = self.reconnect.go_online(now, &self.config) {
            self.reduce(now, Action::Waiting(waiting), observer);
        }
    }

    #[inline(never)]
    fn graph_node(
        &mut self,
        now: Instant,
        prompt_id: Id<'_>,
        node: Id<'_>,
        class: &str,
        observer: &mut impl Observer<C>,
    ) {
        self.reduce(now, Action::GraphNode { prompt_id, node, class }, observer);
    }

    #[inline(never)]
    fn graph(&mut self, now: Instant, prompt_id: Id<'_>, nodes: u32, observer: &mut impl Observer<C>) {
        self.reduce(now, Action::Graph { prompt_id, nodes }, observer);
        self.reconcile.submitted(now);
    }

    #[inline(never)]
    fn missed(&mut self, now: Instant, prompt_id: Id<'_>, observer: &mut impl Observer<C>) {
        if self.state.prompt().is_some_and(|prompt| !prompt.is_settled()) {
            return;
        }
        let item = Item::Prompt { prompt_id, status: JobStatus::Missed };
        self.reduce(now, Action::Response { since: self.state.socket_generation(), item }, observer);
    }

    #[inline(never)]
    fn leave(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if core::mem::replace(&mut self.leaving, true) {
            return;
        }
        self.exchange.cancel();
        self.reconnect.stop();
        // The fault that ended the last connection stays shown; the planned attempt does not.
        let fault = if self.socket.leave() { None } else { self.state.connection().fault };
        self.reduce(now, Action::Lost(fault), observer);
    }
}
