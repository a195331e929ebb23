//! The gadget's side of the protocol: what is set, and what is answered.

use core::fmt::{self, Write};

use heapless::String;

use crate::{
    command::{Command, CommandError},
    display::Display,
    limits::ANSWER_BYTES,
    reply::PROTOCOL,
    setting::Setting,
    settings::Settings,
};

/// What is to be sent: lines, each with its end.
pub type Answer = String<ANSWER_BYTES>;

/// What the lines need to know of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// The firmware's version: `0.1.0`.
    pub version: &'static str,
    /// The chip, in a word: `esp32c3`.
    pub chip: &'static str,
    /// Whether its network is Wi-Fi, which wants a name and a password.
    pub radio: bool,
    /// The displays that this firmware can drive.
    pub displays: &'static [Display],
}

/// What is asked of others. All but `Nothing` and `Restart` is still to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "somebody waits for it"]
pub enum Asked {
    /// It is answered.
    Nothing,
    /// Write [`Desk::settings`] to flash, then say how it went to [`Desk::saved`].
    Save,
    /// Erase the settings in flash, then say how it went to [`Desk::forgotten`].
    Forget,
    /// Send the answer, then restart.
    Restart,
    /// Add lines `name=value`, then [`Desk::done`].
    Status,
}

/// What is set, and what is saved.
#[derive(Clone, Debug)]
pub struct Desk {
    board: Board,
    settings: Settings,
    saved: Settings,
}

impl Desk {
    /// So much was saved, or nothing.
    pub fn new(board: Board, saved: Settings) -> Self {
        Self { board, settings: saved.clone(), saved }
    }

    /// What is set, saved or not.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether all that must be set is saved.
    pub fn is_set_up(&self) -> bool {
        self.saved.missing(self.board.radio).is_none()
    }

    /// Does what a line asks for, and adds what there is to say to `answer`.
    pub fn answer(&mut self, line: Result<Command<'_>, CommandError>, answer: &mut Answer) -> Asked {
        let written = match line {
            Ok(Command::Help) => help(answer),
            Ok(Command::Version) => self.version(answer),
            Ok(Command::Show) => self.show(answer),
            Ok(Command::Set(setting, value)) => return self.set(setting, value, answer),
            Ok(Command::Unset(setting)) => {
                self.settings.reset(setting);
                Ok(())
            }
            Ok(Command::Save) => return Asked::Save,
            Ok(Command::Forget) => return Asked::Forget,
            Ok(Command::Status) => return Asked::Status,
            Ok(Command::Restart) => {
                ok(answer);
                return Asked::Restart;
            }
            Ok(Command::Echo(_)) => Ok(()),
            Err(error) => {
                refused(answer, error);
                return Asked::Nothing;
            }
        };
        // There is room for each: a test says so.
        match written {
            Ok(()) => ok(answer),
            Err(fmt::Error) => refused(answer, "the answer is too long"),
        }
        Asked::Nothing
    }

    /// What is set was written to flash, or wasn't.
    pub fn saved<E: fmt::Display>(&mut self, result: Result<(), E>, answer: &mut Answer) {
        match result {
            Ok(()) => {
                self.saved = self.settings.clone();
                ok(answer);
            }
            Err(error) => refused(answer, error),
        }
    }

    /// The settings in flash were erased, or weren't.
    pub fn forgotten<E: fmt::Display>(&mut self, result: Result<(), E>, answer: &mut Answer) {
        match result {
            Ok(()) => {
                self.settings = Settings::new();
                self.saved = Settings::new();
                ok(answer);
            }
            Err(error) => refused(answer, error),
        }
    }

    /// An answer that others wrote is at its end.
    pub fn done(answer: &mut Answer) {
        ok(answer);
    }

    /// What is said unasked where it isn't set up.
    pub const fn hint() -> &'static str {
        "# comfyglow: not set up; type help\r\n"
    }

    fn set(&mut self, setting: Setting, value: &str, answer: &mut Answer) -> Asked {
        let driven = setting != Setting::Display
            || Display::named(value).is_none_or(|display| self.board.displays.contains(&display));
        if driven {
            match self.settings.put(setting, value) {
                Ok(()) => ok(answer),
                Err(error) => refused(answer, error),
            }
        } else {
            refused(answer, NotDriven(self.board.displays));
        }
        Asked::Nothing
    }

    fn version(&self, answer: &mut Answer) -> fmt::Result {
        let Board { version, chip, .. } = self.board;
        write!(answer, "version comfyglow {version} {chip}\r\nprotocol {PROTOCOL}\r\n")
    }

    fn show(&self, answer: &mut Answer) -> fmt::Result {
        for setting in Setting::ALL {
            write!(answer, "{}=", setting.name())?;
            self.settings.show_value(setting, answer)?;
            answer.write_str("\r\n")?;
        }
        let unsaved = if self.settings == self.saved { "no" } else { "yes" };
        write!(answer, "unsaved={unsaved}\r\nmissing=")?;
        let missing = self.settings.missing(self.board.radio);
        answer.write_str(missing.map_or("none", |missing| missing.setting().name()))?;
        answer.write_str("\r\n")
    }
}

/// The display is one, but not of this firmware.
struct NotDriven(&'static [Display]);

impl fmt::Display for NotDriven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this firmware drives")?;
        self.0.iter().try_for_each(|display| write!(f, " {}", display.name()))
    }
}

fn ok(answer: &mut Answer) {
    _ = answer.write_str("ok\r\n");
}

fn refused(answer: &mut Answer, why: impl fmt::Display) {
    _ = write!(answer, "error: {why}\r\n");
}

fn help(answer: &mut Answer) -> fmt::Result {
    answer.write_str(
        "set NAME VALUE   VALUE is the rest of the line; quotes around it are dropped\r\n\
         unset NAME       as it was when nothing was set\r\n\
         show             what is set\r\n\
         save             keeps it; it counts from the next start on\r\n\
         restart          starts anew\r\n\
         forget           erases what is kept\r\n\
         status           network, server and prompt\r\n\
         version          of the firmware\r\n\
         echo on|off      sends back what is typed\r\n\
         NAME is",
    )?;
    Setting::ALL.into_iter().try_for_each(|setting| write!(answer, " {}", setting.name()))?;
    answer.write_str("\r\nFor Wi-Fi and a server: set ssid, set password, set server, save, restart\r\n")
}

#[cfg(test)]
mod tests;
