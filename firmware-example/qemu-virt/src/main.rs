//! comfyglow on a RISC-V that QEMU plays, with all that an ESP32's gadget has: a serial line to set it up by, an OLED on I2C,
//! LEDs, a radio that follows a script. The rest is `comfyglow-app`, and `comfyglow-qemu`.
#![no_std]
#![no_main]

mod bus;
mod machine;
mod net;
mod pins;
mod radio;
mod uart;

use comfyglow_app::{
    Gadget, Settings, Start, Store,
    embassy_net::{Runner, Stack},
    setup::{Board, Display},
};
use comfyglow_panels::oled::{ADDRESS, Model, Oled};
use comfyglow_qemu::{Arguments, FLASH, Flash, connect, logs, session, wire::CardDriver};
use embassy_executor::{Spawner, task};
use embassy_futures::block_on;
use static_cell::StaticCell;

/// What the setup needs to know of it.
const BOARD: Board =
    Board { version: env!("CARGO_PKG_VERSION"), chip: "qemu-virt", radio: true, displays: &[Display::Ssd1306W128H64] };

#[riscv_rt::entry]
fn main() -> ! {
    uart::start();
    logs::start(uart::send, &[0xFF, 0]);
    machine::start();
    comfyglow_qemu::run(start, || ())
}

/// Begins all tasks. What it needs of the stack is free again behind it, as for those that it calls.
#[inline(never)]
fn start(spawner: Spawner) {
    static ARGUMENTS: StaticCell<Arguments> = StaticCell::new();
    static SETTINGS: StaticCell<Settings> = StaticCell::new();
    static GADGET: StaticCell<Gadget> = StaticCell::new();
    let arguments = &*ARGUMENTS.init_with(Arguments::get);
    let (settings, store) = settings();
    let settings = &*SETTINGS.init(settings);
    let session = session(settings, arguments.seed);
    let start = Start { reset: machine::reset(), has_radio: true, seed: arguments.seed };
    let gadget: &Gadget = GADGET.init_with(|| Gadget::new(settings, session, start));
    comfyglow_qemu::begin(spawner, gadget, join(spawner, arguments.seed));
    spawner.spawn(console(gadget, store).expect("once"));
    spawner.spawn(stay_joined(gadget, radio::Air::new(arguments)).expect("once"));
    spawner.spawn(paint(gadget).expect("once"));
    spawner.spawn(light(gadget).expect("once"));
    spawner.spawn(watch_buttons(gadget).expect("once"));
}

/// What is saved, and where.
fn settings() -> (Settings, Store<Flash>) {
    let mut store = Store::new(Flash::open(c"settings.bin"), 0..FLASH);
    // It waits for nothing: the host has the file.
    let saved = block_on(store.load()).unwrap_or_default();
    (saved, store)
}

#[inline(never)]
fn join(spawner: Spawner, seed: u64) -> Stack<'static> {
    let (stack, runner) = connect(net::Net::start(), seed);
    spawner.spawn(move_frames(runner).expect("once"));
    stack
}

#[task]
async fn move_frames(mut runner: Runner<'static, CardDriver<net::Net>>) {
    runner.run().await;
}

#[task]
async fn stay_joined(gadget: &'static Gadget, radio: radio::Air) {
    gadget.stay_joined(radio).await;
}

#[task]
async fn paint(gadget: &'static Gadget) {
    gadget.paint(&mut Oled::new(bus::Bus::open(), ADDRESS, Model::Ssd1306Of128x64)).await;
}

#[task]
async fn light(gadget: &'static Gadget) {
    gadget.light(&mut bus::Leds::open()).await;
}

#[task]
async fn watch_buttons(gadget: &'static Gadget) {
    gadget.watch_buttons(pins::SELECT, pins::RIGHT).await;
}

#[task]
async fn console(gadget: &'static Gadget, store: Store<Flash>) {
    gadget.console(uart::Input, uart::Output, BOARD, store, machine::restart).await;
}
