//! `cargo xtask screenshot`: the picture in the README, of a real run.
use std::{
    fs,
    io::Read as _,
    num::NonZero,
    path::PathBuf,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::process::{cargo, run as execute};
use crate::project::Project;

mod svg;

const COLUMNS: u16 = 76;
const ROWS: u16 = 12;

/// How long the demo may take to what is wanted of it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Draw the picture in the README: `comfyglow demo` in a terminal, as SVG.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file to write [default: docs/demo.svg]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the demo until its second sampler is well under way, and draws the terminal.
///
/// # Errors
/// The command can't be built or run, or doesn't show what it should, or the picture can't be written.
pub(crate) fn run(args: &Args) -> Result<()> {
    let project = Project::read()?;
    execute(cargo().args(["build", "--package", "comfyglow"]))?;
    let program = project.target_dir.join("debug").join(format!("comfyglow{}", std::env::consts::EXE_SUFFIX));
    let screen = captured(CommandBuilder::new(program))?;
    let out = args.out.clone().unwrap_or_else(|| project.root.join("docs/demo.svg"));
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    fs::write(&out, svg::drawn(screen.screen())).with_context(|| format!("{} can't be written", out.display()))?;
    println!("wrote {}", out.display());
    Ok(())
}

/// The terminal, once the second sampler has passed half of its steps.
fn captured(mut demo: CommandBuilder) -> Result<vt100::Parser> {
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size)?;
    demo.arg("demo");
    demo.env_remove("NO_COLOR");
    for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LC_ALL", "C.UTF-8")] {
        demo.env(name, value);
    }
    let mut child = pair.slave.spawn_command(demo)?;
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader()?;
    let (send, output) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = reader.read(&mut buffer) {
            if send.send(buffer[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    let (rows, columns) = NonZero::new(ROWS).zip(NonZero::new(COLUMNS)).context("the terminal has no size")?;
    let mut screen = vt100::Parser::new(rows, columns, 0);
    screen.process(b"\x1b[1;32m$\x1b[m comfyglow demo\r\n\r\n");
    let deadline = Instant::now() + PATIENCE;
    while !screen.screen().contents().contains(" 9/16") {
        match output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => screen.process(&bytes),
            Err(error) => bail!("the demo doesn't get there ({error}):\n{}", screen.screen().contents()),
        }
    }
    child.kill()?;
    child.wait()?;
    Ok(screen)
}
