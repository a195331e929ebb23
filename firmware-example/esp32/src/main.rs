//! comfyglow on an ESP32: pins, drivers and radio; the rest is `comfyglow-app`.
#![no_std]
#![no_main]

mod pins;
mod radio;
mod reset;
mod strip;

use core::cell::RefCell;

use comfyglow_app::{
    Gadget, Resources, Settings,
    core::session::{GadgetSession, Link},
    embassy_net::{Runner, Stack},
    network,
};
use comfyglow_panels::oled::{ADDRESS, Model, Oled};
use embassy_embedded_hal::adapter::BlockingAsync;
use embassy_executor::{Spawner, task};
use esp_hal::{
    Async,
    gpio::Input,
    i2c::master::I2c,
    rng::Rng,
    time::Rate,
};
use esp_radio::wifi::{Interface, WifiController};
use esp_storage::FlashStorage;
use static_cell::StaticCell;

esp_bootloader_esp_idf::esp_app_desc!();

#[esp_hal::main]
async fn main(spawner: Spawner) {
    static SETTINGS: StaticCell<Settings> = StaticCell::new();
    static GADGET: StaticCell<Gadget> = StaticCell::new();
    let peripherals = esp_hal::init(esp_hal::Config::default());
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: 64 * 1024);
    esp_alloc::heap_allocator!(size: 16 * 1024);
    let timers = esp_hal::timer::timg::TimerGroup::new(peripherals.TIMG0);
    esp_rtos::start(timers.timer0, peripherals.FROM_CPU_INTR0);
    let pins = pins::take!(peripherals);
    let rng = Rng::new();
    let seed = u64::from(rng.random()) << 32 | u64::from(rng.random());
    let settings = SETTINGS.init(Settings::parse("server=desk:8188").expect("it is one"));
    let session = session(settings, seed);
    let gadget: &Gadget = GADGET.init_with(|| Gadget::new(settings, session));

    let bus = I2c::new(peripherals.I2C0, esp_hal::i2c::master::Config::default().with_frequency(Rate::from_khz(400)));
    let bus = bus.expect("it can be").with_sda(pins.sda).with_scl(pins.scl).into_async();
    let controller = WifiController::new(peripherals.WIFI, esp_radio::wifi::ControllerConfig::default()).expect("radio");
    let stack = join(spawner, seed);
    spawner.spawn(watch_network(gadget, stack).expect("once"));
    spawner.spawn(carry_socket(gadget, stack).expect("once"));
    spawner.spawn(carry_http(gadget, stack).expect("once"));
    spawner.spawn(keep_time(gadget).expect("once"));
    spawner.spawn(paint(gadget, bus).expect("once"));
    let up = || esp_hal::gpio::InputConfig::default().with_pull(esp_hal::gpio::Pull::Up);
    spawner.spawn(watch_buttons(gadget, Input::new(pins.button, up()), Input::new(pins.page, up())).expect("once"));
    spawner.spawn(keep(gadget, FlashStorage::new(peripherals.FLASH)).expect("once"));
    spawner.spawn(light(gadget, strip::Ws2812::new(peripherals.RMT, pins.strip).expect("it can be")).expect("once"));
    radio::stay(controller).await;
}

#[inline(never)]
fn session(settings: &'static Settings, seed: u64) -> &'static RefCell<GadgetSession<'static>> {
    static SESSION: StaticCell<RefCell<GadgetSession<'static>>> = StaticCell::new();
    SESSION.init_with(|| Gadget::session(settings, seed))
}

#[inline(never)]
fn join(spawner: Spawner, seed: u64) -> Stack<'static> {
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    let (stack, runner) = network(Interface::station(), RESOURCES.init_with(Resources::new), seed);
    spawner.spawn(move_frames(runner).expect("each task is spawned once"));
    stack
}

#[task]
async fn move_frames(mut runner: Runner<'static, Interface>) {
    runner.run().await;
}

#[task]
async fn watch_network(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.watch_network(stack).await;
}

#[task]
async fn carry_socket(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.carry(Link::Socket, stack, &mut [0; 4096], &mut [0; 1024]).await;
}

#[task]
async fn carry_http(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.carry(Link::Http, stack, &mut [0; 1536], &mut [0; 1024]).await;
}

#[task]
async fn keep_time(gadget: &'static Gadget) {
    gadget.keep_time().await;
}

#[task]
async fn paint(gadget: &'static Gadget, bus: I2c<'static, Async>) {
    gadget.paint(&mut Oled::new(bus, ADDRESS, Model::Ssd1306Of128x64)).await;
}

#[task]
async fn light(gadget: &'static Gadget, mut strip: strip::Ws2812) {
    gadget.light(&mut strip, 8, 30).await;
}

#[task]
async fn watch_buttons(gadget: &'static Gadget, select: Input<'static>, page: Input<'static>) {
    gadget.watch_buttons(select, page).await;
}

#[task]
async fn keep(gadget: &'static Gadget, flash: FlashStorage<'static>) {
    gadget.keep(BlockingAsync::new(flash), 0x3F_0000..0x3F_2000).await;
}
