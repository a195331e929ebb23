//! A board at the other end of a serial line, made of the protocol's own code.

use std::{
    fs,
    io::{Read as _, Write},
    os::unix::fs::symlink,
    path::PathBuf,
    process::Command as Process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use comfyglow_setup::{Answer, Asked, Board, Command, Console, Desk, Display, Settings};
use portable_pty::{MasterPty, PtySize, native_pty_system};

use super::PATIENCE;

/// What a status tells, by what is saved and how often it was asked since the start.
pub(crate) type Tell = Box<dyn FnMut(&Settings, u32) -> Vec<String> + Send>;

/// How the board behaves.
pub(crate) struct Script {
    /// What is saved at first.
    pub(crate) saved: Settings,
    /// What a status tells.
    pub(crate) status: Tell,
    /// What is sent before each answer.
    pub(crate) noise: &'static [u8],
    /// It answers nothing, but says this once for each line.
    pub(crate) only: Option<&'static [u8]>,
    /// So many lines are left unanswered.
    pub(crate) ignored: u32,
    /// Saving fails.
    pub(crate) flash_is_broken: bool,
    /// It restarts instead of saving, so often.
    pub(crate) restarts_at_save: u32,
    /// It is pulled out when it is asked for this.
    pub(crate) pulled_at: Option<Asked>,
    /// It goes from the port when it restarts, and comes back.
    pub(crate) reappears: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            saved: Settings::new(),
            status: Box::new(|saved, asked| {
                let status = |network: &str, connection: &str| {
                    vec![format!("network={network}"), format!("connection={connection}")]
                };
                match (saved.password(), asked) {
                    (_, 0) => status("joining", "disconnected"),
                    ("correct horse", 1) => status("up", "connecting"),
                    ("correct horse", _) => status("up", "connected"),
                    _ => status("offline: the Wi-Fi password is wrong; Set the password again.", "disconnected"),
                }
            }),
            noise: b"",
            only: None,
            ignored: 0,
            flash_is_broken: false,
            restarts_at_save: 0,
            pulled_at: None,
            reappears: false,
        }
    }
}

/// A board behind a port.
pub(crate) struct FakeBoard {
    folder: tempfile::TempDir,
    tell: Sender<Event>,
    known: Arc<Mutex<Known>>,
    heard: Mutex<Receiver<String>>,
}

/// What the test may look at.
#[derive(Default)]
struct Known {
    saved: Settings,
    starts: u32,
}

enum Event {
    /// Bytes from the port that was plugged in that often.
    Heard(u32, Vec<u8>),
    Say(Vec<u8>),
    Unplug,
    Plug,
}

impl FakeBoard {
    pub(crate) fn new(script: Script) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (tell, told) = mpsc::channel();
        let (hear, heard) = mpsc::channel();
        let known = Arc::new(Mutex::new(Known { saved: script.saved.clone(), starts: 0 }));
        let mut running = Running {
            link: folder.path().join("board"),
            tell: tell.clone(),
            plugged: None,
            times: 0,
            hear,
            known: known.clone(),
            script,
        };
        running.plug();
        thread::spawn(move || running.run(&told));
        Self { folder, tell, known, heard: Mutex::new(heard) }
    }

    /// The port's name.
    pub(crate) fn port(&self) -> String {
        self.link().to_str().expect("UTF-8").to_owned()
    }

    fn link(&self) -> PathBuf {
        self.folder.path().join("board")
    }

    /// What is saved by now.
    pub(crate) fn saved(&self) -> Settings {
        self.known.lock().expect("nothing panics").saved.clone()
    }

    /// How often it has restarted.
    pub(crate) fn starts(&self) -> u32 {
        self.known.lock().expect("nothing panics").starts
    }

    pub(crate) fn say(&self, bytes: &[u8]) {
        self.tell.send(Event::Say(bytes.to_vec())).expect("it listens");
    }

    pub(crate) fn unplug(&self) {
        self.tell.send(Event::Unplug).expect("it listens");
    }

    pub(crate) fn plug(&self) {
        self.tell.send(Event::Plug).expect("it listens");
    }

    /// Waits for a line that asks for `wanted`.
    pub(crate) fn heard(&self, wanted: &str) {
        let heard = self.heard.lock().expect("nothing panics");
        while heard.recv_timeout(PATIENCE).expect("it is asked in time") != wanted {}
    }
}

