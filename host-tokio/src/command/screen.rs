//! Where the progress is shown: a live display, plain lines or JSON.

mod wall;

use std::{io, sync::Arc, time::Duration};

use comfyglow::{
    address::Address,
    client::driver::Driver,
    display::{Colours, Look, Scene, Teller, Terminal, finished, is_interactive, live, look},
    finish::Finish,
    sink::{Draw, Lines, Sink},
};
use comfyglow_core::{
    capacity::Capacity,
    state::{ConnectionStatus, Messages, PromptState, Source, State},
    time::Instant,
    view::View,
};

use wall::Place;
pub(super) use wall::Wall;

/// How long a frame stands while a bar moves.
const MOVING: Duration = Duration::from_millis(25);
/// How long a frame stands while only a clock moves.
const TICKING: Duration = Duration::from_millis(100);

/// Room for a snapshot: the desktop's texts, each byte escaped.
const SNAPSHOT: usize = 6 * (4_096 + 8 * 256) + 4_096;

/// Shows what is known.
pub(super) struct Screen {
    sink: Arc<Sink>,
    /// Other servers are shown beside this one: who shows them all looks after the sink.
    is_shared: bool,
    kind: Kind,
    /// Nothing more is shown but ends.
    closed: bool,
}

enum Kind {
    /// Each snapshot tells of which server it is, where it was told itself.
    Json {
        server: Option<String>,
    },
    /// Each line begins with what tells the server from others.
    Plain {
        teller: Teller,
        server: String,
        name: String,
    },
    Live {
        server: String,
        drawn: tokio::time::Instant,
    },
    /// A line among those of several servers.
    Placed {
        place: Place,
        drawn: tokio::time::Instant,
    },
}

impl Screen {
    fn new(draw: impl Draw + 'static, kind: Kind) -> Self {
        Self { sink: Arc::new(Sink::spawn(draw)), is_shared: false, kind, closed: false }
    }

    /// A snapshot a change, as lines of JSON.
    pub(super) fn json() -> Self {
        Self::new(Lines(io::stdout()), Kind::Json { server: None })
    }

    /// As [`json`](Self::json), each line with the server's address.
    pub(super) fn json_of(server: &Address) -> Self {
        Self::new(Lines(io::stdout()), Kind::Json { server: Some(server.to_string()) })
    }

    /// A live display, or plain lines where that can't be or something else writes to the terminal. `server` is what the
    /// server is called.
    pub(super) fn for_people(server: String, others_write: bool) -> Self {
        if is_interactive() && !others_write {
            let kind = Kind::Live { server, drawn: tokio::time::Instant::now() };
            Self::new(Terminal::new(io::BufWriter::new(io::stdout())), kind)
        } else {
            let kind = Kind::Plain { teller: Teller::default(), server, name: String::new() };
            Self::new(Lines(io::stdout()), kind)
        }
    }

    /// Whether it shows snapshots.
    pub(super) const fn wants_snapshots(&self) -> bool {
        matches!(self.kind, Kind::Json { .. })
    }

    /// Shows a snapshot, none of which is passed over.
    pub(super) fn snapshot(&self, line: String) {
        if let Kind::Json { server } = &self.kind
            && !self.closed
        {
            self.sink.line(of_server(line, server.as_deref()), false);
        }
    }

    /// Tells people, wherever programs read, what is wrong.
    pub(super) fn complain(&self, text: &str) {
        match &self.kind {
            Kind::Placed { place, .. } => place.complain(text),
            _ => eprintln!("{text}"),
        }
    }

    /// Says something to people; programs are told on stderr.
    pub(super) fn say(&self, line: &str) {
        if self.is_json() {
            eprintln!("{line}");
        } else {
            self.sink.line(line.to_owned(), false);
        }
    }

    /// Tells programs something beside snapshots.
    pub(super) fn json_line(&self, line: String) {
        if self.is_json() {
            self.sink.line(line, false);
        }
    }

    /// Shows what changed.
    pub(super) fn changed(&mut self, client: &Driver<'_>) {
        if self.closed {
            return;
        }
        match &mut self.kind {
            Kind::Json { server } => {
                if let Some(line) = snapshot_line(client.session().state(), client.now()) {
                    self.sink.line(of_server(line, server.as_deref()), true);
                }
            }
            Kind::Plain { teller, server, name } => {
                for line in teller.tell(&client.view(), server) {
                    self.sink.line(format!("{name}{line}"), false);
                }
            }
            Kind::Live { .. } | Kind::Placed { .. } => self.draw(client),
        }
    }

    /// Draws a frame, where it draws.
    pub(super) fn draw(&mut self, client: &Driver<'_>) {
        if self.closed {
            return;
        }
        let now = client.now();
        let smooth = client.session().smooth_percentage(now);
        let view = client.view();
        match &mut self.kind {
            Kind::Json { .. } | Kind::Plain { .. } => {}
            Kind::Live { server, drawn } => {
                *drawn = tokio::time::Instant::now();
                let look = look();
                let lines = live(&Scene { view, smooth, server, now }, look);
                self.sink.frame(lines.iter().map(|line| line.ansi(look.colours)).collect());
            }
            Kind::Placed { place, drawn } => {
                *drawn = tokio::time::Instant::now();
                place.show(&view, smooth, now);
            }
        }
    }

