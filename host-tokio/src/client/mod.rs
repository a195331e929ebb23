//! A ComfyUI progress client: carries out what the core's [`Session`](comfyglow_core::session::Session) wants, over
//! tokio's sockets and clock.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use comfyglow::{address::Address, client::Client};
//!
//! let address: Address = "http://127.0.0.1:8188".parse()?;
//! let (query, headers) = (address.query("my-app"), address.headers());
//! let mut client = Client::new(&address, address.config(&query, &headers))?;
//! while client.changed(&mut ()).await.is_some() {
//!     if let Some(prompt) = client.view().prompt {
//!         println!("{:?} at {:?}", prompt.state, prompt.current_node);
//!     }
//! }
//! # Ok(()) }
//! ```

mod line;

use std::{future::poll_fn, io, task::Poll};

use comfyglow_core::{
    limits::desktop,
    record::{self, RecordError},
    reducer::Changes,
    session::{Config, DesktopSession, Input, Link, Observer, Output},
    state::Fault,
    time::{Duration, Instant},
    view::View,
};
use tokio::time;

use crate::address::Address;

/// The most that a record takes.
pub(crate) const RECORD_BYTES: usize = record::max_bytes(desktop::ID, desktop::MESSAGE, desktop::LEARNED);

use line::{Happened, Line};

/// A client of one server, until its connection is over.
pub struct Client<'a> {
    address: &'a Address,
    session: Box<DesktopSession<'a>>,
    socket: Line,
    http: Line,
    /// The session's epoch.
    start: time::Instant,
    /// What the system said when the socket couldn't be opened, or broke.
    reason: Option<io::Error>,
}

impl<'a> Client<'a> {
    /// A client of the server at `address`, which `config` was made of. It connects once [`changed`](Self::changed) is
    /// awaited.
    ///
    /// # Errors
    ///
    /// Where the system gives no random numbers.
    pub fn new(address: &'a Address, config: Config<'a>) -> io::Result<Self> {
        let seed = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self {
            address,
            session: Box::new(DesktopSession::new(config, seed)),
            socket: Line::new(),
            http: Line::new(),
            start: time::Instant::now(),
            reason: None,
        })
    }

    /// Waits until something changed that a screen shows; `None` once the connection is over, whose
    /// [`fault`](Self::fault) then tells why.
    ///
    /// The server is read only while this is awaited, so come back soon: a reader who stops holds up all of its clients.
    /// `observer` is told of each message, and of all that changes the state.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped, as `select!` does.
    pub async fn changed(&mut self, observer: &mut impl Observer) -> Option<Changes> {
        loop {
            match self.session.poll_output_with(since(self.start), observer) {
                Output::Dial(link) => {
                    tracing::debug!(?link, address = %self.address, "dialling");
                    let endpoint = self.address.endpoint();
                    self.line(link).dial(endpoint);
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
    /// Where the bytes are no such record; the client then begins with nothing learned.
    pub fn learn(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.session.import_learned(record)
    }

    /// What was learned, for a file: nothing that a prompt said is in it.
    pub fn record(&self) -> Vec<u8> {
        let mut record = vec![0; RECORD_BYTES];
        let len = self.session.state().export_learned(&mut record).unwrap_or_default();
        record.truncate(len);
        record
    }

    /// Ends the connection in good order: [`changed`](Self::changed) carries it out, and then returns `None`.
    pub fn leave(&mut self) {
        self.session.handle_input(self.now(), Input::Leave);
    }

    /// What is known of the server, for a screen.
    pub fn view(&self) -> View<'_> {
        self.session.view(self.now())
    }

    /// The session itself; its times are those of [`now`](Self::now).
    pub fn session(&self) -> &DesktopSession<'a> {
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

    /// Why the connection is over; `None` while it isn't, and after [`leave`](Self::leave).
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
    async fn wait(&mut self, deadline: Option<Instant>, observer: &mut impl Observer) {
        let deadline = deadline.map(|deadline| self.at(deadline));
        let Self { socket, http, .. } = self;
        let happened = poll_fn(|context| match socket.poll(context) {
            Poll::Ready(happened) => Poll::Ready((Link::Socket, happened)),
            Poll::Pending => http.poll(context).map(|happened| (Link::Http, happened)),
        });
        let happened = match deadline {
            Some(deadline) => time::timeout_at(deadline, happened).await.ok(),
            None => Some(happened.await),
        };
        let now = since(self.start);
        let Some((link, happened)) = happened else {
            return self.session.handle_input_with(now, Input::Wake, observer);
        };
        match happened {
            Happened::Opened => self.session.handle_input_with(now, Input::Opened(link), observer),
            Happened::Sent => self.session.handle_input_with(now, Input::Sent(link), observer),
            Happened::Read(len) => {
                let bytes = if link == Link::Socket { self.socket.read(len) } else { self.http.read(len) };
                self.session.handle_input_with(now, Input::Bytes(link, bytes), observer);
            }
            Happened::Ended(end, error) => {
                tracing::debug!(?link, ?end, ?error, "the link ended");
                if link == Link::Socket {
                    self.reason = error;
                }
                self.session.handle_input_with(now, Input::Closed(link, end), observer);
            }
        }
    }
}

fn since(start: time::Instant) -> Instant {
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    Instant::ZERO.saturating_add(Duration::from_micros(micros))
}
