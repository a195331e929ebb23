//! Where a person and a command meet: what is told and asked.

use std::io::{self, Write as _};

use comfyglow::{
    board::BoardError,
    display::{Ink, Terminal, clean, is_interactive},
    doctor::Mark,
    sink::Draw as _,
};
use serde_json::json;

use crate::command::{
    Exit,
    keyboard::{Keyboard, Typed},
    steps::step,
    watch::unwritable,
};

/// Why a command ends before its end.
pub(in crate::command) enum Stop {
    /// A step went wrong: it is told, with what to do.
    Step {
        /// How the command ends.
        exit: Exit,
        /// The step.
        step: &'static str,
        /// What went wrong.
        message: String,
        /// What to do about it.
        advice: String,
    },
    /// The person wants to leave.
    Left,
}

impl Stop {
    /// A step went wrong.
    pub(in crate::command) fn at(
        step: &'static str,
        exit: Exit,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Step { exit, step, message: message.into(), advice: advice.into() }
    }

    /// What went wrong with the board at a step.
    pub(in crate::command) fn board(step: &'static str) -> impl Fn(BoardError) -> Self {
        move |error| {
            let exit = match error {
                BoardError::Several(_)
                | BoardError::NoPort(_)
                | BoardError::NoImage(_)
                | BoardError::Image(_)
                | BoardError::OtherChip(_) => Exit::Usage,
                _ => Exit::Board,
            };
            Self::at(step, exit, error.to_string(), error.advice())
        }
    }
}

/// Tells a person or a program what comes of each step, and asks a person.
pub(in crate::command) struct Desk {
    json: bool,
    keyboard: Option<Keyboard>,
    /// A bar is drawn in place.
    terminal: Option<Terminal<io::Stdout>>,
    error: Option<io::Error>,
}

impl Desk {
    /// A desk for programs, or else for people.
    pub(in crate::command) fn new(json: bool) -> Self {
        Self { json, keyboard: None, terminal: None, error: None }
    }

    /// Whether a person can be asked.
    pub(in crate::command) fn can_ask(&self) -> bool {
        !self.json && Keyboard::is_there()
    }

    /// Tells what came of a step.
    pub(in crate::command) fn tell(&mut self, name: &str, mark: Mark, message: &str, advice: Option<&str>) {
        if self.json {
            let line = json!({"step": name, "result": mark.name(), "message": clean(message), "advice": advice});
            return self.write(&format!("{line}\n"));
        }
        let ink = if name == "result" { Ink::Bold } else { Ink::Plain };
        for line in step(mark, name, ink, message, advice) {
            self.write(&format!("{line}\n"));
        }
    }

    /// That all is well at a step.
    pub(in crate::command) fn well(&mut self, name: &str, message: impl AsRef<str>) {
        self.tell(name, Mark::Ok, message.as_ref(), None);
    }

    /// Draws a line in place of the one before, where that can be; a program is told nothing.
    pub(in crate::command) fn draw(&mut self, line: Option<String>) {
        if self.json || !is_interactive() {
            return;
        }
        let drawn = match line {
            Some(line) => self.terminal.get_or_insert_with(|| Terminal::new(io::stdout())).draw(&[], Some(vec![line])),
            None => self.terminal.take().map_or(Ok(()), |mut terminal| terminal.end()),
        };
        self.note(drawn);
    }

    /// Asks for a line; an empty one is `usual`, where there is such.
    pub(in crate::command) async fn ask(&mut self, question: &str, usual: Option<&str>) -> Result<String, Stop> {
        let usual_shown = usual.map(|usual| format!(" [{}]", clean(usual))).unwrap_or_default();
        self.write(&format!("? {question}{usual_shown}: "));
        match self.keyboard.get_or_insert_with(Keyboard::new).line().await {
            Typed::Line(line) if line.trim().is_empty() => Ok(usual.unwrap_or_default().to_owned()),
            Typed::Line(line) => Ok(line),
            Typed::End | Typed::Leave => Err(Stop::Left),
        }
    }

    /// Asks for a secret, which isn't shown.
    pub(in crate::command) async fn ask_secret(&mut self, question: &str) -> Result<String, Stop> {
        self.write(&format!("? {question}: "));
        let typed = self.keyboard.get_or_insert_with(Keyboard::new).secret().await;
        self.write("\n");
        match typed {
            Ok(Typed::Line(line)) => Ok(line),
            Ok(Typed::End | Typed::Leave) => Err(Stop::Left),
            Err(error) => {
                let advice = "Give it by --password-file, or by the variable COMFYGLOW_WIFI_PASSWORD.";
                Err(Stop::at("settings", Exit::Usage, format!("no password can be asked for here: {error}"), advice))
            }
        }
    }

    /// Asks whether something is to be done; an empty answer means no.
    pub(in crate::command) async fn asks(&mut self, question: &str) -> Result<bool, Stop> {
        let answer = self.ask(&format!("{question} [y/N]"), None).await?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Ends: tells what went wrong, if anything did.
    pub(in crate::command) fn end(mut self, result: Result<Exit, Stop>) -> Exit {
        self.draw(None);
        let exit = match result {
            Ok(exit) => exit,
            Err(Stop::Step { exit, step, message, advice }) => {
                self.tell(step, Mark::Wrong, &message, Some(&advice));
                exit
            }
            Err(Stop::Left) => Exit::Signal(2),
        };
        self.error.map_or(exit, |error| unwritable(&error, true))
    }

    fn write(&mut self, text: &str) {
        if self.error.is_none() {
            let mut out = io::stdout().lock();
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            drop(out);
            self.note(written);
        }
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }
}
