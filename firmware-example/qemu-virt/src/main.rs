//! comfyglow on a RISC-V that QEMU plays, with all that an ESP32's gadget has: a serial line to set it up by, an OLED on I2C,
//! LEDs, a radio that follows a script. The rest is `comfyglow-app`, and `comfyglow-qemu`.
#![no_std]
#![no_main]

mod bus;
mod machine;
mod net;
mod uart;

use core::cell::RefCell;

use comfyglow_app::{
    Gadget, Resources, Settings, Start,
    core::session::GadgetSession,
    embassy_net::{Runner, Stack},
    network,
};
use comfyglow_panels::oled::{ADDRESS, Model, Oled};
use comfyglow_qemu::{Arguments, logs, wire::Wire};
use embassy_executor::{Spawner, task};
use static_cell::StaticCell;

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
    static SETTINGS: StaticCell<Settings> = StaticCell::new();
    static GADGET: StaticCell<Gadget> = StaticCell::new();
    let Arguments { seed, line } = Arguments::get();
    let settings = SETTINGS.init(Settings::parse(&line).expect("settings"));
    let session = session(settings, seed);
    let gadget: &Gadget = GADGET.init_with(|| Gadget::new(settings, session, Start { seed, ..Start::default() }));
    comfyglow_qemu::begin(spawner, gadget, join(spawner, seed));
    spawner.spawn(paint(gadget).expect("once"));
    spawner.spawn(light(gadget).expect("once"));
    net::set_joined(true);
}

#[inline(never)]
fn session(settings: &'static Settings, seed: u64) -> &'static RefCell<GadgetSession<'static>> {
    static SESSION: StaticCell<RefCell<GadgetSession<'static>>> = StaticCell::new();
    SESSION.init_with(|| Gadget::session(settings, seed))
}

#[inline(never)]
fn join(spawner: Spawner, seed: u64) -> Stack<'static> {
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    let (stack, runner) = network(Wire::new(net::Net::start()), RESOURCES.init_with(Resources::new), seed);
    spawner.spawn(move_frames(runner).expect("once"));
    stack
}

#[task]
async fn move_frames(mut runner: Runner<'static, Wire<net::Net>>) {
    runner.run().await;
}

#[task]
async fn paint(gadget: &'static Gadget) {
    gadget.paint(&mut Oled::new(bus::Bus::open(), ADDRESS, Model::Ssd1306Of128x64)).await;
}

#[task]
async fn light(gadget: &'static Gadget) {
    gadget.light(&mut bus::Leds::open()).await;
}
