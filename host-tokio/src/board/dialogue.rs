//! The host's side of the line protocol.

use std::{collections::VecDeque, time::Duration};

use comfyglow_setup::{Command, PROTOCOL, Reply, Setting};
use tokio::time::{self, Instant};

use super::{
    BoardError,
    demux::{Demux, Heard},
    wire::Wire,
};

/// How long an answer may take: saving erases a page of flash, which takes up to half a second.
const ANSWER: Duration = Duration::from_secs(3);
/// Tries of a line that isn't answered: a restart may have swallowed it.
const TRIES: u32 = 2;
/// How long a greeting may stay unanswered until the next one.
const GREETING: Duration = Duration::from_secs(1);

/// Lines of an answer at most; a board that says more says nonsense.
const ANSWER_LINES: usize = 64;

/// What firmware a board has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Its version: `0.1.0`.
    pub version: String,
    /// The chip that it runs on: `esp32c3`.
    pub chip: String,
}

/// What is set, as the board shows it: no secret is among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    settings: Vec<(Setting, String)>,
    /// It isn't saved.
    pub unsaved: bool,
    /// What must be set before it can work.
    pub missing: Option<Setting>,
}

impl Shown {
    /// The value of a setting, empty where none is set; of the password whether there is one: `(set)` or `(none)`.
    pub fn value(&self, setting: Setting) -> &str {
        self.settings.iter().find(|(of, _)| *of == setting).map_or("", |(_, value)| value)
    }

    /// All settings that the board knows, in its order.
    pub fn all(&self) -> impl Iterator<Item = (Setting, &str)> {
        self.settings.iter().map(|(setting, value)| (*setting, value.as_str()))
    }

    /// Whether the board's network is Wi-Fi.
    pub fn has_radio(&self) -> bool {
        self.missing == Some(Setting::Ssid) || !self.value(Setting::Ssid).is_empty()
    }
}

/// How the board is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The network: a word, `up` where all is well, and words behind a colon.
    pub network: String,
    /// The connection to the server: a word, `connected` where all is well, and words behind a colon.
    pub connection: String,
    /// The prompt.
    pub prompt: String,
    /// How long it runs.
    pub uptime: String,
    /// Why it started.
    pub reset: String,
}

impl Status {
    /// Whether the board shows what its server does.
    pub fn is_connected(&self) -> bool {
        word(&self.connection) == "connected"
    }

    /// Whether the board is in its network.
    pub fn is_up(&self) -> bool {
        word(&self.network) == "up"
    }

    /// What is wrong, in the board's words, where it says that something is.
    pub fn trouble(&self) -> Option<&str> {
        let behind = |value: &'_ str| value.split_once(':').map_or(0, |(word, _)| word.len() + 1);
        let of = if self.is_up() { &self.connection } else { &self.network };
        let words = of.get(behind(of)..).unwrap_or_default().trim();
        (!self.is_connected() && words.len() < of.len() && !words.is_empty()).then_some(words)
    }
}

/// The word that a value begins with.
fn word(value: &str) -> &str {
    value.split([':', ' ']).next().unwrap_or_default()
}

/// A talk with a board: one line at a time, each answered. Log frames and what the board says unasked are passed over.
pub struct Dialogue {
    wire: Wire,
    demux: Demux,
    lines: VecDeque<String>,
    /// Anything has come.
    talks: bool,
}

impl Dialogue {
    /// Begins a talk over `wire`.
    pub fn new(wire: Wire) -> Self {
        Self { wire, demux: Demux::new(), lines: VecDeque::new(), talks: false }
    }

    /// The port.
    pub fn port(&self) -> &str {
        self.wire.name()
    }

    /// Ends the talk, and waits until others may use the port.
    pub async fn close(self) {
        self.wire.close().await;
    }

