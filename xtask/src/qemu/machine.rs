//! A board that QEMU plays: its logs, its display, its buttons, its cable.
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use defmt_decoder::{DecodeError, Table};
use serde_json::json;

use super::control::{self, Control, PATIENCE};
use super::picture::{self, Picture};

const QEMU: &str = "qemu-system-arm";

/// The host, as QEMU's network has it.
pub(super) const HOST: &str = "10.0.2.2";

/// How long the button is held down that turns the firmware off; it takes a second and a half to be meant.
const HELD: Duration = Duration::from_millis(2_200);

/// The bytes of the flash that outlives a restart, which is a file; what was never written has all bits.
const FLASH: [u8; 4_096] = [0xFF; 4_096];

/// Says what to install where QEMU is missing.
///
/// # Errors
/// It is.
pub(super) fn is_there() -> Result<()> {
    control::is_there(QEMU, "qemu-system-arm")
}

/// 2^5 ns for each instruction, as long as 1.6 cycles of this board's 50 MHz: about what a Cortex-M3 takes.
const INSTRUCTION: &str = "shift=5";

/// How the board's clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As the host's does, however fast QEMU is.
    Host,
    /// By instructions, so that what takes the board long does so by its own clock.
    Instructions,
}

/// A board that runs.
pub(super) struct Machine {
    qemu: Child,
    pub(super) control: Control,
    folder: PathBuf,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Machine {
    /// Starts `image` with its files in `folder`, to watch `server`; `echo` prints its logs. `pace` is how its clock goes.
    ///
    /// # Errors
    /// QEMU can't be started, or doesn't begin in time.
    pub(super) fn start(image: &Path, folder: &Path, server: &str, echo: bool, pace: Pace) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        control::forget(&folder);
        let flash = folder.join("flash.bin");
        if !flash.exists() {
            fs::write(&flash, FLASH)?;
        }
        let seed = getrandom::u64().map_err(|error| anyhow::anyhow!("no random number: {error}"))?;
        let words = format!("enable=on,target=native,arg=comfyglow,arg={seed},arg=server={server}");
        let elf = fs::read(image)?;
        let table = Table::parse(&elf)?.context("the image has no logs")?;
        let mut command = Command::new(QEMU);
        command.args(["-machine", "lm3s6965evb", "-display", "none", "-monitor", "none", "-serial", "stdio"]);
        command.args(["-nic", "user,id=net,model=stellaris", "-semihosting-config", &words]);
        command.args(control::ARGUMENTS).arg("-kernel").arg(image.canonicalize()?);
        if pace == Pace::Instructions {
            command.args(["-icount", INSTRUCTION]);
        }
        command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut qemu = command.spawn().with_context(|| format!("cannot start {QEMU}"))?;
        let output = qemu.stdout.take().context("it is piped")?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let reader = thread::spawn(move || read_logs(output, &table, &kept, echo));
        let control = Control::connect(&folder).inspect_err(|_| _ = qemu.kill())?;
        Ok(Self { qemu, control, folder, lines, reader: Some(reader) })
    }

    /// Whether it runs still.
    pub(super) fn runs(&mut self) -> Result<bool> {
        Ok(self.qemu.try_wait()?.is_none())
    }

    /// What the display shows.
    pub(super) fn picture(&mut self) -> Result<Picture> {
        let path = self.folder.join("display.ppm");
        self.control.ask("screendump", &json!({"filename": &path}))?;
        picture::read(&path)
    }

    /// Pulls the cable, or plugs it in.
    pub(super) fn cable(&mut self, plugged: bool) -> Result<()> {
        self.control.plug("net", plugged)
    }

    /// Presses a button for a while: `ctrl` is select, the others are named as they are.
    pub(super) fn press(&mut self, button: &str, held: Duration) -> Result<()> {
        for down in [true, false] {
            let key = json!({"type": "qcode", "data": button});
            let event = json!({"type": "key", "data": {"down": down, "key": key}});
            self.control.ask("input-send-event", &json!({"events": [event]}))?;
            thread::sleep(if down { held } else { Duration::from_millis(100) });
        }
        Ok(())
    }

    /// What tells all that was logged, also when the machine is gone.
    pub(super) fn lines(&self) -> impl Fn() -> Vec<String> + use<> {
        let lines = self.lines.clone();
        move || lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns the firmware off by its button, and waits for its end: its status.
    ///
    /// # Errors
    /// It doesn't end.
    pub(super) fn turn_off(mut self) -> Result<i32> {
        if self.runs()? {
            // A button that was never touched counts as held down.
            self.press("ctrl", Duration::from_millis(60))?;
            // It may be gone before the button is up again.
            let pressed = self.press("ctrl", HELD);
            if self.runs()? {
                pressed?;
            }
        }
        let begun = Instant::now();
        let status = loop {
            match self.qemu.try_wait()? {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => bail!("the firmware can't be turned off"),
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        if let Some(reader) = self.reader.take() {
            _ = reader.join();
        }
        status.code().context("QEMU was killed")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        _ = self.qemu.kill();
        _ = self.qemu.wait();
    }
}

/// Decodes what comes out of the board's UART, until its end.
fn read_logs(mut output: ChildStdout, table: &Table, lines: &Mutex<Vec<String>>, echo: bool) {
    let mut decoder = table.new_stream_decoder();
    let mut bytes = [0; 1_024];
    while let Ok(some @ 1..) = output.read(&mut bytes) {
        decoder.received(&bytes[..some]);
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    let line = frame.display(false).to_string();
                    if echo {
                        println!("  {line}");
                    }
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => {}
            }
        }
    }
}
