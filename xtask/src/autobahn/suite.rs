//! Autobahn's own environment and its fuzzing server.
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::process::{output, run};
use crate::python::install;

/// The last release, which no Python newer than 2.7 can run.
const SUITE: &str = "autobahntestsuite==0.8.2";
/// The last virtualenv that makes environments for Python 2.7; it brings the packages' installer along.
const VIRTUALENV: &str = "virtualenv==20.15.1";

/// What to do where there is no Python 2.7.
pub(super) const REMEDY: &str = "Autobahn needs a Python 2.7, and there is none here: `pyenv install 2.7.18` builds one (https://github.com/pyenv/pyenv); it is found there, or as python2.7 or python2 on the PATH";

/// How long the server may take to listen, and to write its report.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A Python environment that has the suite.
pub(super) struct Environment {
    home: PathBuf,
}

impl Environment {
    /// The environment in `home`, made if it isn't there yet; `None` where there is no Python 2.7.
    ///
    /// # Errors
    /// pip can't get the packages, or they don't run.
    pub(super) fn prepare(home: &Path) -> Result<Option<Self>> {
        let environment = Self { home: home.join("python") };
        let check = || output(environment.wstest().arg("--autobahnversion"));
        if check().is_ok() {
            return Ok(Some(environment));
        }
        let Some(python) = python() else { return Ok(None) };
        fs::create_dir_all(home).with_context(|| format!("{} can't be made", home.display()))?;
        // Into a folder of its own: a user's other packages are none of our business.
        let installer = home.join("virtualenv");
        install(
            python.command().args(["-m", "pip"]),
            &["--upgrade", "--target", &installer.to_string_lossy(), VIRTUALENV],
        )?;
        run(python
            .command()
            .args(["-m", "virtualenv", "--quiet"])
            .arg(&environment.home)
            .env("PYTHONPATH", &installer))?;
        install(&mut Command::new(environment.home.join("bin/pip")), &[SUITE])?;
        check().context("Autobahn is installed and doesn't run")?;
        Ok(Some(environment))
    }

    fn wstest(&self) -> Command {
        let mut command = Command::new(self.home.join("bin/wstest"));
        // Its libraries tell at each start that Python 2.7 is old.
        command.env("PYTHONWARNINGS", "ignore");
        command
    }
}

/// A way to start Python 2.7.
struct Python {
    program: &'static str,
    /// Set where pyenv stands before its Pythons and has to be told which.
    pyenv_version: Option<&'static str>,
}

impl Python {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.envs(self.pyenv_version.map(|version| ("PYENV_VERSION", version)));
        command
    }
}

fn python() -> Option<Python> {
    let candidates =
        [("python2.7", None), ("python2", None), ("python2.7", Some("2.7.18")), ("python2.7", Some("2.7"))];
    let mut candidates = candidates.into_iter().map(|(program, pyenv_version)| Python { program, pyenv_version });
    candidates.find(|python| {
        output(python.command().args(["-c", "import sys; print(sys.version_info[:2] == (2, 7))"]))
            .is_ok_and(|answer| answer.trim() == "True")
    })
}

/// The running fuzzing server; it ends with this value.
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    home: PathBuf,
}

impl Server {
    /// Starts the server for `cases` on a free port; what it writes goes to `home`.
    ///
    /// # Errors
    /// It doesn't start, or doesn't listen in time.
    pub(super) fn start(environment: &Environment, home: &Path, cases: &[String]) -> Result<Self> {
        // An old report must not be taken for the new one.
        if home.exists() {
            fs::remove_dir_all(home).with_context(|| format!("{} can't be cleared", home.display()))?;
        }
        fs::create_dir_all(home).with_context(|| format!("{} can't be made", home.display()))?;
        // The port is free again, and nobody else gets it so soon.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let spec = json!({
            "url": format!("ws://{address}"),
            "outdir": home,
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
            // A client that did wrong is told by a close, as the RFC has it, not by a dead socket.
            "options": { "failByDrop": false },
        });
        let spec_file = home.join("spec.json");
        fs::write(&spec_file, spec.to_string()).with_context(|| format!("{} can't be written", spec_file.display()))?;
        let log = File::create(home.join("server.log"))?;
        let child = environment
            .wstest()
            .args(["--mode", "fuzzingserver", "--webport", "0", "--spec"])
            .arg(&spec_file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("Autobahn's server can't be started")?;
        let mut server = Self { child, address, home: home.to_owned() };
        server.wait("didn't begin to listen", |server| TcpStream::connect(server.address).ok())?;
        Ok(server)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The index of the report, once the server has written it.
    ///
    /// # Errors
    /// It isn't written in time.
    pub(super) fn report(mut self, agent: &str) -> Result<Value> {
        self.wait("wrote no report", |server| {
            let text = fs::read(server.home.join("index.json")).ok()?;
            // Half-written text is no JSON yet.
            let index: Value = serde_json::from_slice(&text).ok()?;
            index.get(agent).is_some().then_some(index)
        })
    }

    fn wait<T>(&mut self, otherwise: &str, mut look: impl FnMut(&Self) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            let log = self.home.join("server.log");
            if let Some(status) = self.child.try_wait()? {
                bail!("Autobahn's server ended with {status}: see {}", log.display());
            }
            ensure!(Instant::now() < deadline, "Autobahn's server {otherwise} in {PATIENCE:?}: see {}", log.display());
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to do where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