    /// Greets the board, which may be about to start, until it answers, but no longer than `patience`.
    ///
    /// # Errors
    ///
    /// It doesn't answer, isn't comfyglow's, or speaks a newer protocol; the port has gone.
    pub async fn greet(&mut self, patience: Duration) -> Result<Firmware, BoardError> {
        let deadline = Instant::now() + patience;
        loop {
            let until = (Instant::now() + GREETING).min(deadline);
            match self.ask_once(Command::Version, until).await {
                Ok(answer) => {
                    if let Some(firmware) = firmware(&answer)? {
                        return Ok(firmware);
                    }
                }
                Err(BoardError::Silent { .. } | BoardError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
            if Instant::now() >= deadline {
                return Err(self.silent());
            }
        }
    }

    /// Waits, no longer than `patience`, until the port is there again, and greets the board.
    ///
    /// # Errors
    ///
    /// It doesn't come back, or as [`greet`](Self::greet) has them.
    pub async fn again(self, patience: Duration) -> Result<(Self, Firmware), BoardError> {
        let deadline = Instant::now() + patience;
        let name = self.port().to_owned();
        let mut dialogue = self;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match dialogue.greet(left).await {
                Ok(firmware) => return Ok((dialogue, firmware)),
                Err(BoardError::Unplugged(_)) => {}
                Err(error) => return Err(error),
            }
            dialogue.close().await;
            let left = deadline.saturating_duration_since(Instant::now());
            dialogue = Self::new(Wire::open_within(&name, left).await?);
        }
    }

    /// What is set.
    ///
    /// # Errors
    ///
    /// The board doesn't answer, or refuses.
    pub async fn show(&mut self) -> Result<Shown, BoardError> {
        let mut shown = Shown::default();
        for line in self.ask(Command::Show).await? {
            match Reply::parse(&line) {
                Reply::Value { name: "unsaved", value } => shown.unsaved = value == "yes",
                Reply::Value { name: "missing", value } => shown.missing = Setting::named(value),
                Reply::Value { name, value } => {
                    if let Some(setting) = Setting::named(name) {
                        shown.settings.push((setting, value.to_owned()));
                    }
                }
                _ => {}
            }
        }
        Ok(shown)
    }

    /// Sets a setting.
    ///
    /// # Errors
    ///
    /// The board doesn't answer, or refuses the value.
    pub async fn set(&mut self, setting: Setting, value: &str) -> Result<(), BoardError> {
        // No password is told, not even by an empty line.
        let command = if value.is_empty() { Command::Unset(setting) } else { Command::Set(setting, value) };
        self.ask(command).await.map(drop)
    }

    /// Has the board keep what is set.
    ///
    /// # Errors
    ///
    /// The board doesn't answer, or can't write.
    pub async fn save(&mut self) -> Result<(), BoardError> {
        self.ask(Command::Save).await.map(drop)
    }

    /// Has the board forget all settings.
    ///
    /// # Errors
    ///
    /// The board doesn't answer, or can't erase.
    pub async fn forget(&mut self) -> Result<(), BoardError> {
        self.ask(Command::Forget).await.map(drop)
    }

    /// Has the board restart; [`again`](Self::again) tells when it is back.
    ///
    /// # Errors
    ///
    /// The board doesn't answer.
    pub async fn restart(&mut self) -> Result<(), BoardError> {
        match self.ask_once(Command::Restart, Instant::now() + ANSWER).await {
            // It may be gone before its answer is here, or be asked twice.
            Ok(_) | Err(BoardError::Unplugged(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// How the board is.
    ///
    /// # Errors
    ///
    /// The board doesn't answer, or refuses.
    pub async fn status(&mut self) -> Result<Status, BoardError> {
        let mut status = Status::default();
        for line in self.ask(Command::Status).await? {
            if let Reply::Value { name, value } = Reply::parse(&line) {
                let field = match name {
                    "network" => &mut status.network,
                    "connection" => &mut status.connection,
                    "prompt" => &mut status.prompt,
                    "uptime" => &mut status.uptime,
                    "reset" => &mut status.reset,
                    _ => continue,
                };
                value.clone_into(field);
            }
        }
        Ok(status)
    }

    /// Sends a line, and waits for its answer; whatever it asks for does no harm twice.
    async fn ask(&mut self, command: Command<'_>) -> Result<Vec<String>, BoardError> {
        let mut tries = 1;
        loop {
            match self.ask_once(command, Instant::now() + ANSWER).await {
                Err(BoardError::Silent { .. }) if tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn ask_once(&mut self, command: Command<'_>, until: Instant) -> Result<Vec<String>, BoardError> {
        // Of what was asked before nothing more is wanted.
        while let Some(bytes) = self.wire.heard_already() {
            self.take(&bytes);
        }
        self.lines.clear();
        self.demux.forget();
        let line = command.line().map_err(|error| refused(command, error.to_string()))?;
        // Behind whatever was typed before.
        self.wire.say(format!("\x15{line}\r").into_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            while let Some(line) = self.lines.pop_front() {
                match Reply::parse(&line) {
                    Reply::Ok => return Ok(answer),
                    Reply::Error(words) => return Err(refused(command, words.to_owned())),
                    Reply::Hint(_) => {}
                    _ if answer.len() >= ANSWER_LINES => return Err(self.silent()),
                    _ => answer.push(line),
                }
            }
            match time::timeout_at(until, self.wire.hear()).await {
                Ok(bytes) => self.take(&bytes?),
                Err(_) => return Err(self.silent()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.talks = true;
        let lines = &mut self.lines;
        self.demux.hear(bytes, |heard| {
            if let Heard::Text(line) = heard {
                lines.push_back(line.to_owned());
            }
        });
    }

    fn silent(&self) -> BoardError {
        BoardError::Silent { name: self.port().to_owned(), talks: self.talks }
    }
}

/// A refusal. The board's words may repeat nothing that is a secret; the line is told without its value.
fn refused(command: Command<'_>, words: String) -> BoardError {
    let asked = match command {
        Command::Set(setting, _) => format!("set {}", setting.name()),
        other => other.line().map_or_else(|_| format!("{other:?}"), |line| line.to_string()),
    };
    BoardError::Refused { asked, words }
}

fn firmware(answer: &[String]) -> Result<Option<Firmware>, BoardError> {
    let mut firmware = None;
    for line in answer {
        match Reply::parse(line) {
            Reply::Version { version, chip } => {
                firmware = Some(Firmware { version: version.to_owned(), chip: chip.to_owned() });
            }
            Reply::Protocol(version) if version > PROTOCOL => return Err(BoardError::Newer(version)),
            _ => {}
        }
    }
    Ok(firmware)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_what_is_wrong() {
        let of = |network: &str, connection: &str| Status {
            network: network.to_owned(),
            connection: connection.to_owned(),
            ..Status::default()
        };
        assert_eq!(of("offline: wrong password", "disconnected").trouble(), Some("wrong password"));
        assert_eq!(of("joining", "disconnected").trouble(), None);
        assert_eq!(of("up", "waiting: unknown host: look at it").trouble(), Some("unknown host: look at it"));
        assert_eq!(of("up", "connecting").trouble(), None);
        let well = of("up", "connected: 3 ms");
        assert!(well.is_connected() && well.is_up() && well.trouble().is_none());
    }

    #[test]
    fn a_refusal_tells_no_value() {
        let error = refused(Command::Set(Setting::Password, "geheim12"), "no".to_owned());
        assert_eq!(error.to_string(), "the board refuses `set password`: no");
        assert_eq!(refused(Command::Save, "flash".to_owned()).to_string(), "the board refuses `save`: flash");
    }
}
