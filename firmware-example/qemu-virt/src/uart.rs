//! The serial line, a 16550: a person's and the host's text both ways, defmt's frames between.

use core::convert::Infallible;

use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, pipe::Pipe};
use embedded_io_async::{ErrorType, Read, Write};

const BASE: usize = 0x1000_0000;
const DATA: usize = 0;
const INTERRUPTS: usize = 1;
const FIFO: usize = 2;
const STATUS: usize = 5;

const RECEIVED: u8 = 1;
const ROOM: u8 = 1 << 5;

/// Its interrupt.
pub(crate) const INTERRUPT: u32 = 10;

/// What came and was not read yet. What doesn't fit is lost, as with any serial line.
static INPUT: Pipe<CriticalSectionRawMutex, 512> = Pipe::new();

pub(crate) fn start() {
    write(FIFO, 1);
    write(INTERRUPTS, RECEIVED);
}

/// Bytes have come.
pub(crate) fn receive() {
    while read(STATUS) & RECEIVED != 0 {
        _ = INPUT.try_write(&[read(DATA)]);
    }
}

/// Sends all of `bytes`, with nothing between.
pub(crate) fn send(bytes: &[u8]) {
    critical_section::with(|_| {
        for byte in bytes {
            while read(STATUS) & ROOM == 0 {}
            write(DATA, *byte);
        }
    });
}

fn read(register: usize) -> u8 {
    // SAFETY: the registers of this machine's UART.
    unsafe { ((BASE + register) as *const u8).read_volatile() }
}

fn write(register: usize, value: u8) {
    // SAFETY: as above.
    unsafe { ((BASE + register) as *mut u8).write_volatile(value) }
}

/// What comes in.
pub(crate) struct Input;

/// What goes out.
pub(crate) struct Output;

impl ErrorType for Input {
    type Error = Infallible;
}

impl Read for Input {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        Ok(INPUT.read(bytes).await)
    }
}

impl ErrorType for Output {
    type Error = Infallible;
}

impl Write for Output {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        send(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
