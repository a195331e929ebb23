//! A gadget is set up over a serial line, and says how it goes.
use std::{
    cell::RefCell,
    collections::VecDeque,
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    sync::Mutex,
    task::Poll,
};

use comfyglow_app::{
    Gadget, Radio, Reset, Settings, Start, Store,
    core::state::NetworkDown,
    embedded_io_async::{ErrorType, Read, Write},
    setup::{Board, Display},
};
use comfyglow_rig::nor::Nor;
use embassy_futures::{block_on, poll_once};
use embassy_time::{Duration, MockDriver};

const PAGE: usize = 4_096;
const RANGE: std::ops::Range<u32> = 0..8_192;
const BOARD: Board = Board { version: "0.1.0", chip: "esp32c3", radio: true, displays: &[Display::Ssd1306W128H64] };

/// The clock is all tests'.
static CLOCK: Mutex<()> = Mutex::new(());

thread_local! {
    static SENT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A serial line with a host at its end, or none.
#[derive(Clone, Default)]
struct Serial(Rc<RefCell<(VecDeque<u8>, bool)>>);

impl Serial {
    fn unplugged(&self, unplugged: bool) {
        self.0.borrow_mut().1 = unplugged;
    }
}

impl ErrorType for Serial {
    type Error = Infallible;
}

impl Read for Serial {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|_| {
            let typed = &mut self.0.borrow_mut().0;
            let len = typed.len().min(bytes.len());
            typed.drain(..len).zip(bytes.iter_mut()).for_each(|(from, to)| *to = from);
            if len == 0 { Poll::Pending } else { Poll::Ready(Ok(len)) }
        })
        .await
    }
}

impl Write for Serial {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        if self.0.borrow().1 {
            std::future::pending::<()>().await;
        }
        SENT.with_borrow_mut(|sent| sent.extend(bytes));
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// What was sent since it was last asked for.
fn sent() -> String {
    String::from_utf8(SENT.take()).unwrap()
}

fn restart() -> ! {
    panic!("it restarts behind {:?}", sent())
}

fn gadget(settings: &str, reset: Reset) -> &'static Gadget {
    let settings = Box::leak(Box::new(Settings::parse(settings).unwrap()));
    let session = Box::leak(Box::new(Gadget::session(settings, 1)));
    Box::leak(Box::new(Gadget::new(settings, session, Start { reset, has_radio: true, seed: 1 })))
}

fn store(flash: &Nor<PAGE>) -> Store<Nor<PAGE>> {
    Store::new(flash.clone(), RANGE)
}

/// A gadget at work, and its line.
struct Bench {
    serial: Serial,
    console: Pin<Box<dyn Future<Output = Infallible>>>,
}

impl Bench {
    fn new(gadget: &'static Gadget, flash: &Nor<PAGE>) -> Self {
        let serial = Serial::default();
        let (reader, writer, store) = (serial.clone(), serial.clone(), store(flash));
        let console = Box::pin(async move { match gadget.console(reader, writer, BOARD, store, restart).await {} });
        Self { serial, console }
    }

    /// What is answered to this.
    fn ask(&mut self, lines: &str) -> String {
        self.serial.0.borrow_mut().0.extend(lines.bytes());
        self.poll();
        sent()
    }

    /// Lets so much time pass, and tells what is said.
    fn wait(&mut self, seconds: u64) -> String {
        MockDriver::get().advance(Duration::from_secs(seconds));
        self.poll();
        sent()
    }

    fn poll(&mut self) {
        for _ in 0..10 {
            assert!(poll_once(self.console.as_mut()).is_pending());
        }
    }
}

#[test]
fn what_is_saved_counts_from_the_next_start_on() {
    let _clock = CLOCK.lock();
    let flash = Nor::new(2, 1);
    let mut bench = Bench::new(gadget("", Reset::PowerOn), &flash);
    assert_eq!(bench.ask("set ssid My home\rset password hunter22\rset server desk\r"), "ok\r\nok\r\nok\r\n");
    assert_eq!(block_on(store(&flash).load()), Ok(Settings::new()), "nothing is saved yet");
    assert_eq!(bench.ask("save\n"), "ok\r\n");
    let saved = block_on(store(&flash).load()).unwrap();
    assert_eq!((saved.ssid(), saved.password(), saved.server()), ("My home", "hunter22", "desk:8188"));

    let mut bench = Bench::new(gadget("", Reset::PowerOn), &flash);
    let shown = bench.ask("show\r\n");
    assert!(shown.starts_with("ssid=My home\r\npassword=(set)\r\nserver=desk:8188\r\n"), "{shown}");
    assert!(shown.ends_with("unsaved=no\r\nmissing=none\r\nok\r\n"), "{shown}");
    assert_eq!(bench.ask("forget\r\n"), "ok\r\n");
    assert_eq!(block_on(store(&flash).load()), Ok(Settings::new()));
    assert!(!flash.holds(b"hunter22"));
}

