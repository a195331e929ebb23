//! Setting up over a serial line, and saying how it goes.

use core::fmt::{self, Write as _};

use comfyglow_core::state::NetworkDown;
use comfyglow_setup::{Answer, Asked, Board, Console, Desk};
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_io_async::{Read, Write};
use embedded_storage_async::nor_flash::NorFlash;

use crate::{
    gadget::{Gadget, now},
    network::Network,
    start::Reset,
    store::{Store, StoreError},
};

/// How long nobody may take what is sent, before it is dropped: a USB line without a host takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two hints that there is something to set up, and how long nobody must have typed.
const HINT: Duration = Duration::from_secs(5);

impl Gadget {
    /// Answers what comes over a serial line, by comfyglow-setup's protocol. What is saved stands in `store`, and counts from
    /// the next start on; `restart` starts the board anew. To be run as a task.
    pub async fn console<R: Read, W: Write, F: NorFlash>(
        &self,
        mut reader: R,
        mut writer: W,
        board: Board,
        mut store: Store<F>,
        restart: fn() -> !,
    ) -> ! {
        let loaded = store.load().await;
        let mut fault = loaded.as_ref().err().copied();
        let mut desk = Desk::new(board, loaded.unwrap_or_default());
        let mut console = Console::new();
        let mut answer = Answer::new();
        let mut hint = Instant::now();
        loop {
            let mut bytes = [0; 64];
            let hinting = async {
                Timer::at(hint).await;
                if !self.is_unset() || desk.is_set_up() {
                    core::future::pending::<()>().await;
                }
            };
            let len = match select(reader.read(&mut bytes), hinting).await {
                Either::First(Ok(len @ 1..)) => len,
                // A line that broke, or has ended, may come back.
                Either::First(_) => {
                    Timer::after_millis(100).await;
                    continue;
                }
                Either::Second(()) => {
                    answer.clear();
                    hints(fault, &mut answer);
                    send(&mut writer, answer.as_bytes()).await;
                    hint = Instant::now() + HINT;
                    continue;
                }
            };
            hint = Instant::now() + HINT;
            for byte in bytes.get(..len).unwrap_or_default() {
                let heard = console.hear(*byte);
                if !heard.echo.is_empty() {
                    send(&mut writer, heard.echo).await;
                }
                let Some(line) = heard.line else { continue };
                answer.clear();
                let asked = desk.answer(line, &mut answer);
                match asked {
                    Asked::Nothing | Asked::Restart => {}
                    Asked::Save => {
                        let saved = store.save(desk.settings()).await;
                        fault = fault.filter(|_| saved.is_err());
                        desk.saved(saved, &mut answer);
                    }
                    Asked::Forget => {
                        let forgotten = store.forget().await;
                        fault = fault.filter(|_| forgotten.is_err());
                        desk.forgotten(forgotten, &mut answer);
                    }
                    Asked::Status => {
                        // There is room for it.
                        _ = self.status(&mut answer);
                        Desk::done(&mut answer);
                    }
                }
                send(&mut writer, answer.as_bytes()).await;
                if asked == Asked::Restart {
                    restart();
                }
            }
        }
    }

    /// How it goes, as lines `name=value`.
    fn status(&self, answer: &mut Answer) -> fmt::Result {
        match self.network.get() {
            _ if self.is_unset() => answer.write_str("network=offline: it is not set up\r\n")?,
            Network::Starting | Network::Absent(NetworkDown::Joining) => answer.write_str("network=joining\r\n")?,
            Network::Absent(why) => write!(answer, "network=offline: {}; {}\r\n", why.message(), why.advice())?,
            Network::Up => answer.write_str("network=up\r\n")?,
        }
        let session = self.session.borrow();
        let view = session.view(now());
        write!(answer, "connection={}", view.connection.status.name())?;
        if let Some(fault) = view.connection.fault {
            write!(answer, ": {}; {}", fault.message(), fault.advice())?;
        }
        answer.write_str("\r\nprompt=")?;
        match &view.prompt {
            Some(prompt) => {
                answer.write_str(prompt.state.name())?;
                if let Some(percentage) = prompt.percentage {
                    write!(answer, " {} %", percentage.millionths() / 1_000_000)?;
                }
            }
            None => answer.write_str("none")?,
        }
        let seconds = Instant::now().as_secs();
        write!(answer, "\r\nuptime={}:{:02}:{:02}\r\nreset=", seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
        match self.start.reset {
            Reset::PowerOn => answer.write_str("power-on\r\n"),
            Reset::Software => answer.write_str("software\r\n"),
            Reset::Panic(place) => write!(answer, "panic: {place}\r\n"),
            Reset::BrownOut => answer.write_str("brown-out\r\n"),
            Reset::Watchdog => answer.write_str("watchdog\r\n"),
        }
    }
}

/// What is said unasked.
fn hints(fault: Option<StoreError>, answer: &mut Answer) {
    // There is room for both.
    if let Some(fault) = fault {
        _ = write!(answer, "# comfyglow: {fault}\r\n");
    }
    _ = answer.write_str(Desk::hint());
}

/// Sends it, if somebody takes it.
async fn send(writer: &mut impl Write, bytes: &[u8]) {
    let sent = async {
        // A log that the host is still to take may fill the way: what is written onto it would be lost.
        writer.flush().await?;
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    // Whoever isn't there needs no answer.
    _ = with_timeout(PATIENCE, sent).await;
}
