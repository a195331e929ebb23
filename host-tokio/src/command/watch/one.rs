//! A server being watched.

use std::{io, sync::Arc, time::Duration};

use comfyglow::{address::Address, client::driver::Driver, finish::Finishes, learned::LearnedFile};
use comfyglow_core::{session::ClientId, state::Connection};

use super::heard::{Heard, History};
use crate::command::{Exit, interrupt::Interrupt, screen::Screen};

/// A server being watched.
pub(in crate::command) struct Watch {
    pub(in crate::command) address: Address,
    pub(in crate::command) attempts: Option<u32>,
    pub(in crate::command) client_id: Option<String>,
    /// End with the first prompt that ends.
    pub(in crate::command) once: bool,
    pub(in crate::command) history: Option<Arc<History>>,
    /// Where what is learned is kept.
    pub(in crate::command) learned: Option<LearnedFile>,
    pub(in crate::command) screen: Screen,
}

/// How watching a server went.
struct Followed {
    /// The exit, where not the connection's loss decides it.
    exit: Option<Exit>,
    /// Why the connection was lost, for people.
    loss: Option<String>,
}

impl Watch {
    /// Watches the server alone, to the end of the command.
    pub(in crate::command) async fn run(mut self) -> anyhow::Result<Exit> {
        let mut interrupt = Interrupt::new()?;
        let Followed { mut exit, loss } = self.follow(&mut interrupt).await?;
        if let Err(error) = written(self.screen.end(), &mut interrupt, &mut exit).await {
            exit.get_or_insert(unwritable(&error, self.once));
        }
        if let Some(history) = &self.history
            && let Err(complaint) = history.end(&mut interrupt, &mut exit).await
        {
            eprintln!("{complaint}");
        }
        if exit == Some(Exit::Unheard) && self.screen.is_json() {
            eprintln!("the prompt ended, but its outcome was not heard");
        }
        let exit = exit.unwrap_or(Exit::Lost);
        if let (Exit::Lost, Some(loss)) = (exit, loss) {
            eprintln!("{loss}");
        }
        Ok(exit)
    }

    /// Watches the server beside others, until it is told to leave or there is nothing more to watch.
    pub(super) async fn run_among_others(mut self, mut interrupt: Interrupt) -> Exit {
        let address = self.address.to_string();
        let Followed { exit, loss } = match self.follow(&mut interrupt).await {
            Ok(followed) => followed,
            Err(error) => {
                self.screen.complain(&format!("error: {address}: {error:#}"));
                return Exit::Usage;
            }
        };
        if exit == Some(Exit::Unheard) && self.screen.is_json() {
            self.screen.complain(&format!("{address}: the prompt ended, but its outcome was not heard"));
        }
        let exit = exit.unwrap_or(Exit::Lost);
        if let (Exit::Lost, Some(loss)) = (exit, loss) {
            self.screen.complain(&loss);
        }
        exit
    }

