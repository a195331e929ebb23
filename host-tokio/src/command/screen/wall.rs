//! Where the progress of several servers is shown: a live display of a line each, plain lines or JSON.

use std::{
    convert::Infallible,
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use comfyglow::{
    address::Address,
    display::{Look, Row, Scene, Servers, Teller, Terminal, finished, height, is_interactive, look},
    finish::Finish,
    sink::{Lines, Sink},
};
use comfyglow_core::{state::Percentage, time::Instant, view::View};
use tokio::{sync::Notify, time};

use super::{Kind, MOVING, Screen, ended};

/// What all of several servers are shown on.
pub(in crate::command) struct Wall {
    sink: Arc<Sink>,
    names: Vec<String>,
    shows: Shows,
}

enum Shows {
    Json,
    Plain,
    Live(Arc<Board>),
}

/// The lines of a live display.
struct Board {
    rows: Mutex<Vec<Row>>,
    changed: Notify,
}

impl Board {
    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        // A panic of another task leaves nothing half done in here.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, place: usize, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.rows().get_mut(place) {
            change(row);
        }
        self.changed.notify_one();
    }
}

impl Wall {
    /// Snapshots of all, as lines of JSON.
    pub(in crate::command) fn json() -> Self {
        Self { sink: Arc::new(Sink::spawn(Lines(io::stdout()))), names: Vec::new(), shows: Shows::Json }
    }

    /// A live display of servers that are called by `names`, or plain lines, as [`Screen::for_people`] does.
    pub(in crate::command) fn for_people(names: Vec<String>, others_write: bool) -> Self {
        if is_interactive() && !others_write {
            let rows = Mutex::new(names.iter().map(|name| Row::new(name)).collect());
            let sink = Sink::spawn(Terminal::new(io::BufWriter::new(io::stdout())));
            let board = Arc::new(Board { rows, changed: Notify::new() });
            board.changed.notify_one();
            Self { sink: Arc::new(sink), names, shows: Shows::Live(board) }
        } else {
            Self { sink: Arc::new(Sink::spawn(Lines(io::stdout()))), names, shows: Shows::Plain }
        }
    }

    /// The screen of the server at place `at` among all, called `label`.
    pub(in crate::command) fn screen(&self, at: usize, address: &Address, label: String) -> Screen {
        let widest = self.names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let name = self.names.get(at).map(|name| format!("{name:widest$}  ")).unwrap_or_default();
        let kind = match &self.shows {
            Shows::Json => Kind::Json { server: Some(address.to_string()) },
            Shows::Plain => Kind::Plain { teller: Teller::default(), server: label, name },
            Shows::Live(board) => {
                let place = Place { sink: self.sink.clone(), board: board.clone(), at, name, last: None };
                Kind::Placed { place, drawn: time::Instant::now() }
            }
        };
        Screen { sink: self.sink.clone(), is_shared: true, kind, closed: false }
    }

    /// Paints what changes, at most as often as an eye sees it.
    pub(in crate::command) async fn paint(&self) -> Infallible {
        let Shows::Live(board) = &self.shows else { return std::future::pending().await };
        let start = time::Instant::now();
        loop {
            board.changed.notified().await;
            let look = look();
            let now_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let lines = Servers { rows: &board.rows(), now_ms }.lines(look, height());
            self.sink.frame(lines.iter().map(|line| line.ansi(look.colours)).collect());
            time::sleep(MOVING).await;
        }
    }

    /// Waits until nothing can be shown any more.
    pub(in crate::command) async fn failed(&self) -> io::Error {
        self.sink.failed().await
    }

    /// Waits until all is written and the terminal is as it was.
    pub(in crate::command) async fn end(&self) -> io::Result<()> {
        ended(&self.sink).await
    }
}

/// A server's line on a live display of several.
pub(super) struct Place {
    sink: Arc<Sink>,
    board: Arc<Board>,
    /// Which of the board's lines it is.
    at: usize,
    /// What begins the lines that stay.
    name: String,
    /// How the prompt before ended.
    last: Option<Finish>,
}

impl Place {
    pub(super) fn show(&self, view: &View<'_>, smooth: Option<Percentage>, now: Instant) {
        let server = self.name.trim_end();
        self.board
            .change(self.at, |row| *row = Row::of(&Scene { view: *view, smooth, server, now }, self.last.as_ref()));
    }

    /// Tells how a prompt ended, in lines that stay.
    pub(super) fn finished(&mut self, finish: &Finish, look: Look) {
        self.last = Some(finish.clone());
        let indent = self.name.chars().count();
        let (first, indent) = if 2 * indent > look.width {
            self.sink.line(self.name.trim_end().to_owned(), false);
            ("", 0)
        } else {
            (self.name.as_str(), indent)
        };
        let lines = finished(finish, Look { width: look.width - indent, ..look });
        for (n, line) in lines.iter().enumerate() {
            let line = line.ansi(look.colours);
            let line = if n == 0 { format!("{first}{line}") } else { format!("{:indent$}{line}", "") };
            self.sink.line(line, false);
        }
    }

    pub(super) fn over(&self, view: &View<'_>, now: Instant, has_ended: bool) {
        let end = self.last.as_ref().filter(|_| has_ended);
        if end.is_none() {
            self.show(view, None, now);
        }
        self.board.change(self.at, |row| row.over(end));
    }

    /// Says what is wrong above the display, where it would else be written amid it.
    pub(super) fn complain(&self, text: &str) {
        if io::stderr().is_terminal() {
            self.sink.line(text.to_owned(), false);
        } else {
            eprintln!("{text}");
        }
    }
}
