//! A machine in QEMU, as QEMU's own control socket has it.
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long QEMU may take to begin, and the firmware to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What QEMU is to be started with, in the folder that is told to [`Control::connect`].
pub(crate) const ARGUMENTS: [&str; 2] = ["-qmp", "unix:qmp,server=on,wait=off"];

/// The file of the socket.
const SOCKET: &str = "qmp";

/// QEMU's control socket.
pub(crate) struct Control {
    stream: BufReader<UnixStream>,
    folder: PathBuf,
}

impl Control {
    /// Connects to the QEMU that was just started in `folder`.
    ///
    /// # Errors
    /// It doesn't begin in time.
    pub(crate) fn connect(folder: &Path) -> Result<Self> {
        let begun = Instant::now();
        let stream = loop {
            match UnixStream::connect(folder.join(SOCKET)) {
                Ok(stream) => break stream,
                Err(error) if begun.elapsed() > PATIENCE => return Err(error).context("QEMU doesn't begin"),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut control = Self { stream: BufReader::new(stream), folder: folder.to_owned() };
        control.ask("qmp_capabilities", &json!({}))?;
        Ok(control)
    }

    /// What is in the machine's memory from `address` on.
    ///
    /// # Errors
    /// QEMU doesn't tell.
    pub(crate) fn memory(&mut self, address: u64, len: u64) -> Result<Vec<u8>> {
        let path = self.folder.join("memory.bin");
        self.ask("pmemsave", &json!({"val": address, "size": len, "filename": &path}))?;
        Ok(fs::read(path)?)
    }

    /// Plugs in a cable, by the network's or the card's name, or pulls it.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn plug(&mut self, name: &str, plugged: bool) -> Result<()> {
        self.ask("set_link", &json!({"name": name, "up": plugged}))?;
        Ok(())
    }

    /// Has QEMU do something: what it answers.
    ///
    /// # Errors
    /// It can't, or has ended.
    pub(crate) fn ask(&mut self, what: &str, arguments: &Value) -> Result<Value> {
        let question = json!({"execute": what, "arguments": arguments});
        writeln!(self.stream.get_mut(), "{question}").context("QEMU has ended")?;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).context("QEMU doesn't answer")?;
            let mut answer: Value = serde_json::from_str(&line).context("QEMU has ended")?;
            if let Some(error) = answer.get("error") {
                bail!("QEMU can't do {what}: {error}");
            }
            // Else it is an event, or the greeting.
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }
}

/// Forgets the socket of an earlier run in `folder`.
pub(crate) fn forget(folder: &Path) {
    _ = fs::remove_file(folder.join(SOCKET));
}

/// Says what to install where `qemu` is missing, which Debian has in `package`.
///
/// # Errors
/// It is.
pub(crate) fn is_there(qemu: &str, package: &str) -> Result<()> {
    let paths = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&paths).any(|folder| folder.join(qemu).is_file()) {
        return Ok(());
    }
    bail!(
        "{qemu} isn't here. On Debian and Ubuntu: sudo apt-get install {package}; on Fedora: sudo dnf install {qemu}; on \
         macOS: brew install qemu"
    )
}
