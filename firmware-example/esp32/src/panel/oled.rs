//! OLEDs on I2C.

use comfyglow_app::Settings;
use comfyglow_panels::oled::{ADDRESS, Model, Oled};
use esp_hal::{
    Async,
    i2c::master::{Config, I2c},
    peripherals::I2C0,
    time::Rate,
};

use crate::pins::DisplayPins;

/// The display.
pub(crate) type Display = Oled<I2c<'static, Async>>;

/// Takes out of the chip's peripherals what the display is driven by.
macro_rules! buses {
    ($peripherals:ident) => {
        $peripherals.I2C0
    };
}
pub(crate) use buses;
pub(crate) use comfyglow_panels::oled::DISPLAYS;

/// The display of the settings; if that is none on this bus, the one that most people have.
pub(crate) fn open(settings: &Settings, bus: I2C0<'static>, pins: DisplayPins) -> Display {
    let config = Config::default().with_frequency(Rate::from_khz(400));
    let bus = I2c::new(bus, config).expect("400 kHz can be had").with_sda(pins.sda).with_scl(pins.scl);
    Oled::new(bus.into_async(), ADDRESS, Model::of(settings.display()).unwrap_or(Model::Ssd1306Of128x64))
}
