//! LCDs on SPI.

use comfyglow_app::Settings;
use comfyglow_panels::lcd::{Lcd, Model, Pins as Wires};
use embedded_hal_bus::spi::{ExclusiveDevice, NoDelay};
use esp_hal::{
    Blocking,
    delay::Delay,
    gpio::{DriveMode, Level, Output, OutputConfig},
    ledc::{
        LSGlobalClkSource, Ledc, LowSpeed,
        channel::{self, Channel, ChannelIFace as _},
        timer::{self, LSClockSource, Timer, TimerIFace as _},
    },
    peripherals::{LEDC, SPI2},
    spi::master::{Config, Spi},
    time::Rate,
};
use static_cell::StaticCell;

use crate::pins::DisplayPins;

type Bus = ExclusiveDevice<Spi<'static, Blocking>, Output<'static>, NoDelay>;

/// The display.
pub(crate) type Display = Lcd<'static, Bus, Output<'static>, Output<'static>, Channel<'static, LowSpeed>, Delay>;

/// Takes out of the chip's peripherals what the display is driven by.
macro_rules! buses {
    ($peripherals:ident) => {
        ($peripherals.SPI2, $peripherals.LEDC)
    };
}
pub(crate) use buses;
pub(crate) use comfyglow_panels::lcd::DISPLAYS;

/// The display of the settings; if that is none on this bus, the square one.
pub(crate) fn open(settings: &Settings, (spi, ledc): (SPI2<'static>, LEDC<'static>), pins: DisplayPins) -> Display {
    static TIMER: StaticCell<Timer<'static, LowSpeed>> = StaticCell::new();
    static BUFFER: StaticCell<[u8; 512]> = StaticCell::new();
    let mut ledc = Ledc::new(ledc);
    ledc.set_global_slow_clock(LSGlobalClkSource::APBClk);
    let timer = TIMER.init(ledc.timer::<LowSpeed>(timer::Number::Timer0));
    let frequency = Rate::from_khz(5);
    let config =
        timer::config::Config { duty: timer::config::Duty::Duty8Bit, clock_source: LSClockSource::APBClk, frequency };
    timer.configure(config).expect("5 kHz can be had");
    let mut light = ledc.channel(channel::Number::Channel0, pins.light);
    let config = channel::config::Config { timer, duty_pct: 0, drive_mode: DriveMode::PushPull };
    light.configure(config).expect("the timer runs");

    let output = |pin, level| Output::new(pin, level, OutputConfig::default());
    let bus = Spi::new(spi, Config::default().with_frequency(Rate::from_mhz(40))).expect("40 MHz can be had");
    let bus = bus.with_sck(pins.clock).with_mosi(pins.mosi);
    let bus = ExclusiveDevice::new_no_delay(bus, output(pins.select, Level::High)).expect("a pin can be set");
    let wires = Wires { data: output(pins.data, Level::Low), reset: output(pins.reset, Level::High), light };
    let model = Model::of(settings.display()).unwrap_or(Model::St7789Of240x240);
    Lcd::new(bus, wires, Delay::new(), model, BUFFER.init([0; 512]))
}
