//! How much of the memory is in use.

use core::{
    ptr::addr_of,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What the unused stack is painted with.
const PAINT: u32 = 0x5AFE_57AC;

/// Bytes below the painter's own frame that are left alone.
const OURS: usize = 256;

/// Bytes that it had at most before it was painted again.
static BEFORE: AtomicUsize = AtomicUsize::new(0);

// By the names that cortex-m-rt and riscv-rt have in common.
unsafe extern "C" {
    static _stack_start: u32;
    static __sdata: u32;
    static __sheap: u32;
}

fn end_of_statics() -> usize {
    addr_of!(__sheap) as usize
}

/// Paints what lies below the stack.
#[inline(never)]
pub(crate) fn paint() {
    let here = 0_u32;
    let top = addr_of!(here) as usize - OURS;
    for place in (end_of_statics()..top).step_by(4) {
        // SAFETY: the memory between statics and stack is nobody's.
        unsafe { (place as *mut u32).write_volatile(PAINT) };
    }
}

/// Paints once more, and keeps in mind how deep the stack was.
pub(crate) fn paint_again() {
    BEFORE.store(painted_away(), Relaxed);
    paint();
}

/// Bytes of statics.
pub(crate) fn statics() -> usize {
    end_of_statics() - addr_of!(__sdata) as usize
}

/// Bytes that the stack had at most.
pub(crate) fn used() -> usize {
    painted_away().max(BEFORE.load(Relaxed))
}

/// Bytes that the stack had at most since it was painted.
fn painted_away() -> usize {
    let top = addr_of!(_stack_start) as usize;
    // SAFETY: it is memory.
    let painted =
        (end_of_statics()..top).step_by(4).find(|place| unsafe { (*place as *const u32).read_volatile() } != PAINT);
    top - painted.unwrap_or(top)
}
