//! comfyglow on TI's LM3S6965 evaluation board, as QEMU plays it: pins, drivers and network; the rest is `comfyglow-app`.
//!
//! The host starts it with the settings as its arguments, and learns by semihosting how it ended.
#![no_std]
#![no_main]

mod clock;
mod flash;
mod mac;
mod meter;
mod oled;
mod pins;
mod registers;
mod stack;
mod uart;

use core::{
    cell::RefCell,
    panic::PanicInfo,
    sync::atomic::{AtomicBool, Ordering},
};

use comfyglow_app::{
    Gadget, Resources, Settings, Start,
    core::session::{GadgetSession, Link},
    embassy_net::{Runner, Stack},
    network,
};
use embassy_executor::{Spawner, raw, task};
use semihosting::{experimental::env::args, process::exit};
use static_cell::StaticCell;

/// The MAC's receive and transmit buffers for each link: a window of two frames for the socket, of one for answers.
const SOCKET: (usize, usize) = (4_096, 1_024);
const HTTP: (usize, usize) = (1_536, 1_024);

/// The status that tells the host of a panic, as that of Rust's own programs.
const PANICKED: i32 = 101;

#[cortex_m_rt::entry]
fn main() -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    stack::paint();
    let cortex = cortex_m::Peripherals::take().expect("it is called once");
    clock::start(cortex.SYST);
    uart::start();
    let executor = EXECUTOR.init_with(|| raw::Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    // The tasks have yet to begin: what they need is told apart from what the start needed.
    stack::paint_again();
    loop {
        // SAFETY: nothing else polls it.
        unsafe { executor.poll() };
        cortex_m::interrupt::free(|_| {
            if !WOKEN.swap(false, Ordering::Relaxed) {
                meter::idle();
                // An interrupt that is pending ends it, though it is served behind this section.
                cortex_m::asm::wfi();
            }
        });
    }
}

/// A task has something to do.
static WOKEN: AtomicBool = AtomicBool::new(false);

#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Relaxed);
}

/// Begins all tasks. What it needs of the stack is free again behind it, as for those that it calls.
#[inline(never)]
fn start(spawner: Spawner) {
    static SETTINGS: StaticCell<Settings> = StaticCell::new();
    static GADGET: StaticCell<Gadget> = StaticCell::new();
    let (settings, seed) = arguments();
    defmt::info!("server: {}", settings.server());
    let settings = SETTINGS.init(settings);
    let session = session(settings, seed);
    let gadget: &Gadget = GADGET.init_with(|| Gadget::new(settings, session, Start { seed, ..Start::default() }));
    let stack = join(spawner, seed);
    spawner.spawn(watch_network(gadget, stack).expect("once"));
    spawner.spawn(carry_socket(gadget, stack).expect("once"));
    spawner.spawn(carry_http(gadget, stack).expect("once"));
    spawner.spawn(keep_time(gadget).expect("once"));
    spawner.spawn(paint(gadget).expect("once"));
    spawner.spawn(watch_buttons(gadget).expect("once"));
    spawner.spawn(keep(gadget).expect("once"));
    spawner.spawn(end(gadget).expect("once"));
}

#[inline(never)]
fn session(settings: &'static Settings, seed: u64) -> &'static RefCell<GadgetSession<'static>> {
    static SESSION: StaticCell<RefCell<GadgetSession<'static>>> = StaticCell::new();
    SESSION.init_with(|| Gadget::session(settings, seed))
}

#[inline(never)]
fn join(spawner: Spawner, seed: u64) -> Stack<'static> {
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    let (stack, runner) = network(mac::Mac::start(), RESOURCES.init_with(Resources::new), seed);
    spawner.spawn(move_frames(runner).expect("each task is spawned once"));
    stack
}

/// The settings, and a number that is another at each start: this board has nothing random, so the host gives it.
fn arguments() -> (Settings, u64) {
    let given = args::<256>().expect("the host gives them");
    let mut words = (&given).into_iter().skip(1).map(|word| word.expect("they are text"));
    let seed = words.next().and_then(|word| word.parse().ok()).expect("the first is a seed");
    // One after the other, as the settings are one line.
    let mut line = [0; 256];
    let mut len = 0;
    for byte in words.flat_map(|word| word.bytes().chain([b' '])) {
        line[len] = byte;
        len += 1;
    }
    let line = core::str::from_utf8(&line[..len]).expect("they were text");
    match Settings::parse(line) {
        Ok(settings) => (settings, seed),
        Err(error) => defmt::panic!("settings: {}", error),
    }
}

#[task]
async fn move_frames(mut runner: Runner<'static, mac::Mac>) {
    runner.run().await;
}

#[task]
async fn watch_network(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.watch_network(stack).await;
}

#[task]
async fn carry_socket(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.carry(Link::Socket, stack, &mut [0; SOCKET.0], &mut [0; SOCKET.1]).await;
}

#[task]
async fn carry_http(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.carry(Link::Http, stack, &mut [0; HTTP.0], &mut [0; HTTP.1]).await;
}

#[task]
async fn keep_time(gadget: &'static Gadget) {
    gadget.keep_time().await;
}

#[task]
async fn paint(gadget: &'static Gadget) {
    gadget.paint(&mut oled::Oled::new()).await;
}

#[task]
async fn watch_buttons(gadget: &'static Gadget) {
    gadget.watch_buttons(pins::SELECT, pins::RIGHT).await;
}

#[task]
async fn keep(gadget: &'static Gadget) {
    gadget.keep(flash::Flash::open(), 0..flash::BYTES).await;
}

#[task]
async fn end(gadget: &'static Gadget) {
    gadget.off().await;
    defmt::info!("memory: session {}, statics {}, stack {}", GadgetSession::MEMORY, stack::statics(), stack::used());
    defmt::info!("off");
    exit(0)
}

#[panic_handler]
#[cfg_attr(not(feature = "places"), expect(unused_variables, reason = "where it was is texts"))]
fn panic(info: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "places")]
    if let Some(place) = info.location() {
        defmt::error!("panic: {}:{}", place.file(), place.line());
    }
    exit(PANICKED)
}

#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#x}", frame.pc());
    exit(PANICKED)
}
