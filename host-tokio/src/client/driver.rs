//! Carries out what the core's [`Session`](comfyglow_core::session::Session) wants, over tokio's sockets and clock.

use std::{future::poll_fn, io, mem::MaybeUninit, task::Poll};

use comfyglow_core::{
    capacity::{AppCapacity, Capacity, DesktopCapacity},
    record::RecordError,
    reducer::Observer,
    session::{Config, Host, Link},
    state::Changes,
    state::{Fault, State},
    time::{Duration, Instant},
    view::View,
    wire::{Input, Output, Wire},
};
use tokio::{io::ReadBuf, time};

use super::{
    graph::{Graph, Graphs},
    line::{Happened, Line},
    stream::Dialer,
    unheard::{self, Unheard},
};
use crate::address::Address;

/// The most that a record of a [`Driver`] takes.
pub(crate) const RECORD_BYTES: usize = State::<DesktopCapacity>::RECORD_BYTES;

/// Bytes of one read. They lie on the stack while they are read, so an idle connection keeps no buffer.
const READ: usize = 16 * 1024;

/// Drives a session with one server, until it is over: whoever owns it awaits [`changed`](Self::changed) all the time.
///
/// [`Client`](super::Client) is this in a task of its own, with handles to it. The capacities are those of
/// [`capacity`](mod@comfyglow_core::capacity), by default a desktop's.
pub struct Driver<'a, C: Capacity = DesktopCapacity> {
    dialer: Dialer,
    session: Box<Wire<'a, C>>,
    socket: Line,
    http: Line,
    /// Which link is read first, so that neither waits for the other's end.
    http_first: bool,
    /// The session's epoch.
    start: time::Instant,
    /// What the system said when the socket couldn't be opened, or broke.
    reason: Option<io::Error>,
    /// Graphs of submissions that have not begun, the oldest first.
    graphs: Graphs,
    unheard: Unheard,
}

/// What one of many clients in a program takes for its session; its buffers, sockets and task come to that.
const _: () = assert!(Wire::<AppCapacity>::MEMORY <= 40 * 1024);

/// A driver of one of many clients in a program.
pub(super) type AppDriver<'a> = Driver<'a, AppCapacity>;

impl<'a> Driver<'a> {
    /// A driver for the server at `address`, which `config` was made of. It connects once [`changed`](Self::changed) is
    /// awaited.
    ///
    /// # Errors
    ///
    /// Where the system gives no random numbers, or TLS can't be set up.
    pub fn new(address: &'a Address, config: Config<'a>) -> io::Result<Self> {
        Self::sized(address, config)
    }
}

