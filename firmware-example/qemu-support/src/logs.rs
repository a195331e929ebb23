//! defmt's frames, out of the board's serial line.

use core::cell::RefCell;

use critical_section::{Mutex, RestoreState};

struct Log {
    encoder: defmt::Encoder,
    send: fn(&[u8]),
    mark: &'static [u8],
    restore: Option<RestoreState>,
}

static LOG: Mutex<RefCell<Log>> =
    Mutex::new(RefCell::new(Log { encoder: defmt::Encoder::new(), send: |_| (), mark: &[], restore: None }));

/// Sends all frames by `send` from here on, each behind `mark`, by which they are told from text on the same line.
pub fn start(send: fn(&[u8]), mark: &'static [u8]) {
    with(|log| {
        (log.send, log.mark) = (send, mark);
        // A zero, behind which frames begin: it is no part of the first.
        log.encoder.start_frame(send);
    });
}

#[defmt::global_logger]
struct Logger;

// SAFETY: from `acquire` to `release` interrupts are off, and there is one core and one thread.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        // SAFETY: `release` gives it back.
        let restore = unsafe { critical_section::acquire() };
        with(|log| {
            log.restore = Some(restore);
            (log.send)(log.mark);
            log.encoder.start_frame(log.send);
        });
    }

    unsafe fn flush() {}

    unsafe fn release() {
        let restore = with(|log| {
            log.encoder.end_frame(log.send);
            log.restore.take()
        });
        if let Some(restore) = restore {
            // SAFETY: `acquire` took it.
            unsafe { critical_section::release(restore) };
        }
    }

    unsafe fn write(bytes: &[u8]) {
        with(|log| log.encoder.write(bytes, log.send));
    }
}

fn with<R>(work: impl FnOnce(&mut Log) -> R) -> R {
    critical_section::with(|cs| work(&mut LOG.borrow_ref_mut(cs)))
}
