//! The display's bus, SSI0, and its pins.

use comfyglow_qemu::{
    Register,
    ssd0323::{Bus, Ssd0323},
};

use crate::{clock, pins};

// SAFETY: the registers of this chip's first SSI.
const SSI: Register = unsafe { Register::new(0x4000_8000) };
const CONTROL_0: u32 = 0;
const CONTROL_1: u32 = 4;
const DATA: u32 = 8;
const STATUS: u32 = 0xC;
const PRESCALE: u32 = 0x10;
const ROOM: u32 = 1 << 1;
const RECEIVED: u32 = 1 << 2;
const BUSY: u32 = 1 << 4;

pub(crate) struct Ssi;

/// Turns the display on.
pub(crate) fn open() -> Ssd0323<Ssi> {
    pins::give_to_peripherals();
    pins::SELECT.input();
    pins::RIGHT.input();
    pins::CARD_OFF.output(true);
    pins::DISPLAY_POWER.output(true);
    pins::DISPLAY_DATA.output(false);
    // 50 MHz / 10; eight bits, clock high at rest; on.
    SSI.at(CONTROL_1).write(0);
    SSI.at(PRESCALE).write(10);
    SSI.at(CONTROL_0).write(0x00C7);
    SSI.at(CONTROL_1).write(2);
    Ssd0323(Ssi)
}

impl Bus for Ssi {
    fn send(&mut self, byte: u8) {
        while SSI.at(STATUS).read() & ROOM == 0 {}
        SSI.at(DATA).write(u32::from(byte));
        // Nothing is to be read, but QEMU sends no more than is.
        while SSI.at(STATUS).read() & RECEIVED != 0 {
            _ = SSI.at(DATA).read();
        }
    }

    fn to_pixels(&mut self, pixels: bool) {
        // The display looks at its pin with the last bit of a byte.
        while SSI.at(STATUS).read() & BUSY != 0 {}
        pins::DISPLAY_DATA.set(pixels);
    }

    fn cycles(&self) -> u32 {
        clock::cycles()
    }
}
