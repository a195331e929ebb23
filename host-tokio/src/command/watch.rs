//! Watching servers: one, or several beside each other.

mod heard;
mod many;
mod names;
mod one;

use std::{path::PathBuf, sync::Arc};

use comfyglow::{address::Address, learned::LearnedFile};

pub(super) use one::{Watch, at, keep, tell_loss, unwritable, written};

use super::{Exit, screen::Screen};
use heard::History;
use names::label;

/// Show the progress of a ComfyUI server, or of several
///
/// Shows the prompts of everybody, whoever submitted them. By itself ComfyUI tells a prompt's progress only to the client that
/// submitted it: with comfyglow's extension in it all is told, else the steps of samplers are read from the server's log, and
/// marked as inferred; where that can't be had, it is asked which prompt runs and how it ended.
///
/// A server that is away is tried again and again, and asked over HTTP meanwhile for what the connection can't tell.
///
/// Of several servers there is a line each, and below them how many run, what their queues come to, how far those that run
/// are on average, and the longest time left. Each is watched by itself: one that is away disturbs no other.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow watch                               the ComfyUI on this machine, until Ctrl-C
  comfyglow watch desk.local --once             until a prompt has ended; the status tells how
  comfyglow watch http://ann:secret@host/comfy  behind a proxy that wants a login
  comfyglow watch --json | jq -c .prompt        a snapshot at each change, for programs
  comfyglow watch --attempts 1                  no second try
  comfyglow watch gpu1 gpu2 desk.local:8189     a line for each server, and a total
  comfyglow watch gpu1 gpu2 --json | jq -c '[.server, .prompt.percentage]'

Exit statuses with --once:
  0 success, 1 the prompt failed, 3 it was interrupted, 5 it ended and nobody knows how,
  4 the server can't be reached (it is tried 5 times) or refuses us, 2 wrong usage, 130 Ctrl-C
With several servers --once waits for a prompt of each; the status is the worst: 4, else 1, else 5, else 3, else 0")]
pub(super) struct Args {
    /// The servers: http://host:port/path, or host, or host:port
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8188")]
    urls: Vec<String>,
    /// Print a snapshot at each change, as a line of JSON; its `server` is the address
    #[arg(long)]
    json: bool,
    /// End with the first prompt that ends, of each server; the exit status tells how
    #[arg(long)]
    once: bool,
    /// Give up a server after so many attempts in a row that failed [default: as many as it takes; with --once 5, until
    /// the server was reached]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
    /// Connect as this client, and so see what it submits; the server keeps one socket for each id, so that a client that is
    /// connected itself hears nothing any more [default: comfyglow-… by chance]
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    client_id: Option<String>,
    /// Keep how long nodes take, for the time left, in this file, of one server [default: one for each server, in the
    /// user's folder for such]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Neither use nor keep how long nodes took in earlier sessions
    #[arg(long, conflicts_with = "state")]
    no_learn: bool,
    /// Append each progress event of all servers to this file, as a line of JSON; its `server` is the address
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

pub(super) async fn run(args: Args, verbose: bool) -> anyhow::Result<Exit> {
    let addresses = args.urls.iter().map(|url| url.parse()).collect::<Result<Vec<Address>, _>>()?;
    let mut addresses = without_repeats(addresses);
    if addresses.len() > 1 && args.state.is_some() {
        anyhow::bail!("--state names one file, which can't be for several servers; without it each has one of its own");
    }
    let history = args.history.as_deref().map(History::open).transpose()?.map(Arc::new);
    let Args { json, once, attempts, client_id, state, no_learn, .. } = args;
    let watch = |address: Address, screen| {
        let learned = match &state {
            _ if no_learn => None,
            Some(file) => Some(LearnedFile::at(file)),
            None => LearnedFile::of(&address),
        };
        let (client_id, history) = (client_id.clone(), history.clone());
        Watch { address, attempts, client_id, once, history, learned, screen }
    };
    if addresses.len() > 1 {
        return many::run(addresses, watch, &many::Args { json, once, verbose, history: history.clone() }).await;
    }
    let Some(address) = addresses.pop() else { anyhow::bail!("there is no server to watch") };
    let screen = if json { Screen::json_of(&address) } else { Screen::for_people(label(&address), verbose) };
    watch(address, screen).run().await
}

/// Each server once; whoever named one twice is told.
fn without_repeats(addresses: Vec<Address>) -> Vec<Address> {
    let mut once: Vec<Address> = Vec::new();
    for address in addresses {
        let shown = address.to_string();
        if once.iter().any(|other| other.to_string() == shown) {
            eprintln!("warning: {shown} is named twice, and watched once");
        } else {
            once.push(address);
        }
    }
    once
}
