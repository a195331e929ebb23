use std::{fs, io, path::PathBuf, time::Duration};

use comfyglow::{
    board::{BoardError, Chip, Demux, Heard, Image, Level, LogLine, LogTable, Port, Wire},
    display::{Ink, Line, clean, look},
    sink::{Lines, Sink},
};
use serde_json::json;
use tokio::time;

use super::{
    Exit,
    flash::made,
    interrupt::Interrupt,
    keyboard::{Keyboard, Typed},
    setup::{Desk, Stop, choose},
    watch::{unwritable, written},
};

/// How often a board that is unplugged is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// Show what a display says over USB, its log decoded, and send it what is typed
///
/// Lines of text pass as they are. Log frames are read by the texts of the image that the board runs. A board that is
/// unplugged is waited for. What is typed is sent line by line: help tells what there is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow serial                         the board, its log by the image that was made last
  comfyglow serial --elf comfyglow-esp32c3.elf
  echo status | comfyglow serial
  comfyglow serial --json | jq -r 'select(.level == \"error\").message'

A line of --json is a line of the board: {\"text\"}, {\"level\", \"time\", \"message\", \"place\"}, or {\"event\", \"message\"}
for what happens to the port.

Exit statuses:
  130 Ctrl-C, 2 wrong usage, 6 the port can't be opened")]
pub(super) struct Args {
    /// The board's serial port, such as /dev/ttyACM0 or COM3 [default: it is looked for]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// The image that the board runs, whose texts its log needs [default: the one that cargo xtask esp32 made, where there is
    /// one]
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Print each line as a line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::new()?;
    let mut desk = Desk::new(args.json);
    let (port, table) = match begin(&args, &mut desk).await {
        Ok(begun) => begun,
        Err(stop) => return Ok(desk.end(Err(stop))),
    };
    let sink = Sink::spawn(Lines(io::stdout()));
    let mut monitor = Monitor { sink: &sink, json: args.json, table, frames: 0, demux: Demux::new(), unread: 0 };
    let mut stopped = None;
    let mut exit = tokio::select! {
        error = monitor.listen(&port) => {
            stopped = Some(Stop::board("port")(error));
            None
        }
        signal = interrupt.wait() => Some(signal),
        error = sink.failed() => Some(unwritable(&error, true)),
    };
    monitor.tell_waste();
    if let Err(error) = written(sink.end(), &mut interrupt, &mut exit).await {
        exit.get_or_insert(unwritable(&error, true));
    }
    if sink.lost() > 0 {
        eprintln!("warning: stdout was not read for so long that {} lines were lost", sink.lost());
    }
    let stopped = stopped.map(|stop| desk.end(Err(stop)));
    Ok(exit.or(stopped).unwrap_or(Exit::Success))
}

async fn begin(args: &Args, desk: &mut Desk) -> Result<(Port, Option<LogTable>), Stop> {
    let table = match &args.elf {
        Some(file) => {
            let wrong = Stop::board("image");
            let elf = fs::read(file).map_err(|_| wrong(BoardError::NoImage(file.display().to_string())))?;
            Some(
                LogTable::read(&elf)
                    .map_err(&wrong)?
                    .ok_or_else(|| wrong(BoardError::Image(format!("{} has no texts of a log", file.display()))))?,
            )
        }
        None => usual(),
    };
    Ok((choose(args.port.as_deref(), desk).await?, table))
}

/// The texts of the image that was made, where it is only one: of several nobody knows which one the board has.
fn usual() -> Option<LogTable> {
    let made: Vec<_> = [Chip::Esp32c3, Chip::Esp32c6].iter().filter_map(|chip| made(&Image::file(*chip))).collect();
    let [file] = made.as_slice() else { return None };
    LogTable::read(&fs::read(file).ok()?).ok()?
}

/// Shows what a board says.
struct Monitor<'a> {
    sink: &'a Sink,
    json: bool,
    table: Option<LogTable>,
    demux: Demux,
    /// Log frames that came.
    frames: u64,
    /// Of them those that couldn't be read.
    unread: u64,
}