    async fn follow(&mut self, interrupt: &mut Interrupt) -> anyhow::Result<Followed> {
        let Self { address, attempts, client_id, once, history, learned, screen } = self;
        let (address, once, history) = (&*address, *once, history.as_ref());
        let client_id = client_id.as_deref().or(address.client_id()).map(Address::encoded);
        let headers = address.headers();
        let mut config = address.config(client_id.as_deref().map_or(ClientId::Fresh, ClientId::Fixed), &headers);
        config.reconnect.attempts = *attempts;
        let mut client = Driver::new(address, config)?;
        if let Some(file) = learned
            && let Err(error) = file.load(&mut client)
        {
            let fate = if file.is_left() { "the file is left as it is" } else { "the file will be replaced" };
            let path = file.path().display();
            screen
                .complain(&format!("warning: {path}: {error}; what earlier sessions learned is not used, and {fate}"));
        }
        let mut heard = Heard {
            server: address.to_string(),
            history: history.cloned(),
            finishes: Finishes::default(),
            snapshots: screen.wants_snapshots(),
            once,
            ends: Vec::new(),
        };
        let mut exit = None;
        let mut reached = false;
        loop {
            let frame = screen.next_frame(&client);
            let mut paint = false;
            tokio::select! {
                changes = client.changed(&mut heard) => match changes {
                    Some(_) => paint = true,
                    None => break,
                },
                () = at(frame) => {
                    let began = tokio::time::Instant::now();
                    screen.draw(&client);
                    client.painted(began.elapsed());
                }
                signal = interrupt.wait() => {
                    if exit.replace(signal).is_some() {
                        // Asked twice: not even a good-bye to the server.
                        break;
                    }
                    screen.close();
                    client.leave();
                }
                error = screen.failed() => {
                    client.leave();
                    exit.get_or_insert(unwritable(&error, once));
                }
                complaint = History::failed(history.map(Arc::as_ref)) => screen.complain(&complaint),
            }
            for line in heard.ends.drain(..) {
                screen.snapshot(line);
            }
            while let Some(finish) = heard.finishes.take().filter(|_| exit.is_none()) {
                screen.finished(&client, &finish);
                keep_or(learned, &client, |warning| screen.complain(warning));
                if once {
                    exit = Some(finish.state.into());
                    screen.close();
                    client.leave();
                }
            }
            if paint {
                let began = tokio::time::Instant::now();
                screen.changed(&client);
                client.painted(began.elapsed());
            }
            reached |= client.view().is_connected();
            if once && attempts.is_none() && !reached && exit.is_none() && is_hopeless(client.view().connection) {
                exit = Some(Exit::Lost);
                client.leave();
            }
        }
        keep_or(learned, &client, |warning| screen.complain(warning));
        let unheard = heard.finishes.take_last().filter(|_| exit.is_none());
        if let Some(finish) = unheard {
            screen.finished(&client, &finish);
            exit = Some(finish.state.into()).filter(|_| once);
        }
        screen.over(&client, once && !matches!(exit, None | Some(Exit::Lost)));
        Ok(Followed { exit, loss: loss(&client, address) })
    }
}

/// Attempts to reach a server that nobody has reached yet, where a script waits for the end.
const HOPE: u32 = 5;

/// Whether a server that was never reached isn't worth another attempt.
fn is_hopeless(connection: &Connection) -> bool {
    connection.attempt >= HOPE && connection.waiting.is_some()
}

/// Keeps what was learned; where that fails, it is told once.
pub(in crate::command) fn keep(learned: &mut Option<LearnedFile>, client: &Driver<'_>) {
    keep_or(learned, client, |warning| eprintln!("{warning}"));
}

fn keep_or(learned: &mut Option<LearnedFile>, client: &Driver<'_>, warn: impl FnOnce(&str)) {
    if let Some(file) = learned
        && let Err(error) = file.save(client)
    {
        let file = file.path().display();
        warn(&format!("warning: {file} can't be written, so what was learned is not kept: {error}"));
        *learned = None;
    }
}

/// Waits until `deadline`, or for ever where there is none.
pub(in crate::command) async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// How long a writer may take once a signal wants us to end: whoever reads it may have stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for a writer to end, for as long as no signal wants us to.
pub(in crate::command) async fn written(
    writer: impl Future<Output = io::Result<()>>,
    interrupt: &mut Interrupt,
    exit: &mut Option<Exit>,
) -> io::Result<()> {
    tokio::pin!(writer);
    if !matches!(exit, Some(Exit::Signal(_))) {
        tokio::select! {
            result = &mut writer => return result,
            signal = interrupt.wait() => *exit = Some(signal),
        }
    }
    tokio::time::timeout(PATIENCE, writer).await.unwrap_or(Ok(()))
}

/// The exit where stdout can't be written any more. That a pipe's reader has left is its good right, but then nobody
/// has learnt how the prompt ended.
pub(in crate::command) fn unwritable(error: &io::Error, once: bool) -> Exit {
    const PIPE: u8 = 13;
    match (error.kind(), once) {
        (io::ErrorKind::BrokenPipe, true) => Exit::Signal(PIPE),
        (io::ErrorKind::BrokenPipe, false) => Exit::Success,
        _ => {
            eprintln!("error: stdout can't be written: {error}");
            Exit::Output
        }
    }
}

pub(in crate::command) fn tell_loss(client: &Driver<'_>, address: &Address) {
    if let Some(loss) = loss(client, address) {
        eprintln!("{loss}");
    }
}

/// Why a connection is lost, and what to do about it.
fn loss(client: &Driver<'_>, address: &Address) -> Option<String> {
    let fault = client.fault()?;
    let reason = client.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(format!("error: {address}: {}{reason}. {}", fault.message(), fault.advice()))
}
