//! comfyglow on an ESP32: pins, drivers and radio; the rest is `comfyglow-app`.
#![no_std]
#![no_main]

#[cfg_attr(feature = "lcd", path = "panel/lcd.rs")]
#[cfg_attr(not(feature = "lcd"), path = "panel/oled.rs")]
mod panel;
mod pins;
mod radio;
mod reset;
mod strip;

use core::cell::RefCell;

use comfyglow_app::{
    Gadget, LEDS, Resources, Settings, Start, Store, Strip as _,
    core::{capacity::GadgetCapacity, session::Link, wire::Wire},
    embassy_net::{Runner, Stack},
    network,
    setup::Board,
    ui::leds::RGB8,
};
use embassy_embedded_hal::{adapter::BlockingAsync, flash::partition::Partition};
use embassy_executor::{Spawner, task};
use embassy_futures::{join::join4, select::select};
use embassy_sync::{blocking_mutex::raw::NoopRawMutex, mutex::Mutex};
use embassy_time::Timer;
use esp_hal::{
    Blocking,
    clock::CpuClock,
    gpio::{Input, InputConfig, Pull},
    rng::Rng,
    rtc_cntl::{Rtc, RwdtStage},
    system::software_reset,
    timer::timg::TimerGroup,
    usb::usb_serial_jtag::UsbSerialJtag,
};
// Where logs go.
use esp_println as _;
use esp_radio::wifi::{ControllerConfig, Interface, WifiController};
use esp_storage::FlashStorage;
use static_cell::StaticCell;

use crate::{panel::Display, pins::Pins, radio::Station, reset::Begin, strip::Ws2812};

esp_bootloader_esp_idf::esp_app_desc!();
defmt::timestamp!("{=u64:ms}", embassy_time::Instant::now().as_millis());

/// What the radio allocates from: memory that the bootloader no longer needs, and some more.
const FREED: usize = 64 * 1024;
const MORE: usize = 8 * 1024;

/// Buffers of 1.6 KB that the radio may have for what it receives, always and at most, and for what it sends; and how many
/// frames may come before it confirms them.
const RECEIVE: (u8, u16) = (6, 12);
const SEND: u16 = 12;
const WINDOW: u8 = 4;

/// The receive and transmit buffers for each link: a window of two frames for the socket, of one for answers.
const SOCKET: (usize, usize) = (4_096, 1_024);
const HTTP: (usize, usize) = (1_536, 1_024);

/// How long the executor may not turn until the watchdog ends that.
const HUNG: esp_hal::time::Duration = esp_hal::time::Duration::from_secs(10);

/// Where in flash the last prompt and what was learned is kept, and the settings: offset and size, as `partitions.csv` has them.
const KEPT: (u32, u32) = (0x3F_0000, 0x4000);
const SETUP: (u32, u32) = (0x3F_4000, 0x2000);

type Flash = Mutex<NoopRawMutex, BlockingAsync<FlashStorage<'static>>>;
type Part = Partition<'static, NoopRawMutex, BlockingAsync<FlashStorage<'static>>>;

/// What the lines of its setup say of this board.
const BOARD: Board =
    Board { version: env!("CARGO_PKG_VERSION"), chip: esp_hal::chip!(), radio: true, displays: &panel::DISPLAYS };

#[esp_hal::main]
async fn main(spawner: Spawner) {
    static FLASH: StaticCell<Flash> = StaticCell::new();
    static SETTINGS: StaticCell<Settings> = StaticCell::new();
    let begin = reset::take();
    let peripherals = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: FREED);
    esp_alloc::heap_allocator!(size: MORE);
    esp_rtos::start(TimerGroup::new(peripherals.TIMG0).timer0, peripherals.FROM_CPU_INTR0);
    spawner.spawn(feed_watchdog(Rtc::new(peripherals.RTC_TIMER)).expect("once"));
    let Pins { button, page, leds } = pins::take!(peripherals);
    let [button, page] = [button, page].map(|pin| Input::new(pin, InputConfig::default().with_pull(Pull::Up)));
    let flash = FLASH.init(Mutex::new(BlockingAsync::new(FlashStorage::new(peripherals.FLASH))));
    let mut store = Store::new(Partition::new(flash, SETUP.0, SETUP.1), 0..SETUP.1);
    // What can't be read the console tells of.
    let settings = SETTINGS.init(store.load().await.unwrap_or_default());
    let panel = panel::open(settings, panel::buses!(peripherals), pins::take_display!(peripherals));
    let strip = Ws2812::new(peripherals.RMT, leds).expect("its clock can be had");
    let reset = match begin {
        Begin::Run(reset) => reset,
        Begin::Off => stay_off(panel, strip, button).await,
    };
    defmt::info!("reset: {}, server: {}", reset, settings.server());

    let buffers = ControllerConfig::default().with_static_rx_buf_num(RECEIVE.0).with_dynamic_rx_buf_num(RECEIVE.1);
    let buffers = buffers.with_dynamic_tx_buf_num(SEND).with_rx_ba_win(WINDOW);
    let radio = WifiController::new(peripherals.WIFI, buffers).expect("there is memory for it");
    // Of the radio's noise: it is on now.
    let [seed, another] = [0; 2].map(|_: u64| u64::from(Rng::new().random()) << 32 | u64::from(Rng::new().random()));
    let start = Start { reset, has_radio: true, seed: another };
    let gadget = gadget(settings, seed, start);
    let stack = join(spawner, seed);
    spawner.spawn(stay_joined(gadget, Station(radio)).expect("once"));
    spawner.spawn(talk(gadget, stack).expect("once"));
    spawner.spawn(paint(gadget, panel).expect("once"));
    spawner.spawn(light(gadget, strip).expect("once"));
    spawner.spawn(watch_buttons(gadget, button, page).expect("once"));
    spawner.spawn(console(gadget, UsbSerialJtag::new(peripherals.USB_DEVICE), store).expect("once"));
    spawner.spawn(keep(gadget, Partition::new(flash, KEPT.0, KEPT.1)).expect("once"));
}

