//! The board in QEMU, and what hangs on it: an OLED, LEDs, a button, an access point, a terminal.
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use comfyglow_rig::oled::{Glass, Module};
use comfyglow_rig::strip;
use defmt_decoder::Table;
use serde_json::json;

use super::serial::Serial;
use crate::qemu::control::{self, Control, PATIENCE};
use crate::qemu::picture::Picture;

const QEMU: &str = "qemu-system-riscv32";

/// The display's address on the I2C bus.
const DISPLAY: u8 = 0x3C;

/// Nanoseconds of a pulse's unit, and those that the wire is low at the end.
const UNIT: u32 = 50;
const RESET: u32 = 300_000;

/// The files of the flash: what was never written has all bits.
const FLASH: [&str; 2] = ["flash.bin", "settings.bin"];
const FLASH_BYTES: usize = 4_096;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// How often there is looked for something new.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// Says what to install where QEMU is missing.
///
/// # Errors
/// It is.
pub(super) fn is_there() -> Result<()> {
    control::is_there(QEMU, "qemu-system-misc")
}

/// A board with power.
pub(super) struct Board {
    qemu: Child,
    pub(super) control: Control,
    pub(super) serial: Serial,
    folder: PathBuf,
    port: PathBuf,
    display: Module,
    /// What was sent to it, and what of that waits for the rest of a transaction.
    wire: File,
    pending: Vec<u8>,
}

impl Board {
    /// Gives power to a board with the firmware `image` and its flash in `folder`, by an access point `NAME:PASSWORD`.
    ///
    /// # Errors
    /// QEMU can't be started, or doesn't begin in time.
    pub(super) fn start(image: &Path, folder: &Path, access_point: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        for name in FLASH.map(|name| folder.join(name)) {
            if !name.exists() {
                fs::write(&name, [0xFF; FLASH_BYTES])?;
            }
        }
        for name in ["i2c.bin", "leds.bin"] {
            fs::write(folder.join(name), [])?;
        }
        control::forget(&folder);
        let seed = getrandom::u64().map_err(|error| anyhow::anyhow!("no random number: {error}"))?;
        let words = format!("enable=on,target=native,arg=comfyglow,arg={seed},arg=ap={access_point}");
        let mut command = Command::new(QEMU);
        command.args(["-machine", "virt", "-bios", "none", "-display", "none", "-monitor", "none"]);
        command.args(["-chardev", "pty,id=serial", "-serial", "chardev:serial", "-netdev", "user,id=net"]);
        command.args(["-global", "virtio-mmio.force-legacy=false"]);
        for card in ["netdev=net,id=wifi", "id=select", "id=right"] {
            command.arg("-device").arg(format!("virtio-net-device,{card}"));
        }
        command
            .args(["-semihosting-config", &words])
            .args(control::ARGUMENTS)
            .arg("-kernel")
            .arg(image.canonicalize()?);
        command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut qemu = command.spawn().with_context(|| format!("cannot start {QEMU}"))?;
        let begun = Control::connect(&folder).and_then(|mut control| {
            let terminal = terminal(&mut control)?;
            let table = Table::parse(&fs::read(image)?)?.context("the image has no logs")?;
            let serial = Serial::open(&terminal, table)?;
            Ok((control, serial, terminal, File::open(folder.join("i2c.bin"))?))
        });
        let (control, serial, port, wire) = begun.inspect_err(|_| _ = qemu.kill())?;
        let display = Module::new(Glass::CARD);
        Ok(Self { qemu, control, serial, folder, port, display, wire, pending: Vec::new() })
    }

