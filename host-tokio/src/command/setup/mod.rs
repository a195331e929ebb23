//! Sets a board up, and follows it to its first connection.

mod desk;
mod port;
mod wanted;

use std::time::Duration;

use comfyglow::{
    board::{BoardError, Dialogue, Firmware, Port, Shown, Status, Wire, advice},
    doctor::Mark,
};
use comfyglow_setup::Setting;
use tokio::time::{self, Instant};

pub(super) use desk::{Desk, Stop};
pub(super) use port::choose;
pub(super) use wanted::{Given, Wanted};

use super::{Exit, interrupt::Interrupt};

/// How long a step of looking at a server may take.
const SERVER: Duration = Duration::from_secs(5);
/// How long a board may take to answer at first: it may just have been plugged in.
const GREETING: Duration = Duration::from_secs(8);
/// How often the board is asked how it is.
const ASKED: Duration = Duration::from_millis(500);
/// The part of its time that a board may be in the same trouble until that is what there is to say.
const TROUBLE: u32 = 4;

/// Set a display up over USB: Wi-Fi, server, display, LEDs
///
/// Asks for what is missing, looks whether the server answers, has the board keep it and restart, and follows it to its first
/// connection. What is given on the command line isn't asked for. A person at a serial terminal may type the same lines: help
/// tells them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow setup                                  asks for what is missing
  comfyglow setup server=desk.local brightness=60  sets these, and leaves the rest
  comfyglow setup ssid=Home --password-file wifi.txt server=192.168.1.20:8188
  comfyglow setup leds=8 leds-brightness=20 display=sh1106-128x64
  comfyglow setup --json | jq -r 'select(.result == \"wrong\").advice'

A password on the command line is seen by others; it is asked for, or read from --password-file or the
variable COMFYGLOW_WIFI_PASSWORD. It is never shown, and the board doesn't tell it.

A line of --json is a step: step (port, board, settings, server, saved, network, connection, result), result
(ok, better, wrong, skipped), message, advice or null.

Exit statuses:
  0 the display shows what its server does, 2 wrong usage, or a value that is none, 4 the board is set up, but
  doesn't reach its network or server, 6 the board can't be reached or refuses, 130 Ctrl-C")]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The board's serial port, such as /dev/ttyACM0 or COM3 [default: it is looked for]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Print each step as a line of JSON, and ask nothing
    #[arg(long)]
    json: bool,
    /// How long the board may take to its first connection
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = super::doctor::seconds)]
    timeout: f64,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::new()?;
    let mut desk = Desk::new(args.json);
    let result = tokio::select! {
        result = set_up(&args, &mut desk) => result,
        signal = interrupt.wait() => Ok(signal),
    };
    Ok(desk.end(result))
}

async fn set_up(args: &Args, desk: &mut Desk) -> Result<Exit, Stop> {
    let mut wanted = Wanted::given(&args.given, desk)?;
    let port = choose(args.port.as_deref(), desk).await?;
    let (dialogue, firmware) = open(&port, GREETING).await.map_err(Stop::board("board"))?;
    tell_board(&port, &firmware, desk);
    let mut board = Board { dialogue, patience: Duration::from_secs_f64(args.timeout) };
    let shown = board.shown(desk).await?;
    wanted.complete(&shown, shown.has_radio(), desk).await?;
    wanted.check_server(&shown, desk).await?;
    board.finish(&wanted, desk).await
}

/// Opens a port, and greets the board.
pub(super) async fn open(port: &Port, patience: Duration) -> Result<(Dialogue, Firmware), BoardError> {
    let mut dialogue = Dialogue::new(Wire::open(&port.name).await?);
    match dialogue.greet(patience).await {
        Ok(firmware) => Ok((dialogue, firmware)),
        Err(error) => {
            dialogue.close().await;
            Err(error)
        }
    }
}

/// Tells which board it is.
pub(super) fn tell_board(port: &Port, firmware: &Firmware, desk: &mut Desk) {
    let Firmware { version, chip } = firmware;
    desk.well("board", format!("comfyglow {version} on an {chip}, at {} ({})", port.name, port.what));
}

/// A board that talks to us.
pub(super) struct Board {
    /// The talk.
    pub(super) dialogue: Dialogue,
    /// How long it may take to its first connection.
    pub(super) patience: Duration,
}

impl Board {
    /// What is set, and tells it.
    pub(super) async fn shown(&mut self, desk: &mut Desk) -> Result<Shown, Stop> {
        let shown = self.dialogue.show().await.map_err(Stop::board("settings"))?;
        let words: Vec<_> = shown.all().map(|(setting, value)| format!("{}={value}", setting.name())).collect();
        desk.well("settings", words.join("  "));
        Ok(shown)
    }

