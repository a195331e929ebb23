//! comfyglow on TI's LM3S6965 evaluation board, as QEMU plays it: pins, drivers and network; the rest is `comfyglow-app`,
//! and `comfyglow-qemu`.
//!
//! The host starts it with the settings as its arguments.
#![no_std]
#![no_main]

mod clock;
mod mac;
mod oled;
mod pins;
mod uart;

use comfyglow_app::{
    Gadget, Settings, Start,
    embassy_net::{Runner, Stack},
};
use comfyglow_qemu::{connect, logs, meter, session, settings, wire::CardDriver};
use embassy_executor::{Spawner, task};
use static_cell::StaticCell;

#[cortex_m_rt::entry]
fn main() -> ! {
    let cortex = cortex_m::Peripherals::take().expect("it is called once");
    clock::start(cortex.SYST);
    uart::start();
    logs::start(uart::send, &[]);
    comfyglow_qemu::run(start, || meter::idle(clock::cycles()))
}

/// Begins all tasks. What it needs of the stack is free again behind it, as for those that it calls.
#[inline(never)]
fn start(spawner: Spawner) {
    static SETTINGS: StaticCell<Settings> = StaticCell::new();
    static GADGET: StaticCell<Gadget> = StaticCell::new();
    let (settings, seed) = settings();
    let settings = SETTINGS.init(settings);
    let session = session(settings, seed);
    let gadget: &Gadget = GADGET.init_with(|| Gadget::new(settings, session, Start { seed, ..Start::default() }));
    comfyglow_qemu::begin(spawner, gadget, join(spawner, seed));
    spawner.spawn(paint(gadget).expect("once"));
    spawner.spawn(watch_buttons(gadget).expect("once"));
}

#[inline(never)]
fn join(spawner: Spawner, seed: u64) -> Stack<'static> {
    let (stack, runner) = connect(mac::Mac::start(), seed);
    spawner.spawn(move_frames(runner).expect("once"));
    stack
}

#[task]
async fn move_frames(mut runner: Runner<'static, CardDriver<mac::Mac>>) {
    runner.run().await;
}

#[task]
async fn paint(gadget: &'static Gadget) {
    gadget.paint(&mut oled::open()).await;
}

#[task]
async fn watch_buttons(gadget: &'static Gadget) {
    gadget.watch_buttons(pins::SELECT, pins::RIGHT).await;
}

#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#x}", frame.pc());
    comfyglow_qemu::fail()
}
