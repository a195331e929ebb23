//! Power that is cut while settings are saved: afterwards there are the old ones or the new ones.
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::board::Board;

/// How often.
const CUTS: u32 = 24;

/// Microseconds after which it is cut at the latest: saving takes about as long.
const LATEST: u64 = 12_000;

/// Saves settings, and cuts the power at a moment that nobody knows; many times.
///
/// # Errors
/// What is there then was never saved, or is older than what was.
pub(super) fn cuts(image: &Path, folder: &Path) -> Result<()> {
    let start = || Board::start(image, folder, "nowhere:nothing");
    let server = |count: u32| format!("server-{count}:8188");
    let mut board = start()?;
    board.tell(&format!("set server {}", server(0)))?;
    board.tell("save")?;
    let (mut saved, mut old) = (0, 0);
    for count in 1..=CUTS {
        board.tell(&format!("set server {}", server(count)))?;
        board.serial.say("save")?;
        let random = getrandom::u64().map_err(|error| anyhow::anyhow!("no random number: {error}"))?;
        let end = Instant::now() + Duration::from_micros(random % LATEST);
        thread::sleep(end.saturating_duration_since(Instant::now()));
        board.listen()?;
        let told = board.serial.answer().is_some();
        board.cut()?;
        board = start()?;
        let shown = board.tell("show").context("the board doesn't start with what is in flash")?;
        let is = |count: u32| shown.iter().any(|line| *line == format!("server={}", server(count)));
        ensure!(is(count) || is(saved), "neither {count} nor {saved} is there: {shown:?}");
        ensure!(is(count) || !told, "{count} is not there, though it was said to be");
        ensure!(shown.iter().any(|line| line == "unsaved=no"), "what is there is not what is saved: {shown:?}");
        old += u32::from(!is(count));
        saved = if is(count) { count } else { saved };
    }
    println!("the power was cut {CUTS} times amid a save: {old} times the old settings were there, else the new ones");
    board.tell("set server desk")?;
    board.tell("save")?;
    board.cut()
}