    /// When the next frame will look different, though nothing has changed.
    pub(super) fn next_frame(&self, client: &Driver<'_>) -> Option<tokio::time::Instant> {
        let (Kind::Live { drawn, .. } | Kind::Placed { drawn, .. }) = &self.kind else { return None };
        let view = client.view();
        if self.closed {
            return None;
        }
        let Some(running) = view.prompt.as_ref().filter(|prompt| prompt.state == PromptState::Running) else {
            // What is counted down.
            return view.next_attempt.map(|_| *drawn + TICKING);
        };
        let smooth = client.session().smooth_percentage(client.now());
        let pulses =
            running.steps.is_none() && (running.current_node.is_some() || view.connection.source != Source::Websocket);
        let moves = smooth != running.percentage || pulses;
        Some(*drawn + if moves { MOVING } else { TICKING })
    }

    /// Shows that a prompt has ended.
    pub(super) fn finished(&mut self, client: &Driver<'_>, finish: &Finish) {
        let look = look();
        let lines = finished(finish, look).into_iter().map(|line| line.ansi(look.colours));
        match &mut self.kind {
            Kind::Json { .. } => {}
            Kind::Plain { teller, server, name } => {
                // It may have ended before anything else was told.
                let before = teller.tell_connection(&client.view(), server);
                for line in before.into_iter().chain(lines) {
                    self.sink.line(format!("{name}{line}"), false);
                }
            }
            Kind::Live { .. } => {
                for line in lines {
                    self.sink.line(line, false);
                }
            }
            Kind::Placed { place, .. } => place.finished(finish, look),
        }
        self.draw(client);
    }

    /// Shows nothing more of what changes.
    pub(super) fn close(&mut self) {
        self.closed = true;
        if matches!(self.kind, Kind::Live { .. }) {
            self.sink.frame(Vec::new());
        }
    }

    /// Waits until nothing can be shown any more.
    pub(super) async fn failed(&self) -> io::Error {
        if self.is_shared { std::future::pending().await } else { self.sink.failed().await }
    }

    /// Shows, where other servers go on, that this one isn't watched any longer: how the prompt ended that was waited for, or
    /// what is known.
    pub(super) fn over(&self, client: &Driver<'_>, has_ended: bool) {
        if let Kind::Placed { place, .. } = &self.kind {
            place.over(&client.view(), client.now(), has_ended);
        }
    }

    /// Waits until all is written and the terminal is as it was.
    pub(super) async fn end(&self) -> io::Result<()> {
        ended(&self.sink).await
    }

    /// Whether programs read it.
    pub(super) const fn is_json(&self) -> bool {
        matches!(self.kind, Kind::Json { .. })
    }
}

/// Waits until all is written.
async fn ended(sink: &Sink) -> io::Result<()> {
    let written = sink.end().await;
    let lost = sink.lost();
    if lost > 0 {
        eprintln!("warning: stdout was not read for so long that {lost} lines were lost");
    }
    written
}

/// A snapshot that tells, as its last member, of which server it is.
fn of_server(snapshot: String, server: Option<&str>) -> String {
    match (server, snapshot.strip_suffix('}')) {
        (Some(server), Some(members)) => format!("{members},\"server\":{}}}", serde_json::Value::from(server)),
        _ => snapshot,
    }
}

/// A snapshot as a line of JSON.
pub(super) fn snapshot_line<C: Capacity>(state: &State<C>, now: Instant) -> Option<String> {
    let mut buffer = vec![0; SNAPSHOT];
    let len = state.snapshot(now).write_json(&mut buffer).ok()?;
    // Lines may have to wait: each takes the room that it needs.
    String::from_utf8(buffer.get(..len)?.to_vec()).ok()
}

/// A session at its end, for people.
pub(super) fn print_view(view: &View<'_>, messages: Messages) -> String {
    let look = if is_interactive() { look() } else { Look { width: 80, colours: Colours::None, ..look() } };
    let mut lines: Vec<String> = Vec::new();
    match &view.prompt {
        Some(prompt) if prompt.state != PromptState::Running => {
            lines.extend(finished(&Finish::of(prompt), look).iter().map(|line| line.ansi(look.colours)));
        }
        Some(_) => {
            let scene = Scene { view: *view, smooth: None, server: "recording", now: Instant::ZERO };
            lines.extend(live(&scene, look).iter().map(|line| line.ansi(look.colours)));
        }
        None => lines.push("no prompt was seen".to_owned()),
    }
    let connection = match (view.connection.status, view.connection.fault) {
        (ConnectionStatus::Connected, _) => "still connected".to_owned(),
        (_, Some(fault)) => fault.message().to_owned(),
        (_, None) => "disconnected".to_owned(),
    };
    lines.push(format!(
        "  {} text and {} binary messages, {} malformed, {} unknown; {connection}",
        messages.text, messages.binary, messages.malformed, messages.unknown
    ));
    lines.join("\n")
}
