//! The task that owns a client's session.

use std::{pin::Pin, sync::Arc, time::Duration};

use comfyglow_core::{
    heartbeat::HeartbeatConfig,
    session::{ClientId, ReconnectConfig},
};
use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use super::{
    closed::Closed,
    driver::AppDriver,
    fanout::{Fanout, INTEREST},
    graph::Graph,
    http::{Http, awaited},
    registry::Registry,
    unheard,
    watch::Publisher,
};
use crate::address::Address;

/// As [`unheard::LOOK`].
const LOOK: Duration = Duration::from_micros(unheard::LOOK.as_micros());

/// What the handles want of the session.
#[derive(Debug)]
pub(super) enum Command {
    /// A prompt is about to be submitted.
    Submitted(Graph),
    /// The server has queued it.
    Accepted(String),
    /// It was not submitted after all.
    Withdrawn(String),
    /// Try to connect now.
    Reconnect,
    /// Tell all that is known, as JSON.
    Snapshot(oneshot::Sender<String>),
    /// Tell what was learned.
    Learned(oneshot::Sender<Vec<u8>>),
    /// End in good order.
    Leave,
}

/// Where the server is, and who we are there.
pub(super) struct Setup {
    pub(super) address: Address,
    pub(super) client_id: String,
    /// Headers of the user's own, for each request.
    pub(super) headers: Vec<(String, String)>,
    pub(super) reconnect: ReconnectConfig,
    pub(super) heartbeat: HeartbeatConfig,
    /// What earlier sessions learned.
    pub(super) learned: Option<Vec<u8>>,
    pub(super) http: Arc<Http>,
}

/// Tells the subscribers that it is over, however the task ends.
pub(super) struct Ending(Arc<Registry>);

impl Ending {
    pub(super) fn of(registry: &Arc<Registry>) -> Self {
        Self(registry.clone())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Where a reason was told already, that one stands.
        self.0.end(&Closed::Aborted);
    }
}

/// Runs a session until it is over, or all handles are gone. `ending` tells the end even where this never runs.
pub(super) async fn run(setup: Setup, mut commands: mpsc::Receiver<Command>, publisher: Publisher, ending: Ending) {
    let registry = ending.0.clone();
    let client_id = Address::encoded(&setup.client_id);
    let mut headers = setup.address.headers();
    headers.retain(|(name, _)| !setup.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
    headers.extend(setup.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut config = setup.address.config(ClientId::Own(&client_id), &headers);
    config.interest = INTEREST;
    config.reconnect = setup.reconnect;
    config.heartbeat = setup.heartbeat;
    let mut driver = match AppDriver::sized(&setup.address, config) {
        Ok(driver) => driver,
        Err(error) => {
            tracing::error!(%error, "the session can't be set up");
            return;
        }
    };
    if let Some(Err(error)) = setup.learned.as_ref().map(|learned| driver.learn(learned)) {
        tracing::warn!(%error, "what earlier sessions learned is not used");
    }
    let mut fanout = Fanout::new(registry.clone());
    let mut is_leaving = false;
    let mut looking: Option<Pin<Box<_>>> = None;
    loop {
        if looking.is_none() {
            looking = driver.doubtful().map(|prompt_id| Box::pin(setup.http.has(prompt_id)));
        }
        tokio::select! {
            () = time::sleep(LOOK), if looking.is_none() && driver.is_waiting() => {}
            (prompt_id, is_there) = awaited(&mut looking), if looking.is_some() => {
                looking = None;
                if !is_there {
                    driver.missed(&prompt_id);
                }
            }
            changes = driver.changed(&mut fanout) => match changes {
                Some(_) => {
                    if let Some((queued, lost, merged)) = registry.counts().take() {
                        driver.queued(queued, lost, merged);
                    }
                    publisher.publish(&driver);
                }
                None => break,
            },
            command = commands.recv(), if !is_leaving => match command {
                Some(Command::Submitted(graph)) => driver.submitted(graph),
                Some(Command::Accepted(prompt_id)) => driver.accepted(&prompt_id),
                Some(Command::Withdrawn(prompt_id)) => driver.withdrawn(&prompt_id),
                Some(Command::Reconnect) => driver.reconnect(),
                // Who asked may have gone.
                Some(Command::Snapshot(to)) => drop(to.send(driver.snapshot())),
                Some(Command::Learned(to)) => drop(to.send(driver.record())),
                Some(Command::Leave) | None => {
                    is_leaving = true;
                    driver.leave();
                }
            },
        }
    }
    fanout.end();
    publisher.publish(&driver);
    let reason = match driver.fault() {
        Some(fault) if !is_leaving => Closed::Fault(fault, driver.reason().map(ToString::to_string)),
        _ => Closed::Left,
    };
    tracing::debug!(%reason, "the client ends");
    registry.end(&reason);
}
