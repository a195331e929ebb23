use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context as _;
use comfyglow::{
    recording::{Recording, What},
    simulator::{Builder, Fault, Simulator, Version, playback::Playback},
};

use super::{Exit, interrupt::Interrupt};

/// Be a ComfyUI server that makes no pictures, or play a recording to whoever connects
///
/// The simulator runs any workflow in the API format: the same events in the same order to the same clients as ComfyUI,
/// and the same HTTP endpoints. Samplers take steps, other nodes take a moment.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow simulate                                a ComfyUI at http://127.0.0.1:8188
  comfyglow simulate --listen 0.0.0.0:9000          for other machines too
  comfyglow simulate --trace run.jsonl --speed 10   a recording, ten times as fast
  comfyglow simulate --fault status:503/5,times=3   a proxy whose server is away for three attempts
  comfyglow simulate --fault end,after=40           each connection is lost behind its 40th message
  comfyglow simulate --extension                    with comfyglow's extension installed

Inputs that any node takes: sim_ms, sim_steps, sim_error, sim_blocked, sim_expand, sim_text, sim_images, sim_bytes, and for
the log sim_bar, sim_nested, sim_download, sim_log, sim_noise.")]
pub(super) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8188)))]
    listen: SocketAddr,
    /// Play this recording, frame for frame
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// The connection of the recording to play
    #[arg(long, value_name = "N", default_value_t = 0, requires = "trace")]
    conn: i64,
    /// How many times as fast as real time; 0: at once
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Be this release of ComfyUI, such as 0.3.64
    #[arg(long, value_name = "VERSION", default_value_t = Version::REFERENCE, conflicts_with = "trace")]
    comfyui: Version,
    /// Have comfyglow's extension installed: clients comfyglow-… watch, and are told what submitters are told
    #[arg(long, conflicts_with = "trace")]
    extension: bool,
    /// Have no log to subscribe to, as old servers
    #[arg(long, conflicts_with = "trace")]
    no_log_route: bool,
    /// Have a fault, scripted: NAME[:ARG][,after=N][,times=N][,on=http|all]; may be given again [--help lists them]
    #[arg(long = "fault", value_name = "FAULT", conflicts_with = "trace", long_help = faults())]
    faults: Vec<Fault>,
}

/// What `--help` says of faults.
fn faults() -> String {
    let list = Fault::LIST.map(|(usage, meaning)| format!("{usage:22} {meaning}")).join("\n");
    format!(
        "Have a fault, scripted: NAME[:ARG][,after=N][,times=N][,on=http|all]; may be given again\n\n\
         after=N: amid a socket, behind its N-th message; else most strike before the handshake is answered. \
         times=N: only so often. on=http: plain requests instead of sockets; on=all: both\n\n{list}"
    )
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = super::number(text)?;
    if speed >= 0.0 { Ok(speed) } else { Err("it is 0 or more".to_owned()) }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::new()?;
    let cant_listen = || format!("{} can't be listened on; choose another by --listen", args.listen);
    let speed = if args.speed > 0.0 { args.speed } else { f64::INFINITY };
    if let Some(file) = &args.trace {
        let recording = Recording::read(file)?;
        let has_connection =
            recording.rows.iter().any(|row| row.conn == args.conn && matches!(row.what, What::Open { .. }));
        let playback = Playback::builder(recording).listen(args.listen).connection(args.conn).speed(speed);
        let playback = playback
            .start()
            .await
            .with_context(|| if has_connection { cant_listen() } else { file.display().to_string() })?;
        tell(&format!("{} plays {}", playback.url(), file.display()));
        let exit = interrupt.wait().await;
        playback.shutdown().await;
        return Ok(exit);
    }
    let simulator = Simulator::builder().listen(args.listen).speed(speed).previews(true);
    let simulator = simulator.version(args.comfyui).extension(args.extension).log_route(!args.no_log_route);
    let simulator = args.faults.into_iter().fold(simulator, Builder::fault);
    let simulator = simulator.start().await.with_context(cant_listen)?;
    tell(&format!("{} simulates ComfyUI; submit workflows to it, and end it with Ctrl-C", simulator.url()));
    let exit = interrupt.wait().await;
    simulator.shutdown().await;
    Ok(exit)
}

/// Says that it listens; whether anybody reads it doesn't matter.
fn tell(text: &str) {
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}
