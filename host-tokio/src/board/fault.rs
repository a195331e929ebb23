//! What may go wrong with a board, and what to do about it.

use std::{error, fmt, io};

/// Why a board can't be worked with.
#[derive(Debug)]
#[non_exhaustive]
pub enum BoardError {
    /// The system doesn't tell its ports.
    Ports(String),
    /// No port is a board's.
    NoBoard,
    /// The board may be behind several ports.
    Several(Vec<super::Port>),
    /// There is no port of this name.
    NoPort(String),
    /// The port may not be opened.
    Denied(String),
    /// Another program has the port.
    Busy(String),
    /// The port can't be opened or set up, for another reason.
    Port {
        /// The port.
        name: String,
        /// The system's words.
        reason: String,
    },
    /// The port has gone.
    Unplugged(String),
    /// Nothing, or nothing of use, came in time.
    Silent {
        /// The port.
        name: String,
        /// Whether anything came.
        talks: bool,
    },
    /// The board speaks a newer line protocol.
    Newer(u16),
    /// The board doesn't do what it is asked for.
    Refused {
        /// What it was asked for, without any value.
        asked: String,
        /// Its words.
        words: String,
    },
    /// The board forgets what it was told.
    Forgets,
    /// The image can't be used.
    Image(String),
    /// There is no image.
    NoImage(String),
    /// The board's chip can't be reached to be written.
    NoChip(String),
    /// The board has another chip than the image is for.
    OtherChip(String),
    /// Writing failed.
    Write(String),
}

impl BoardError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::NoBoard => NO_BOARD.to_owned(),
            Self::Several(_) => "Name it: --port NAME.".to_owned(),
            Self::Ports(_) => "Name the board's port: --port NAME.".to_owned(),
            Self::NoPort(_) => format!("Look at its name again; without --port it is looked for. {CABLE}"),
            Self::Denied(name) => denied(name),
            Self::Busy(name) => busy(name),
            Self::Port { .. } => format!("Unplug the board and plug it in again; then look at its name. {CABLE}"),
            Self::Unplugged(_) => "Plug it in again, firmly and without a hub, and start anew.".to_owned(),
            Self::Silent { talks: false, .. } => {
                "Press its reset button and try again; if it stays silent, it has no firmware yet: comfyglow flash."
                    .to_owned()
            }
            Self::Silent { talks: true, .. } => {
                "It has another firmware, or one that doesn't start: comfyglow serial shows what it says, comfyglow flash \
                 writes comfyglow's."
                    .to_owned()
            }
            Self::Newer(_) => "Update comfyglow on this machine, or write this one's firmware: comfyglow flash.".to_owned(),
            Self::Refused { .. } => "Change the value, or look at what the board says: comfyglow serial.".to_owned(),
            Self::Forgets => {
                "It may restart for lack of power: try another cable or port, and look at what it says: comfyglow serial."
                    .to_owned()
            }
            Self::Image(_) => "Make it anew: cargo xtask esp32.".to_owned(),
            Self::NoImage(_) => {
                "Make it, in comfyglow's folder: cargo xtask esp32; or name one: --image FILE.".to_owned()
            }
            Self::NoChip(_) => {
                "Hold the button BOOT while you press RESET (or plug the board in), let go of BOOT last, and try again."
                    .to_owned()
            }
            Self::OtherChip(_) => "Name the board's chip: --chip, and make its image: cargo xtask esp32 --chip.".to_owned(),
            Self::Write(_) => format!("Try again; nothing is broken by a write that stops. {CABLE}"),
        }
    }

    /// What became of opening the port `name`.
    pub(super) fn opening(name: &str, error: &serialport::Error) -> Self {
        use serialport::ErrorKind;

        let name = name.to_owned();
        match error.kind() {
            ErrorKind::Io(io::ErrorKind::PermissionDenied) if !cfg!(windows) => Self::Denied(name),
            // Windows denies what another has open; a lock that is taken would block.
            ErrorKind::Io(io::ErrorKind::PermissionDenied | io::ErrorKind::WouldBlock) => Self::Busy(name),
            // `serialport` says the same of a port that another has and of none.
            ErrorKind::NoDevice if is_there(&name) => Self::Busy(name),
            ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => Self::NoPort(name),
            _ => Self::Port { name, reason: error.to_string() },
        }
    }
}

fn is_there(name: &str) -> bool {
    std::path::Path::new(name).exists() || super::ports().is_ok_and(|ports| ports.iter().any(|port| port.name == name))
}

const CABLE: &str = "Some cables only charge: try another one.";

const NO_BOARD: &str = "Plug the board in by a cable that has wires for data (some only charge). Where it still isn't found, \
     hold its button BOOT while you plug it in. Boards with a CH340 or CP210x bridge need its driver on Windows and macOS. \
     A port that you know is named by --port.";

fn denied(name: &str) -> String {
    if cfg!(target_os = "linux") {
        format!(
            "Your user may not use {name}: sudo usermod -aG dialout $USER (on Arch: uucp), then log out and in again. Or for \
             everybody at this machine, as /etc/udev/rules.d/99-comfyglow.rules: \
             SUBSYSTEM==\"tty\", ATTRS{{idVendor}}==\"303a\", TAG+=\"uaccess\""
        )
    } else {
        format!("Your user may not use {name}: look at its owner and permissions.")
    }
}

fn busy(name: &str) -> String {
    let who = if cfg!(unix) { format!(" fuser {name} tells which.") } else { String::new() };
    format!(
        "Close what uses it: another comfyglow serial, espflash, screen or minicom, the Arduino IDE, a printer's \
         program, or ModemManager, which lets go after some seconds.{who}"
    )
}

impl fmt::Display for BoardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ports(reason) => write!(f, "this machine's serial ports can't be listed: {reason}"),
            Self::NoBoard => f.write_str("no board is found on USB"),
            Self::Several(ports) => {
                f.write_str("it may be any of these ports:")?;
                ports.iter().enumerate().try_for_each(|(n, port)| {
                    write!(f, "{} {} ({})", if n == 0 { "" } else { "," }, port.name, port.what)
                })
            }
            Self::NoPort(name) => write!(f, "there is no port {name}"),
            Self::Denied(name) => write!(f, "the port {name} may not be opened"),
            Self::Busy(name) => write!(f, "another program has the port {name}"),
            Self::Port { name, reason } => write!(f, "the port {name} can't be used: {reason}"),
            Self::Unplugged(name) => write!(f, "the board at {name} is gone"),
            Self::Silent { name, talks: false } => write!(f, "nothing answers at {name}"),
            Self::Silent { name, talks: true } => write!(f, "what talks at {name} doesn't answer as comfyglow does"),
            Self::Newer(version) => {
                write!(f, "the board speaks protocol {version}, this program {}", comfyglow_setup::PROTOCOL)
            }
            Self::Refused { asked, words } => write!(f, "the board refuses `{asked}`: {words}"),
            Self::Forgets => f.write_str("the board doesn't keep what it is told"),
            Self::Image(reason) => write!(f, "the image can't be used: {reason}"),
            Self::NoImage(file) => write!(f, "there is no image {file}"),
            Self::NoChip(reason) => write!(f, "the board's chip doesn't let itself be written: {reason}"),
            Self::OtherChip(words) => write!(f, "{words}"),
            Self::Write(reason) => write!(f, "the image couldn't be written: {reason}"),
        }
    }
}

impl error::Error for BoardError {}
