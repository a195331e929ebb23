use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use comfyglow::{recording::Recording, replay::Replay};

use super::{
    Exit,
    screen::{print_view, snapshot_line},
};

/// Play a recording of a server's messages, at once, and show where it ends
///
/// Plays what one connection of the recording heard, under the recording's own clock, and shows the last state.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow replay run.jsonl                    where it ended
  comfyglow replay run.jsonl --rows 200 --json  the snapshot after the file's first 200 lines")]
pub(super) struct Args {
    /// The recording, as JSON lines
    file: PathBuf,
    /// The connection whose messages are played
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    conn: i64,
    /// Stop after the file's first N lines
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Feed each message in pieces of this size
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pieces: Option<u64>,
    /// Print the last snapshot as a line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let recording = Recording::read(&args.file)?;
    let replay = Replay {
        conn: args.conn,
        rows: args.rows.unwrap_or(usize::MAX),
        pieces: args.pieces.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX),
    };
    let replayed = replay.play(&recording).with_context(|| args.file.display().to_string())?;
    let text = if args.json {
        snapshot_line(replayed.session.state(), replayed.now).context("the snapshot is too large")?
    } else {
        print_view(&replayed.session.view(replayed.now), replayed.session.state().messages())
    };
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("stdout can't be written"),
        _ => Ok(Exit::Success),
    }
}