    /// Has the board keep what is wanted, restarts it where anything has changed, and follows it to its first connection.
    pub(super) async fn finish(mut self, wanted: &Wanted, desk: &mut Desk) -> Result<Exit, Stop> {
        if self.keep(wanted, desk).await? {
            self.dialogue.restart().await.map_err(Stop::board("saved"))?;
            let (dialogue, _) = self.dialogue.again(self.patience).await.map_err(Stop::board("board"))?;
            self.dialogue = dialogue;
        }
        let result = self.follow(desk).await;
        self.dialogue.close().await;
        result
    }

    /// Sets and saves what is wanted; whether anything has changed. A board that restarts meanwhile is told again.
    async fn keep(&mut self, wanted: &Wanted, desk: &mut Desk) -> Result<bool, Stop> {
        const TRIES: u32 = 3;
        let refused = Stop::board("settings");
        let before = self.dialogue.show().await.map_err(&refused)?;
        // A password isn't shown: whoever gives one wants it set.
        let is_new = |(setting, value): (Setting, &str)| match setting {
            Setting::Password => !value.is_empty() || before.value(setting) != "(none)",
            _ => value != before.value(setting),
        };
        if !before.unsaved && !wanted.iter().any(is_new) {
            return Ok(false);
        }
        for _ in 0..TRIES {
            for (setting, value) in wanted.iter() {
                self.dialogue.set(setting, value).await.map_err(&refused)?;
            }
            self.dialogue.save().await.map_err(|error| match error {
                // It restarts each time that it is to write.
                BoardError::Silent { talks: true, .. } => Stop::board("saved")(BoardError::Forgets),
                error => Stop::board("saved")(error),
            })?;
            let after = self.dialogue.show().await.map_err(&refused)?;
            if !after.unsaved && wanted.iter().all(|(setting, value)| is_kept(setting, value, &after)) {
                let words = wanted.words();
                desk.well("saved", if words.is_empty() { "what was set and not saved".to_owned() } else { words });
                return Ok(true);
            }
        }
        Err(Stop::board("saved")(BoardError::Forgets))
    }

    /// Asks the board how it is until it is connected, or in trouble for long.
    async fn follow(&mut self, desk: &mut Desk) -> Result<Exit, Stop> {
        let began = Instant::now();
        let mut told = Status::default();
        // What is wrong, and since when.
        let mut trouble: Option<(String, Instant)> = None;
        loop {
            let status = self.dialogue.status().await.map_err(Stop::board("board"))?;
            tell_status(&told, &status, desk);
            if status.is_connected() {
                desk.well("result", "The display shows what its server does.");
                return Ok(Exit::Success);
            }
            match status.trouble() {
                Some(words) if trouble.as_ref().is_some_and(|(known, _)| known == words) => {}
                Some(words) => trouble = Some((words.to_owned(), Instant::now())),
                // It tries again: what was wrong may be so still.
                None => {}
            }
            told = status;
            let is_settled = trouble.as_ref().is_some_and(|(_, since)| since.elapsed() >= self.patience / TROUBLE);
            if is_settled || began.elapsed() >= self.patience {
                let words = trouble.map_or_else(|| "it takes too long".to_owned(), |(words, _)| words);
                let what = if told.is_up() { "the server is not reached" } else { "the network is not joined" };
                // The board says what to do behind what is wrong.
                let (wrong, remedy) = words.split_once("; ").unwrap_or((&words, advice(&words)));
                return Err(Stop::at("result", Exit::Lost, format!("{what}: {wrong}"), remedy));
            }
            time::sleep(ASKED).await;
        }
    }
}

/// Tells what of `status` is new since `told`.
fn tell_status(told: &Status, status: &Status, desk: &mut Desk) {
    let mark = |is_well: bool, words: &str| match (is_well, words.contains(':')) {
        (true, _) => Mark::Ok,
        (false, true) => Mark::Better,
        (false, false) => Mark::Skipped,
    };
    if status.reset != told.reset && !matches!(status.reset.as_str(), "" | "power-on" | "software") {
        desk.tell("board", Mark::Better, &format!("it started after {}", status.reset), None);
    }
    if status.network != told.network {
        desk.tell("network", mark(status.is_up(), &status.network), &status.network, None);
    }
    if status.is_up() && status.connection != told.connection {
        desk.tell("connection", mark(status.is_connected(), &status.connection), &status.connection, None);
    }
}

fn is_kept(setting: Setting, value: &str, shown: &Shown) -> bool {
    match (setting, value) {
        (Setting::Password, "") => shown.value(setting) == "(none)",
        (Setting::Password, _) => shown.value(setting) == "(set)",
        // What is unset shows the value that it has then.
        (_, "") => true,
        // Numbers may have been written with zeros before them.
        _ => shown.value(setting).trim_start_matches('0') == value.trim_start_matches('0'),
    }
}