impl Monitor<'_> {
    /// Listens for ever; a board that goes is waited for.
    async fn listen(&mut self, port: &Port) -> BoardError {
        let mut keyboard = Some(Keyboard::new());
        let mut wire = match Wire::open(&port.name).await {
            Ok(wire) => wire,
            Err(error) => return error,
        };
        loop {
            self.event("open", &format!("listening to {} ({}); Ctrl-C ends", port.name, port.what));
            loop {
                tokio::select! {
                    heard = wire.hear() => match heard {
                        Ok(bytes) => self.hear(&bytes),
                        Err(_) => break,
                    },
                    typed = typed(&mut keyboard) => match typed {
                        Typed::Line(line) => if wire.say(format!("{line}\r").into_bytes()).await.is_err() { break },
                        Typed::End | Typed::Leave => keyboard = None,
                    },
                }
            }
            self.demux.forget();
            self.event("gone", "the board is gone; waiting for it");
            wire.close().await;
            wire = loop {
                time::sleep(LOOK).await;
                match Wire::open(&port.name).await {
                    Ok(wire) => break wire,
                    // It may take a moment until its owner is set.
                    Err(BoardError::NoPort(_) | BoardError::Denied(_) | BoardError::Port { .. }) => {}
                    Err(error) => return error,
                }
            };
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let mut demux = std::mem::take(&mut self.demux);
        demux.hear(bytes, |heard| match heard {
            Heard::Text(text) => self.text(text),
            Heard::Frame(frame) => self.frame(frame),
        });
        self.demux = demux;
    }

    fn text(&self, text: &str) {
        let text = clean(text);
        if self.json {
            return self.line(json!({"text": text}).to_string());
        }
        // What is said unasked matters less than an answer.
        let ink = if text.starts_with('#') { Ink::Dim } else { Ink::Plain };
        self.inked(&Line::new().with(ink, text));
    }

    fn frame(&mut self, frame: &[u8]) {
        self.frames += 1;
        let Some(table) = &self.table else {
            if self.frames == 1 {
                let words = "the board logs in frames, which only the image that it runs can read: --elf FILE";
                self.event("log", words);
            }
            return;
        };
        if let Some(line) = table.line(frame) {
            return self.log(&line);
        }
        self.unread += 1;
        if self.unread == 1 {
            self.event("log", "a log frame can't be read: is it the image that the board runs? --elf FILE");
        }
    }

    fn log(&self, log: &LogLine) {
        let LogLine { level, time, message, place } = log;
        let message = clean(message);
        if self.json {
            let level = level.map(Level::name);
            return self.line(json!({"level": level, "time": time, "message": message, "place": place}).to_string());
        }
        let (ink, word) = match level {
            Some(Level::Error) => (Ink::Bad, "error"),
            Some(Level::Warn) => (Ink::Warn, "warn"),
            Some(Level::Info) => (Ink::Good, "info"),
            Some(Level::Debug) => (Ink::Dim, "debug"),
            Some(Level::Trace) => (Ink::Dim, "trace"),
            None => (Ink::Plain, "print"),
        };
        let mut line = Line::new();
        if let Some(time) = time {
            line.push(Ink::Dim, format!("{time} "));
        }
        line.push(ink, format!("{word:<6}"));
        line.push(Ink::Plain, message);
        if let Some(place) = place {
            line.push(Ink::Dim, format!("  {place}"));
        }
        self.inked(&line);
    }

    /// Something happens to the port, or the log: no line of the board.
    fn event(&self, event: &str, message: &str) {
        if self.json {
            return self.line(json!({"event": event, "message": message}).to_string());
        }
        self.inked(&Line::new().with(Ink::Dim, format!("-- {message}")));
    }

    fn tell_waste(&self) {
        let waste = self.demux.waste();
        let mut words = Vec::new();
        if self.table.is_none() && self.frames > 0 {
            words.push(format!("{} log frames were not read", self.frames));
        }
        if self.unread > 0 {
            words.push(format!("{} of {} log frames could not be read", self.unread, self.frames));
        }
        if waste.bytes > 0 {
            words.push(format!("{} bytes were neither text nor a whole frame", waste.bytes));
        }
        if !words.is_empty() {
            self.event("waste", &words.join("; "));
        }
    }

    fn inked(&self, line: &Line) {
        self.line(line.ansi(look().colours));
    }

    fn line(&self, line: String) {
        self.sink.line(line, false);
    }
}

/// Waits for a line; for ever where nobody types any more.
async fn typed(keyboard: &mut Option<Keyboard>) -> Typed {
    match keyboard {
        Some(keyboard) => keyboard.line().await,
        None => std::future::pending().await,
    }
}
