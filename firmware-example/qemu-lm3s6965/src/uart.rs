//! UART0: bytes for the host.

use comfyglow_qemu::Register;

// SAFETY: the registers of this chip's first UART.
const UART: Register = unsafe { Register::new(0x4000_C000) };
const FLAGS: u32 = 0x18;
const FULL: u32 = 1 << 5;
const BAUD: u32 = 0x24;
const BAUD_FRACTION: u32 = 0x28;
const LINE: u32 = 0x2C;
const CONTROL: u32 = 0x30;

/// 50 MHz / (16 × 921,600): 3.39.
pub(crate) fn start() {
    UART.at(BAUD).write(3);
    UART.at(BAUD_FRACTION).write(25);
    // Eight bits, a FIFO; on, both ways.
    UART.at(LINE).write(3 << 5 | 1 << 4);
    UART.at(CONTROL).write(1 | 3 << 8);
}

pub(crate) fn send(bytes: &[u8]) {
    for byte in bytes {
        while UART.at(FLAGS).read() & FULL != 0 {}
        UART.write(u32::from(*byte));
    }
}
