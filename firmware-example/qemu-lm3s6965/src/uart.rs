//! defmt's frames, out of UART0.

use core::cell::RefCell;

use critical_section::{Mutex, RestoreState};

use crate::registers::Register;

const UART: Register = Register(0x4000_C000);
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

fn send(bytes: &[u8]) {
    for byte in bytes {
        while UART.at(FLAGS).read() & FULL != 0 {}
        UART.write(u32::from(*byte));
    }
}

struct Log {
    encoder: defmt::Encoder,
    restore: Option<RestoreState>,
}

static LOG: Mutex<RefCell<Log>> = Mutex::new(RefCell::new(Log { encoder: defmt::Encoder::new(), restore: None }));

#[defmt::global_logger]
struct Logger;

// SAFETY: from `acquire` to `release` interrupts are off, and there is one core and one thread.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        // SAFETY: `release` gives it back.
        let restore = unsafe { critical_section::acquire() };
        with(|log| {
            log.restore = Some(restore);
            log.encoder.start_frame(send);
        });
    }

    unsafe fn flush() {}

    unsafe fn release() {
        let restore = with(|log| {
            log.encoder.end_frame(send);
            log.restore.take()
        });
        if let Some(restore) = restore {
            // SAFETY: `acquire` took it.
            unsafe { critical_section::release(restore) };
        }
    }

    unsafe fn write(bytes: &[u8]) {
        with(|log| log.encoder.write(bytes, send));
    }
}

fn with<R>(work: impl FnOnce(&mut Log) -> R) -> R {
    critical_section::with(|cs| work(&mut LOG.borrow_ref_mut(cs)))
}
