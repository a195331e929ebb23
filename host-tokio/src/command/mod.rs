//! What the command line offers: a file for each command, and what all of them share.

mod demo;
mod doctor;
#[cfg(feature = "boards")]
mod flash;
mod interrupt;
#[cfg(feature = "boards")]
mod keyboard;
mod outputs;
mod replay;
mod run;
mod screen;
#[cfg(feature = "boards")]
mod serial;
#[cfg(feature = "boards")]
mod setup;
mod simulate;
mod steps;
mod watch;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::{Parser, Subcommand};
use comfyglow_core::state::PromptState;
use tracing_subscriber::EnvFilter;

/// See how far your ComfyUI is.
///
/// comfyglow shows the progress of ComfyUI's workflows: of the whole workflow, of the node that runs, and how long it
/// will take yet.
#[derive(Debug, Parser)]
#[command(name = "comfyglow", version, propagate_version = true, after_long_help = EXAMPLES)]
struct Cli {
    /// Tell on stderr what happens on the connection
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  comfyglow demo                          a workflow in progress, no ComfyUI needed
  comfyglow watch                         the ComfyUI on this machine
  comfyglow watch 192.168.1.20:8188       the one on another machine
  comfyglow run workflow_api.json         submits a workflow, and shows it
  comfyglow watch --once --json | jq .prompt.percentage
  comfyglow watch --once && notify-send 'The picture is done'
  comfyglow doctor                        what is wrong, where nothing is shown
  comfyglow flash                         a display on the desk: writes its firmware, and sets it up

Exit statuses:
  0  success
  1  the prompt failed
  2  wrong usage, such as a bad address, an unreadable file, or a workflow that the server refuses
  3  the prompt was interrupted
  4  the server can't be reached, or was lost
  5  the prompt ended, but its outcome was not heard
  6  a board can't be reached, or doesn't do what it is told
  74  what it has to say can't be written
  130  ended by Ctrl-C; 141 with --once: whoever read the output left before the prompt's end";

#[derive(Debug, Subcommand)]
enum Command {
    Watch(watch::Args),
    Run(run::Args),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Simulate(simulate::Args),
    Replay(replay::Args),
    #[cfg(feature = "boards")]
    Flash(flash::Args),
    #[cfg(feature = "boards")]
    Setup(setup::Args),
    #[cfg(feature = "boards")]
    Serial(serial::Args),
}

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All went well.
    Success,
    /// The prompt failed.
    Failed,
    /// Wrong usage.
    Usage,
    /// The prompt was interrupted.
    Interrupted,
    /// The server can't be reached, or was lost.
    Lost,
    /// The prompt ended; how, was not heard.
    Unheard,
    /// A board can't be reached, or doesn't do what it is told.
    #[cfg(feature = "boards")]
    Board,
    /// What it has to say can't be written.
    Output,
    /// A signal of this number ended it.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 3,
            Exit::Lost => 4,
            Exit::Unheard => 5,
            #[cfg(feature = "boards")]
            Exit::Board => 6,
            // EX_IOERR of sysexits.h.
            Exit::Output => 74,
            Exit::Signal(number) => 128_u8.saturating_add(number),
        })
    }
}

impl From<PromptState> for Exit {
    fn from(state: PromptState) -> Self {
        match state {
            PromptState::Success => Self::Success,
            PromptState::Error => Self::Failed,
            PromptState::Interrupted => Self::Interrupted,
            PromptState::Running | PromptState::Ended => Self::Unheard,
        }
    }
}

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let default = if cli.verbose { "debug" } else { "off" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let in_colour =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(in_colour).with_writer(std::io::stderr).init();
    let result = match cli.command {
        Command::Replay(args) => replay::run(&args),
        Command::Watch(args) => in_runtime(watch::run(args, cli.verbose)),
        Command::Run(args) => in_runtime(run::run(args, cli.verbose)),
        Command::Demo(args) => in_runtime(demo::run(args, cli.verbose)),
        Command::Doctor(args) => in_runtime(doctor::run(args)),
        Command::Simulate(args) => in_runtime(simulate::run(args)),
        #[cfg(feature = "boards")]
        Command::Flash(args) => in_runtime(flash::run(args)),
        #[cfg(feature = "boards")]
        Command::Setup(args) => in_runtime(setup::run(args)),
        #[cfg(feature = "boards")]
        Command::Serial(args) => in_runtime(serial::run(args)),
    };
    let exit = result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Exit::Usage
    });
    exit.into()
}

/// A number on the command line.
fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "it is a number, such as 2 or 0.5".to_owned())
}

fn in_runtime(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(command);
    // A name that is being looked up would hold up the end.
    runtime.shutdown_background();
    result
}
