//! GPIO: pins of the display, and buttons.

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, InputPin};

use crate::registers::Register;

const PORT_A: Register = Register(0x4000_4000);
const PORT_C: Register = Register(0x4000_6000);
const PORT_D: Register = Register(0x4000_7000);
const PORT_E: Register = Register(0x4002_4000);
const PORT_F: Register = Register(0x4002_5000);

const DIRECTION: u32 = 0x400;
const ALTERNATE: u32 = 0x420;
const PULL_UP: u32 = 0x510;
const DIGITAL: u32 = 0x51C;

/// A pin, by its port and bit.
pub(crate) struct Pin(Register, u32);

/// Commands when low, pixels when high.
pub(crate) const DISPLAY_DATA: Pin = Pin(PORT_C, 7);
/// The display's 15 V.
pub(crate) const DISPLAY_POWER: Pin = Pin(PORT_C, 6);
/// Keeps the SD card off the bus that it shares with the display.
pub(crate) const CARD_OFF: Pin = Pin(PORT_D, 0);
/// The select button, and the one to the right.
pub(crate) const SELECT: Pin = Pin(PORT_F, 1);
pub(crate) const RIGHT: Pin = Pin(PORT_E, 3);

/// The bus of SSI0 (A2 to A5), and UART0 (A0 and A1).
pub(crate) fn give_to_peripherals() {
    PORT_A.at(ALTERNATE).set(0x3F);
    PORT_A.at(DIGITAL).set(0x3F);
}

impl Pin {
    pub(crate) fn output(&self, high: bool) {
        self.0.at(DIRECTION).set(1 << self.1);
        self.0.at(DIGITAL).set(1 << self.1);
        self.set(high);
    }

    pub(crate) fn input(&self) {
        self.0.at(PULL_UP).set(1 << self.1);
        self.0.at(DIGITAL).set(1 << self.1);
    }

    /// This pin alone: the address says which bits are meant.
    const fn data(&self) -> Register {
        self.0.at(4 << self.1)
    }

    pub(crate) fn set(&self, high: bool) {
        self.data().write(if high { 1 << self.1 } else { 0 });
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.data().read() != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}
