//! What a host wants to measure: it reads [`METER`] in the machine's memory, by its symbol.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What was measured, in the host's order.
#[repr(C)]
struct Meter {
    /// Bytes sent to the display.
    bytes: AtomicU32,
    /// How often a frame of the network changed the display.
    changes: AtomicU32,
    /// Of the last time: cycles from the MAC's interrupt to the display's last byte.
    cycles: AtomicU32,
    /// And the bytes sent meanwhile.
    sent: AtomicU32,
    /// The clock's cycles when the processor last had nothing to do.
    idle: AtomicU32,
}

#[unsafe(no_mangle)]
static METER: Meter = Meter {
    bytes: AtomicU32::new(0),
    changes: AtomicU32::new(0),
    cycles: AtomicU32::new(0),
    sent: AtomicU32::new(0),
    idle: AtomicU32::new(0),
};

/// When the MAC interrupted first since there was nothing to do, and the bytes sent until then; 0 if it hasn't.
static INTERRUPTED: AtomicU32 = AtomicU32::new(0);
static BEFORE: AtomicU32 = AtomicU32::new(0);

/// When the display got its last byte since then; 0 if none.
static PAINTED: AtomicU32 = AtomicU32::new(0);

/// The MAC interrupts, at this cycle.
pub fn interrupted(cycle: u32) {
    if INTERRUPTED.load(Relaxed) == 0 {
        BEFORE.store(METER.bytes.load(Relaxed), Relaxed);
        PAINTED.store(0, Relaxed);
        // 0 means that it hasn't.
        INTERRUPTED.store(cycle | 1, Relaxed);
    }
}

/// A byte went to the display.
pub fn sent() {
    METER.bytes.store(METER.bytes.load(Relaxed).wrapping_add(1), Relaxed);
}

/// A rectangle of the display is filled, at this cycle.
pub fn painted(cycle: u32) {
    PAINTED.store(cycle | 1, Relaxed);
}

/// There is nothing to do at this cycle: what an interrupt led to is done. To be called where none can come.
pub fn idle(cycle: u32) {
    let (began, ended) = (INTERRUPTED.load(Relaxed), PAINTED.load(Relaxed));
    INTERRUPTED.store(0, Relaxed);
    METER.idle.store(cycle, Relaxed);
    if began != 0 && ended != 0 {
        METER.cycles.store(ended.wrapping_sub(began), Relaxed);
        METER.sent.store(METER.bytes.load(Relaxed).wrapping_sub(BEFORE.load(Relaxed)), Relaxed);
        METER.changes.store(METER.changes.load(Relaxed).wrapping_add(1), Relaxed);
    }
}