#[test]
fn a_flash_that_fails_is_told() {
    let _clock = CLOCK.lock();
    let flash = Nor::new(2, 1);
    let mut bench = Bench::new(gadget("", Reset::PowerOn), &flash);
    bench.ask("set ssid Home\r");
    flash.stop_behind(3);
    assert!(bench.ask("save\r").starts_with("error: the flash doesn't answer"));
    flash.restart();
    assert_eq!(bench.ask("save\r"), "ok\r\n");
    assert_eq!(block_on(store(&flash).load()).unwrap().ssid(), "Home");
}

#[test]
fn who_is_not_set_up_says_so_and_interrupts_nobody() {
    let _clock = CLOCK.lock();
    let mut bench = Bench::new(gadget("server=desk", Reset::PowerOn), &Nor::new(2, 1));
    let hint = "# comfyglow: not set up; type help\r\n";
    assert_eq!(bench.ask(""), hint);
    assert_eq!(bench.wait(4), "");
    assert_eq!(bench.wait(1), hint);
    assert_eq!(bench.wait(4), "");
    assert_eq!(bench.ask("set ssi"), "");
    assert_eq!(bench.wait(4), "", "somebody types");
    assert_eq!(bench.ask("d Home\rset server desk\rsave\r"), "ok\r\nok\r\nok\r\n");
    assert_eq!(bench.wait(100), "", "it is set up");

    let mut bench = Bench::new(gadget("server=desk ssid=Home", Reset::PowerOn), &Nor::new(2, 1));
    assert_eq!(bench.wait(100), "", "its board knows what to do");
}

#[test]
fn nobody_at_the_line_holds_up_nothing() {
    let _clock = CLOCK.lock();
    let mut bench = Bench::new(gadget("", Reset::PowerOn), &Nor::new(2, 1));
    bench.serial.unplugged(true);
    assert_eq!(bench.ask("show\r"), "");
    bench.wait(2);
    bench.wait(2);
    bench.serial.unplugged(false);
    bench.poll();
    sent();
    assert!(bench.ask("version\r").starts_with("version comfyglow 0.1.0 esp32c3\r\n"));
}

#[test]
fn what_a_newer_firmware_saved_is_told_and_kept_until_something_is_saved() {
    let _clock = CLOCK.lock();
    let flash = Nor::new(2, 1);
    let mut record = [0; comfyglow_app::setup::RECORD_BYTES];
    let mut record = Settings::parse("server=desk").unwrap().write(&mut record).unwrap().to_vec();
    record[4] += 1;
    let mut journal = comfyglow_app::Journal::<_, { comfyglow_app::cell(480) }>::new(flash.clone(), RANGE).unwrap();
    block_on(journal.add(&record)).unwrap();
    let mut bench = Bench::new(gadget("", Reset::PowerOn), &flash);
    let said = bench.ask("");
    assert!(said.contains("saved by a newer comfyglow (format 2, not 1)"), "{said}");
    assert!(said.lines().all(|line| line.starts_with('#')), "{said}");
    let said = bench.ask("show\r");
    assert!(said.contains("unsaved=no\r\nmissing=ssid\r\nok\r\n"), "{said}");
    assert!(block_on(store(&flash).load()).is_err());
    assert_eq!(bench.ask("set server other\rset ssid Home\rsave\r"), "ok\r\nok\r\nok\r\n");
    assert_eq!(block_on(store(&flash).load()).unwrap().host(), "other");
}

/// The access point that knows another password.
struct Air;

impl Radio for Air {
    async fn join(&mut self, _: &str, _: &str) -> Result<(), NetworkDown> {
        Err(NetworkDown::WrongPassword)
    }

    async fn lost(&mut self) -> NetworkDown {
        std::future::pending().await
    }
}

#[test]
fn how_it_goes_is_told_in_words() {
    let _clock = CLOCK.lock();
    let flash = Nor::new(2, 1);
    let unset = Bench::new(gadget("", Reset::PowerOn), &flash).ask("status\r");
    assert!(unset.starts_with("network=offline: it is not set up\r\nconnection="), "{unset}");
    assert!(unset.ends_with("reset=power-on\r\nok\r\n"), "{unset}");

    let gadget = gadget("ssid=Home password=hunter22 server=desk", Reset::Panic("src/main.rs:7"));
    let mut bench = Bench::new(gadget, &flash);
    let joining = bench.ask("status\r");
    assert!(joining.starts_with("network=joining\r\n"), "{joining}");
    let mut joins = pin!(gadget.stay_joined(Air));
    assert!(poll_once(joins.as_mut()).is_pending());
    let status = bench.ask("status\r");
    let lines: Vec<_> = status.lines().collect();
    assert_eq!(lines[0], "network=offline: the Wi-Fi password is wrong; Set the password again.");
    assert!(lines[1].starts_with("connection="), "{status}");
    assert_eq!(lines[2], "prompt=none");
    assert!(lines[3].starts_with("uptime="), "{status}");
    assert_eq!(lines[4..], ["reset=panic: src/main.rs:7", "ok"]);
    assert!(!status.contains("hunter22"));
}

#[test]
#[should_panic(expected = "it restarts behind \"ok\\r\\n\"")]
fn it_restarts_once_that_is_answered() {
    let mut bench = Bench::new(gadget("ssid=Home server=desk", Reset::PowerOn), &Nor::new(2, 1));
    bench.ask("restart\r");
}