impl<'a, C: Capacity> Driver<'a, C> {
    /// As [`new`](Driver::new), of any capacities.
    ///
    /// # Errors
    ///
    /// Where the system gives no random numbers, or TLS can't be set up.
    pub fn sized(address: &'a Address, config: Config<'a>) -> io::Result<Self> {
        let seed = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self {
            dialer: Dialer::new(address)?,
            session: Box::new(Wire::new(config, seed)),
            socket: Line::new(),
            http: Line::new(),
            http_first: false,
            start: time::Instant::now(),
            reason: None,
            graphs: Graphs::default(),
            unheard: Unheard::default(),
        })
    }

    /// Waits until something changed that a screen shows; `None` once the session is over, whose
    /// [`fault`](Self::fault) then tells why.
    ///
    /// The server is read only while this is awaited, so come back soon: a reader who stops holds up all of its clients.
    /// `observer` is told of each message, and of all that changes the state.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped, as `select!` does.
    pub async fn changed(&mut self, observer: &mut impl Observer<C>) -> Option<Changes> {
        loop {
            let now = since(self.start);
            // One may have been submitted under an id that runs already.
            self.graphs.tell(&mut self.session, now, observer);
            self.unheard.tell(&mut self.session, now, observer);
            match self.session.poll_output_with(now, observer) {
                Output::Dial(link) => {
                    tracing::debug!(?link, "dialling");
                    let dialer = self.dialer.clone();
                    self.line(link).dial(dialer);
                }
                Output::Send(Link::Socket, bytes) => self.socket.send(bytes),
                Output::Send(Link::Http, bytes) => self.http.send(bytes),
                Output::Close(link) => {
                    tracing::debug!(?link, "closing");
                    self.line(link).close();
                }
                Output::Changed(changes) => return Some(changes),
                Output::Sleep(deadline) => {
                    if deadline.is_none() && self.session.is_over() {
                        return None;
                    }
                    self.wait(deadline, observer).await;
                }
            }
        }
    }

    /// Takes in what was learned of nodes' durations in earlier sessions, as [`record`](Self::record) wrote it.
    ///
    /// # Errors
    ///
    /// Where the bytes are no such record; the session then begins with nothing learned.
    pub fn learn(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.session.import_learned(record)
    }

    /// What was learned, for a file: nothing that a prompt said is in it.
    pub fn record(&self) -> Vec<u8> {
        let mut record = vec![0; State::<C>::RECORD_BYTES];
        let len = self.session.state().export_learned(&mut record).unwrap_or_default();
        record.truncate(len);
        record
    }

    /// All that is known, as JSON: its shape and meaning stand in the core's `SNAPSHOT.md`.
    pub fn snapshot(&self) -> String {
        let mut buffer = vec![0; State::<C>::SNAPSHOT_BYTES];
        let len = self.session.state().snapshot(self.now()).write_json(&mut buffer).unwrap_or_default();
        buffer.truncate(len);
        String::from_utf8(buffer).unwrap_or_default()
    }

    /// What a prompt of one's own is made of, so that its percentage is known when it begins. The session would ask the
    /// server for it otherwise, as it does once 64 such prompts wait to begin.
    pub fn submitted(&mut self, graph: Graph) {
        self.graphs.push(graph);
    }

    /// A prompt was not submitted after all.
    pub fn withdrawn(&mut self, prompt_id: &str) {
        self.graphs.withdraw(prompt_id);
    }

    /// The server has queued a prompt that was submitted.
    pub fn accepted(&mut self, prompt_id: &str) {
        self.unheard.push(prompt_id, self.connection(), self.now());
    }

    /// A prompt that was [`accepted`](Self::accepted) and may have begun and ended unheard: another connection is being made or was
    /// made since, or nothing was heard of it for 5 s. Whoever submitted it asks the server's queue, and where the prompt
    /// isn't in it, tells that by [`missed`](Self::missed).
    pub fn doubtful(&mut self) -> Option<String> {
        self.unheard.doubtful(self.connection(), self.now())
    }

    /// Whether a prompt that was [`accepted`](Self::accepted) has not been heard of yet.
    pub fn is_waiting(&self) -> bool {
        self.unheard.is_waiting()
    }

    /// The server has done with a prompt, or has forgotten it: if it still is unheard of once no other one runs, its outcome is
    /// asked for.
    pub fn missed(&mut self, prompt_id: &str) {
        self.unheard.miss(prompt_id);
    }

    fn connection(&self) -> unheard::Connection {
        let connection = self.session.state().connection();
        (connection.reconnects, connection.attempt)
    }

    /// Tries to connect now, whatever there is to wait for.
    pub fn reconnect(&mut self) {
        self.session.handle_input(self.now(), Input::Host(Host::Reconnect));
    }

    /// Tells the session's quality how long a paint took.
    pub fn painted(&mut self, took: std::time::Duration) {
        self.session.handle_input(self.now(), Input::Host(Host::Painted { took: span(took) }));
    }

    /// Tells the session's quality what delivery queues did since this was told last: notes taken in, dropped, and
    /// replaced by later ones.
    pub fn queued(&mut self, queued: u32, dropped: u32, merged: u32) {
        self.session.handle_input(self.now(), Input::Host(Host::Queued { queued, dropped, merged }));
    }

    /// Ends the session in good order: [`changed`](Self::changed) carries it out, and then returns `None`.
    pub fn leave(&mut self) {
        self.session.handle_input(self.now(), Input::Host(Host::Leave));
    }

    /// What is known of the server, for a screen.
    pub fn view(&self) -> View<'_> {
        self.session.view(self.now())
    }

    /// The session itself; its times are those of [`now`](Self::now).
    pub fn session(&self) -> &Wire<'a, C> {
        &self.session
    }

    /// The session's clock.
    pub fn now(&self) -> Instant {
        since(self.start)
    }

    /// When `instant` of the session's clock will be, or was.
    pub fn at(&self, instant: Instant) -> time::Instant {
        self.start + std::time::Duration::from_micros(instant.as_micros())
    }

    /// Why the session is over, or the connection was lost; `None` while all is well, and after [`leave`](Self::leave).
    pub fn fault(&self) -> Option<Fault> {
        self.session.state().connection().fault
    }

    /// What the system said of it.
    pub fn reason(&self) -> Option<&io::Error> {
        self.reason.as_ref()
    }

    fn line(&mut self, link: Link) -> &mut Line {
        match link {
            Link::Socket => &mut self.socket,
            Link::Http => &mut self.http,
        }
    }

    /// Waits for what comes first, a link or the deadline, and tells the session.
    async fn wait(&mut self, deadline: Option<Instant>, observer: &mut impl Observer<C>) {
        let deadline = deadline.map(|deadline| self.at(deadline));
        self.http_first = !self.http_first;
        let Self { session, socket, http, http_first, start, reason, graphs, .. } = self;
        let happened = poll_fn(|context| {
            let mut room = [const { MaybeUninit::uninit() }; READ];
            let mut buffer = ReadBuf::uninit(&mut room);
            let mut links = [(Link::Socket, &mut *socket), (Link::Http, &mut *http)];
            if *http_first {
                links.reverse();
            }
            for (link, line) in links {
                let Poll::Ready(happened) = line.poll(context, &mut buffer) else { continue };
                let now = since(*start);
                let input = match happened {
                    Happened::Opened => Input::Opened(link),
                    Happened::Sent => Input::Sent(link),
                    Happened::Read => {
                        graphs.hear(session, now, link, buffer.filled(), observer);
                        return Poll::Ready(());
                    }
                    Happened::Ended(end, error) => {
                        tracing::debug!(?link, ?end, ?error, "the link ended");
                        if link == Link::Socket {
                            *reason = error;
                        }
                        Input::Closed(link, end)
                    }
                };
                session.handle_input_with(now, input, observer);
                return Poll::Ready(());
            }
            Poll::Pending
        });
        let is_late = if let Some(deadline) = deadline {
            time::timeout_at(deadline, happened).await.is_err()
        } else {
            happened.await;
            false
        };
        if is_late {
            self.session.handle_input_with(since(self.start), Input::Host(Host::Wake), observer);
        }
    }
}

fn since(start: time::Instant) -> Instant {
    Instant::ZERO.saturating_add(span(start.elapsed()))
}

fn span(span: std::time::Duration) -> Duration {
    Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}
