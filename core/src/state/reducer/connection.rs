//! The connection: attempts, their results, and measurements.

use crate::{
    capacity::Capacity,
    quality::Sample,
    state::{Changes, ConnectionStatus, Fault, Source, State, Waiting, WaitingFor},
    time::Instant,
};

impl<C: Capacity> State<C> {
    pub(super) fn dialling(&mut self) -> Changes {
        self.connection.status = ConnectionStatus::Connecting;
        self.connection.attempt = self.connection.attempt.saturating_add(1);
        self.connection.waiting = None;
        Changes::CONNECTION
    }

    pub(super) fn wait(&mut self, waiting: Waiting) -> Changes {
        self.connection.status = match waiting.why {
            WaitingFor::Circuit => ConnectionStatus::Error,
            _ => self.connection.status,
        };
        self.connection.waiting = Some(waiting);
        Changes::CONNECTION
    }

    pub(super) fn established(&mut self, now: Instant) -> Changes {
        let connection = &mut self.connection;
        if connection.established {
            connection.reconnects = connection.reconnects.saturating_add(1);
        }
        connection.established = true;
        connection.status = ConnectionStatus::Connected;
        connection.attempt = 0;
        connection.fault = None;
        connection.waiting = None;
        self.quality.established = Some(now);
        // The server may report nothing of a running prompt to the new connection, if it is another client's. It
        // reports every prompt that begins.
        if connection.source != Source::Restored && !self.is_running() {
            self.connection.source = Source::Websocket;
        }
        // The new connection reports which node runs now.
        if let Some(prompt) = self.prompt.as_mut() {
            prompt.rest();
        }
        Changes::CONNECTION.union(Changes::NODE).union(Changes::PROGRESS)
    }

    pub(super) fn lost(&mut self, fault: Option<Fault>) -> Changes {
        self.forget_parts();
        let logged = self.follow_nobody();
        self.connection.status = match fault {
            Some(fault) if fault.stays() => ConnectionStatus::Error,
            _ => ConnectionStatus::Disconnected,
        };
        self.connection.fault = fault;
        self.connection.waiting = None;
        self.quality.established = None;
        Changes::CONNECTION.union(logged)
    }

    pub(super) fn measured(&mut self, now: Instant, sample: Sample) -> Changes {
        self.quality.add(now, sample);
        if matches!(sample, Sample::Pong(_)) { Changes::CONNECTION } else { Changes::NONE }
    }
}
