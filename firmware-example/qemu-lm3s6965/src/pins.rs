//! GPIO: pins of the display, and buttons.

use core::convert::Infallible;

use comfyglow_qemu::Register;
use embedded_hal::digital::{ErrorType, InputPin};

const DIRECTION: u32 = 0x400;
const ALTERNATE: u32 = 0x420;
const PULL_UP: u32 = 0x510;
const DIGITAL: u32 = 0x51C;

/// Port A, with the bus of SSI0 (2 to 5), and UART0 (0 and 1).
const PORT_A: Register = port(0x4000_4000);

/// A pin, by its port and bit.
pub(crate) struct Pin(Register, u32);

/// Commands when low, pixels when high.
pub(crate) const DISPLAY_DATA: Pin = Pin(port(0x4000_6000), 7);
/// The display's 15 V.
pub(crate) const DISPLAY_POWER: Pin = Pin(port(0x4000_6000), 6);
/// Keeps the SD card off the bus that it shares with the display.
pub(crate) const CARD_OFF: Pin = Pin(port(0x4000_7000), 0);
/// The select button, and the one to the right.
pub(crate) const SELECT: Pin = Pin(port(0x4002_5000), 1);
pub(crate) const RIGHT: Pin = Pin(port(0x4002_4000), 3);

const fn port(address: u32) -> Register {
    // SAFETY: the constants above are this chip's ports.
    unsafe { Register::new(address) }
}

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
        self.data().write(u32::from(high) << self.1);
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
