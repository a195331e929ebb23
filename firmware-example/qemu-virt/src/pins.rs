//! Wires whose other end the host holds: each is the cable of a network card that serves nothing else. Plugged in is high.

use core::convert::Infallible;

use comfyglow_qemu::Register;
use embedded_hal::digital::{ErrorType, InputPin};

/// Where a card tells of its cable, in its own place among virtio's.
const STATUS: u32 = 0x104;
/// In the upper half of that word, behind the last of its address.
const PLUGGED: u32 = 1 << 16;

/// A wire.
pub(crate) struct Pin(Register);

/// Whether the Wi-Fi is in reach.
pub(crate) const SIGNAL: Pin = card(0x1000_8000);
/// The select button, and the one to the right: low while they are down.
pub(crate) const SELECT: Pin = card(0x1000_7000);
pub(crate) const RIGHT: Pin = card(0x1000_6000);

const fn card(place: u32) -> Pin {
    // SAFETY: the constants above are places of virtio's, where this word only tells.
    Pin(unsafe { Register::new(place).at(STATUS) })
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.0.read() & PLUGGED != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}
