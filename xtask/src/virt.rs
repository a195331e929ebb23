//! `cargo xtask virt-test`: a gadget with Wi-Fi, set up over its serial line, on a RISC-V that QEMU plays.
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use comfyglow_core::state::{FaultKind, NetworkDown};
use comfyglow_ui::Network;
use tokio::runtime::Runtime;

use crate::boards::VIRT;
use crate::project::Project;
use crate::qemu::image;
use crate::qemu::meter::Stack;
use crate::qemu::picture::Picture;
use crate::qemu::screens::Title;
use crate::qemu::{Album, graph, host, simulator, submit};
use crate::steps::Outcome;

mod board;
mod power;
mod serial;
mod setup;
mod stranger;

use board::{Board, LOOK};
use setup::Setup;

/// The access point, and what opens it.
const WIFI: &str = "Studio 5";
const PASSWORD: &str = "correct horse";

/// How long the button is pressed.
const PRESS: Duration = Duration::from_millis(100);

/// Bytes of an interrupt's own frames: the stack is as much deeper where one happens to come at its deepest point.
const CHANCE: u64 = 256;

/// Take a gadget with Wi-Fi through its setup and what may come, in QEMU, and read its display at each station.
///
/// It is set up over its serial line, by hand and by `comfyglow setup`; a wrong password, a workflow, a Wi-Fi that goes and comes amid a prompt, a server that
/// nobody knows, one that is no ComfyUI; the power is cut while settings are saved. Leaves pictures in target/virt-test. Needs
/// qemu-system-riscv32, and a compiler for riscv32imac-unknown-none-elf: rustup's, or else Debian's.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Goes through all stations.
///
/// # Errors
/// The display doesn't show what it should, or the firmware doesn't end well.
pub(crate) fn run(_: &Args) -> Result<()> {
    test(&Project::read()?)
}

/// The same, as a step of `cargo xtask ci`.
///
/// # Errors
/// As those of [`run`].
pub(crate) fn step(project: &Project) -> Result<Outcome> {
    test(project)?;
    Ok(Outcome::Done)
}