/// A port that is plugged in.
struct Plugged {
    _master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    /// The other side, held so that the port stays as it is between two who open it.
    other: fs::File,
    gone: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

struct Running {
    link: PathBuf,
    tell: Sender<Event>,
    plugged: Option<Plugged>,
    times: u32,
    hear: Sender<String>,
    known: Arc<Mutex<Known>>,
    script: Script,
}

impl Running {
    fn plug(&mut self) {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a terminal");
        let name = pair.master.tty_name().expect("it has a name");
        // What the board says before anybody listens is not to come back to it.
        let raw = Process::new("stty").arg("-F").arg(&name).args(["raw", "-echo"]).status().expect("stty starts");
        assert!(raw.success());
        let other = fs::OpenOptions::new().read(true).write(true).open(&name).expect("the port opens");
        self.times += 1;
        let (times, tell, gone) = (self.times, self.tell.clone(), Arc::new(AtomicBool::new(false)));
        let mut from = pair.master.try_clone_reader().expect("it can be read");
        let is_gone = gone.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(len @ 1..) = from.read(&mut buffer) {
                if is_gone.load(Ordering::SeqCst) || tell.send(Event::Heard(times, buffer[..len].to_vec())).is_err() {
                    break;
                }
            }
        });
        let writer = pair.master.take_writer().expect("it can be written");
        self.plugged = Some(Plugged { _master: pair.master, writer, other, gone, reader });
        symlink(name, &self.link).expect("the port has a name");
    }

    fn unplug(&mut self) {
        let Some(mut plugged) = self.plugged.take() else { return };
        fs::remove_file(&self.link).expect("the port's name goes");
        // The reader holds the port too: it is woken to let go of it.
        plugged.gone.store(true, Ordering::SeqCst);
        plugged.other.write_all(b"\n").expect("it can be written");
        plugged.reader.join().expect("it ends");
    }

    fn say(&mut self, bytes: &[u8]) {
        if let Some(Plugged { writer, .. }) = &mut self.plugged {
            writer.write_all(bytes).and_then(|()| writer.flush()).expect("it can be written");
        }
    }

    fn desk(&self) -> Desk {
        const BOARD: Board = Board {
            version: "0.1.0",
            chip: "esp32c3",
            radio: true,
            displays: &[Display::Ssd1306W128H64, Display::Sh1106W128H64],
        };
        Desk::new(BOARD, self.known.lock().expect("nothing panics").saved.clone())
    }

    fn run(mut self, told: &Receiver<Event>) {
        let (mut console, mut desk, mut asked_status) = (Console::new(), self.desk(), 0);
        while let Ok(event) = told.recv() {
            let bytes = match event {
                Event::Heard(times, bytes) if times == self.times => bytes,
                Event::Heard(..) => continue,
                Event::Say(bytes) => {
                    self.say(&bytes);
                    continue;
                }
                Event::Unplug => {
                    self.unplug();
                    continue;
                }
                Event::Plug => {
                    self.plug();
                    continue;
                }
            };
            for byte in bytes {
                let Some(line) = console.hear(byte).line else { continue };
                let _ = self.hear.send(line.map_or_else(|error| error.to_string(), |line| name(&line)));
                if let Some(only) = self.script.only {
                    self.say(only);
                    continue;
                }
                if self.script.ignored > 0 {
                    self.script.ignored -= 1;
                    continue;
                }
                let mut answer = Answer::new();
                let mut restarts = false;
                let asked = desk.answer(line, &mut answer);
                if self.script.pulled_at == Some(asked) {
                    self.unplug();
                    continue;
                }
                match asked {
                    Asked::Nothing => {}
                    Asked::Restart => restarts = true,
                    Asked::Save if self.script.restarts_at_save > 0 => {
                        self.script.restarts_at_save -= 1;
                        answer.clear();
                        let _ = answer.push_str("ESP-ROM:esp32c3-api1-20210207\r\n");
                        restarts = true;
                    }
                    Asked::Save if self.script.flash_is_broken => {
                        desk.saved(Err("the flash can't be written"), &mut answer);
                    }
                    Asked::Save => {
                        self.known.lock().expect("nothing panics").saved = desk.settings().clone();
                        desk.saved(Ok::<(), &str>(()), &mut answer);
                    }
                    Asked::Forget => {
                        self.known.lock().expect("nothing panics").saved = Settings::new();
                        desk.forgotten(Ok::<(), &str>(()), &mut answer);
                    }
                    Asked::Status => {
                        let saved = self.known.lock().expect("nothing panics").saved.clone();
                        let lines = (self.script.status)(&saved, asked_status);
                        asked_status += 1;
                        for line in lines {
                            answer.push_str(&format!("{line}\r\n")).expect("there is room");
                        }
                        Desk::done(&mut answer);
                    }
                }
                let noise = self.script.noise;
                self.say(noise);
                self.say(answer.as_bytes());
                if restarts {
                    if self.script.reappears {
                        self.unplug();
                        self.plug();
                    }
                    self.known.lock().expect("nothing panics").starts += 1;
                    (console, desk, asked_status) = (Console::new(), self.desk(), 0);
                    self.say(b"# comfyglow starts\r\n");
                }
            }
        }
    }
}

/// What a line asks for, without any value.
fn name(command: &Command<'_>) -> String {
    match command {
        Command::Set(setting, _) => format!("set {}", setting.name()),
        other => other.line().expect("it is short").to_string(),
    }
}