    /// Takes in what the board did since the last time.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn listen(&mut self) -> Result<()> {
        if let Some(status) = self.qemu.try_wait()? {
            bail!("the firmware has ended with {status}");
        }
        self.serial.listen()?;
        self.wire.read_to_end(&mut self.pending)?;
        while let [address, low, high, rest @ ..] = &self.pending[..] {
            let len = usize::from(u16::from_le_bytes([*low, *high]));
            let Some(bytes) = rest.get(..len) else { break };
            ensure!(*address == DISPLAY, "nothing is at the address {address:#x}");
            self.display.take(bytes);
            self.pending.drain(..3 + len);
        }
        Ok(())
    }

    /// What the display shows.
    ///
    /// # Errors
    /// The board has ended.
    pub(super) fn picture(&mut self) -> Result<Picture> {
        self.listen()?;
        Picture::of_lit(&self.display.picture())
    }

    /// The terminal that its serial line ends at.
    pub(super) fn port(&self) -> &Path {
        &self.port
    }

    /// How bright its display is, of 255.
    pub(super) fn contrast(&self) -> u8 {
        self.display.contrast()
    }

    /// What the LEDs show: red, green and blue; none before they were told.
    ///
    /// # Errors
    /// The file can't be read.
    pub(super) fn leds(&self) -> Result<Vec<[u8; 3]>> {
        let bytes = fs::read(self.folder.join("leds.bin"))?;
        let pulses: Vec<_> =
            bytes.as_chunks().0.iter().map(|[high, low]| [*high, *low].map(|time| u32::from(time) * UNIT)).collect();
        // The last one whole; what is behind its end is under way.
        let mut told = pulses.rsplit(|pulse| *pulse == [0, 0]).skip(1);
        let mut pulses: Vec<_> = told.next().unwrap_or_default().iter().map(|[high, low]| (*high, *low)).collect();
        let Some(last) = pulses.last_mut() else { return Ok(Vec::new()) };
        last.1 += RESET;
        Ok(strip::decode(&strip::ALL[0], &pulses))
    }

    /// Says a line, and waits for what is answered.
    ///
    /// # Errors
    /// The board doesn't answer.
    pub(super) fn ask(&mut self, line: &str) -> Result<Vec<String>> {
        println!("  < {}", line.split_once("password ").map_or(line, |_| "set password ..."));
        self.serial.say(line)?;
        let begun = Instant::now();
        loop {
            self.listen()?;
            if let Some(answer) = self.serial.answer() {
                return Ok(answer);
            }
            ensure!(begun.elapsed() < ANSWER, "the board doesn't answer to {line:?}");
            thread::sleep(LOOK);
        }
    }

    /// Says a line that is answered with `ok`: what stands before it.
    ///
    /// # Errors
    /// It is answered otherwise.
    pub(super) fn tell(&mut self, line: &str) -> Result<Vec<String>> {
        let mut answer = self.ask(line)?;
        ensure!(answer.pop().as_deref() == Some("ok"), "the board refuses {line:?}");
        Ok(answer)
    }

    /// Brings the access point into reach, or takes it away.
    ///
    /// # Errors
    /// QEMU has ended.
    pub(super) fn wifi(&mut self, is_in_reach: bool) -> Result<()> {
        self.control.plug("wifi", is_in_reach)
    }

    /// Presses the select button for a while.
    ///
    /// # Errors
    /// QEMU has ended.
    pub(super) fn press(&mut self, held: Duration) -> Result<()> {
        self.control.plug("select", false)?;
        thread::sleep(held);
        self.control.plug("select", true)
    }

    /// Cuts the power.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn cut(mut self) -> Result<()> {
        self.qemu.kill()?;
        self.qemu.wait()?;
        Ok(())
    }

    /// Turns the firmware off by its button, and waits for its end: its status.
    ///
    /// # Errors
    /// It doesn't end.
    pub(super) fn turn_off(mut self) -> Result<i32> {
        self.control.plug("select", false)?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.qemu.try_wait()? {
                return status.code().context("QEMU was killed");
            }
            _ = self.serial.listen();
            thread::sleep(LOOK);
        }
        bail!("the firmware can't be turned off")
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        _ = self.qemu.kill();
        _ = self.qemu.wait();
    }
}

/// The terminal that QEMU made for the serial line.
fn terminal(control: &mut Control) -> Result<PathBuf> {
    let lines = control.ask("query-chardev", &json!({}))?;
    let lines = lines.as_array().context("QEMU tells no lines")?;
    let serial = lines.iter().find(|line| line["label"] == "serial").context("QEMU has no serial line")?;
    let name = serial["filename"].as_str().and_then(|name| name.strip_prefix("pty:"));
    Ok(name.context("the serial line is no terminal")?.into())
}