fn test(project: &Project) -> Result<()> {
    board::is_there()?;
    let image = VIRT.build(project)?;
    let setup = Setup::build(project)?;
    let out = project.target_dir.join("virt-test");
    // Nothing of an earlier run.
    _ = std::fs::remove_dir_all(&out);
    let mut stage = Stage::new(&image, &out)?;
    let begun = Instant::now();
    stations(&mut stage, &setup, &Runtime::new()?)?;
    let (statics, stack) = (image::statics(&image)?, stage.stack()?);
    let status = stage.board.turn_off()?;
    ensure!(status == 0, "the firmware ended with {status}");
    println!("{} pictures; {statics} B of statics, {stack} B of stack", stage.album.count());
    power::cuts(&image, &out.join("power"))?;
    println!("all of it in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn stations(stage: &mut Stage, setup: &Setup, runtime: &Runtime) -> Result<()> {
    let simulator = runtime.block_on(simulator(true))?;
    let server = host(simulator.addr());
    stage.station("nothing is set up", 10, |picture| picture.tells_network(Network::Unset))?;

    for line in [format!("set ssid {WIFI}"), "set password something else".into(), format!("set server {server}")] {
        stage.board.tell(&line)?;
    }
    let shown = stage.board.tell("show")?;
    ensure!(shown.iter().any(|line| line == "password=(set)"), "{shown:?}");
    ensure!(!shown.iter().any(|line| line.contains("something else")), "the password is shown");
    stage.restart()?;
    let why = |why| Network::Lost { name: Some(WIFI), why };
    stage.station("a wrong password", 10, |picture| picture.tells_network(why(NetworkDown::WrongPassword)))?;

    let settings = [format!("ssid={WIFI}"), format!("server={server}"), "brightness=40".into(), "leds=8".into()];
    stage.board.listen()?;
    setup.run(stage.board.port(), &stage.folder, PASSWORD, &settings)?;
    stage.station("ready", 10, |picture| picture.has_title(Title::Ready))?;
    ensure!(u32::from(stage.board.contrast()) == 40 * 255 / 100, "the display is not as bright as is set");

    submit(&simulator, &graph(20, 100))?;
    let mut seen = Vec::new();
    stage.station("done", 20, |picture| {
        seen.extend(picture.percent());
        picture.has_title(Title::Done)
    })?;
    seen.dedup();
    ensure!(seen.len() >= 8 && seen.is_sorted(), "the percentages that were seen don't rise: {seen:?}");
    println!("percentages seen: {seen:?}; LEDs: {:?}", stage.board.leds()?);
    ensure!(!stage.board.leds()?.is_empty(), "the LEDs are dark");
    let before = stage.stack()?;

    submit(&simulator, &graph(80, 100))?;
    stage.station("running", 10, |picture| picture.percent().is_some_and(|percent| percent > 10))?;
    stage.board.wifi(false)?;
    stage.logged("out of reach", 10, "network: the Wi-Fi connection was lost")?;
    stage.board.wifi(true)?;
    stage.station("in reach again", 20, |picture| picture.percent().is_some_and(|percent| percent > 20))?;
    stage.station("done again", 30, |picture| picture.has_title(Title::Done))?;
    ensure!(stage.stack()? <= before + CHANCE, "the stack grew from {before} to {} bytes", stage.stack()?);

    let stranger = stranger::Stranger::new()?;
    let elsewhere = host(stranger.address());
    stage.board.tell(&format!("set server {elsewhere}"))?;
    stage.restart()?;
    stage.dismiss()?;
    stage.station("no ComfyUI", 20, |picture| picture.tells_fault(&elsewhere, FaultKind::NotComfyUi))?;

    let unknown = "no-such-server.invalid:8188";
    stage.board.tell(&format!("set server {unknown}"))?;
    stage.restart()?;
    stage.dismiss()?;
    // A machine without a resolver says nothing, or is out of time; one that makes addresses up leads nowhere.
    let truths = [FaultKind::NameUnknown, FaultKind::TimedOut, FaultKind::Unreachable];
    stage.station("unknown server", 30, |picture| truths.iter().any(|fault| picture.tells_fault(unknown, *fault)))?;

    stage.board.tell(&format!("set server {server}"))?;
    stage.restart()?;
    stage.dismiss()?;
    stage.station("all is well", 20, |picture| picture.has_title(Title::Ready))
}

/// A board and its pictures.
struct Stage {
    board: Board,
    album: Album,
    stack: Stack,
    folder: PathBuf,
}

impl Stage {
    fn new(image: &Path, folder: &Path) -> Result<Self> {
        let album = Album::new(folder)?;
        let board = Board::start(image, folder, &format!("{WIFI}:{PASSWORD}"))?;
        Ok(Self { board, album, stack: Stack::of(image)?, folder: folder.to_owned() })
    }

    /// Saves the settings, and restarts.
    fn restart(&mut self) -> Result<()> {
        self.board.tell("save")?;
        self.board.tell("restart")?;
        Ok(())
    }

    /// Dismisses the prompt that is shown again after a restart.
    fn dismiss(&mut self) -> Result<()> {
        self.station("what was kept", 10, |picture| picture.has_title(Title::Done))?;
        // Its first look is for whether it is up.
        thread::sleep(PRESS);
        self.board.press(PRESS)
    }

    /// Bytes that the stack had at most until now, since the tasks began.
    fn stack(&mut self) -> Result<u64> {
        self.stack.used(&mut self.board.control)
    }

    /// Looks at the display until it shows what it should.
    fn station(&mut self, name: &str, seconds: u64, mut shows: impl FnMut(&Picture) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            let picture = self.board.picture().with_context(|| name.to_owned())?;
            self.album.add(&picture)?;
            let place = self.folder.join(format!("{:04}.png", self.album.count().saturating_sub(1)));
            if shows(&picture) {
                println!("{name}: after {:.1} s, {}", begun.elapsed().as_secs_f64(), place.display());
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(seconds) {
                bail!("{name}: not shown within {seconds} s; see {}", place.display());
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until something is logged.
    fn logged(&mut self, name: &str, seconds: u64, words: &str) -> Result<()> {
        let before = self.board.serial.logs.len();
        let begun = Instant::now();
        loop {
            let picture = self.board.picture()?;
            self.album.add(&picture)?;
            if self.board.serial.logs.iter().skip(before).any(|line| line.contains(words)) {
                println!("{name}: after {:.1} s", begun.elapsed().as_secs_f64());
                return Ok(());
            }
            ensure!(
                begun.elapsed() < Duration::from_secs(seconds),
                "{name}: {words:?} isn't logged within {seconds} s"
            );
            thread::sleep(LOOK);
        }
    }
}
