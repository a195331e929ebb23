//! Several servers, each watched in a task of its own.

use std::sync::Arc;

use comfyglow::address::Address;
use tokio::{sync::watch, task::JoinSet};
use tracing::Instrument as _;

use super::{
    Watch,
    heard::History,
    names::{label, names},
    one::{unwritable, written},
};
use crate::command::{
    Exit,
    interrupt::Interrupt,
    screen::{Screen, Wall},
};

/// How several servers are watched.
pub(super) struct Args {
    pub(super) json: bool,
    pub(super) once: bool,
    pub(super) verbose: bool,
    pub(super) history: Option<Arc<History>>,
}

/// Watches the servers at `addresses`, each as `watch` says, until each is over.
pub(super) async fn run(
    addresses: Vec<Address>,
    watch: impl Fn(Address, Screen) -> Watch,
    args: &Args,
) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::new()?;
    let wall = if args.json { Wall::json() } else { Wall::for_people(names(&addresses), args.verbose) };
    let (tell, told) = watch::channel(None);
    let mut tasks = JoinSet::new();
    for (place, address) in addresses.into_iter().enumerate() {
        let screen = wall.screen(place, &address, label(&address));
        // What is told of the connections on stderr says whose.
        let span = tracing::info_span!("watch", server = %address);
        tasks.spawn(watch(address, screen).run_among_others(Interrupt::Told(told.clone())).instrument(span));
    }
    // What each came to, unless all are told to leave.
    let mut worst = Exit::Success;
    let mut exit = None;
    let mut painting = std::pin::pin!(wall.paint());
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(Ok(ended)) => worst = worse(worst, ended),
                // A fault of this program; the other servers go on.
                Some(Err(panic)) => {
                    eprintln!("error: {panic}");
                    worst = worse(worst, Exit::Lost);
                }
                None => break,
            },
            never = &mut painting => match never {},
            signal = interrupt.wait() => {
                exit = Some(signal);
                tell.send_replace(exit);
            }
            error = wall.failed() => {
                exit.get_or_insert(unwritable(&error, args.once));
                tell.send_replace(exit);
            }
        }
    }
    if let Err(error) = written(wall.end(), &mut interrupt, &mut exit).await {
        exit.get_or_insert(unwritable(&error, args.once));
    }
    if let Some(history) = &args.history
        && let Err(complaint) = history.end(&mut interrupt, &mut exit).await
    {
        eprintln!("{complaint}");
    }
    Ok(exit.unwrap_or(worst))
}

/// The worse of two servers' exits: of a server that is lost nothing is known, of an outcome that was not heard it may be a
/// failure.
fn worse(one: Exit, other: Exit) -> Exit {
    const FROM_GOOD_TO_BAD: [Exit; 6] =
        [Exit::Success, Exit::Interrupted, Exit::Unheard, Exit::Failed, Exit::Lost, Exit::Usage];
    // What isn't among them ends all, and doesn't come from a server.
    let rank = |exit| FROM_GOOD_TO_BAD.iter().position(|known| *known == exit).unwrap_or(FROM_GOOD_TO_BAD.len());
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts() {
        use Exit::{Failed, Interrupted, Lost, Success, Unheard};

        for (exits, worst) in [
            (&[Success, Success][..], Success),
            (&[Success, Interrupted, Success], Interrupted),
            (&[Unheard, Interrupted], Unheard),
            (&[Failed, Unheard, Success], Failed),
            (&[Failed, Lost, Failed], Lost),
        ] {
            assert_eq!(exits.iter().copied().fold(Success, worse), worst, "{exits:?}");
        }
    }
}