#[inline(never)]
fn gadget(settings: &'static Settings, seed: u64, start: Start) -> &'static Gadget {
    static SESSION: StaticCell<RefCell<Wire<'static, GadgetCapacity>>> = StaticCell::new();
    static GADGET: StaticCell<Gadget> = StaticCell::new();
    let session = SESSION.init_with(|| Gadget::session(settings, seed));
    GADGET.init_with(|| Gadget::new(settings, session, start))
}

#[inline(never)]
fn join(spawner: Spawner, seed: u64) -> Stack<'static> {
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    let (stack, runner) = network(Interface::station(), RESOURCES.init_with(Resources::new), seed);
    spawner.spawn(move_frames(runner).expect("each task is spawned once"));
    stack
}

/// Off: nothing is shown until the button is pressed. It was let go before, as a chip that starts with BOOT held waits for a new
/// program.
async fn stay_off(mut panel: Display, mut strip: Ws2812, mut button: Input<'static>) -> ! {
    _ = panel.stop().await;
    _ = strip.show(&[RGB8::default(); LEDS]).await;
    button.wait_for_high().await;
    button.wait_for_low().await;
    button.wait_for_high().await;
    software_reset()
}

/// That it runs proves that the executor turns, and with it the scheduler of threads, one of which the executor is.
#[task]
async fn feed_watchdog(mut rtc: Rtc<'static>) {
    rtc.rwdt.set_timeout(RwdtStage::Stage0, HUNG);
    rtc.rwdt.enable();
    loop {
        rtc.rwdt.feed();
        Timer::after_secs(1).await;
    }
}

#[task]
async fn move_frames(mut runner: Runner<'static, Interface>) {
    runner.run().await;
}

#[task]
async fn stay_joined(gadget: &'static Gadget, radio: Station) {
    gadget.stay_joined(radio).await;
}

#[task]
async fn talk(gadget: &'static Gadget, stack: Stack<'static>) {
    let (mut socket, mut http) = (([0; SOCKET.0], [0; SOCKET.1]), ([0; HTTP.0], [0; HTTP.1]));
    let socket = gadget.carry(Link::Socket, stack, &mut socket.0, &mut socket.1);
    let http = gadget.carry(Link::Http, stack, &mut http.0, &mut http.1);
    join4(gadget.watch_network(stack), gadget.keep_time(), socket, http).await;
}

#[task]
async fn paint(gadget: &'static Gadget, mut panel: Display) {
    gadget.paint(&mut panel).await;
}

#[task]
async fn light(gadget: &'static Gadget, mut strip: Ws2812) {
    gadget.light(&mut strip).await;
}

/// Watches the buttons, until it is off and nobody holds one.
#[task]
async fn watch_buttons(gadget: &'static Gadget, mut button: Input<'static>, mut page: Input<'static>) {
    select(gadget.watch_buttons(&mut button, &mut page), gadget.off()).await;
    button.wait_for_high().await;
    reset::turn_off()
}

#[task]
async fn console(gadget: &'static Gadget, serial: UsbSerialJtag<'static, Blocking>, store: Store<Part>) {
    let (reader, writer) = serial.into_async().split();
    gadget.console(reader, writer, BOARD, store, || software_reset()).await;
}

#[task]
async fn keep(gadget: &'static Gadget, part: Part) {
    gadget.keep(part, 0..KEPT.1).await;
}
