//! The one executor: it polls what was woken, and rests between.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

use crate::stack;

/// A task has something to do.
static WOKEN: AtomicBool = AtomicBool::new(false);

#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Relaxed);
}

/// Runs the tasks that `start` begins, for ever. `idle` is called each time that there is nothing to do, where no interrupt
/// can come. To be called once, by `main`.
#[inline]
pub fn run(start: impl FnOnce(Spawner), idle: impl Fn()) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    stack::paint();
    let executor = EXECUTOR.init_with(|| raw::Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    // The tasks have yet to begin: what they need is told apart from what the start needed.
    stack::paint_again();
    loop {
        // SAFETY: nothing else polls it.
        unsafe { executor.poll() };
        critical_section::with(|_| {
            if !WOKEN.swap(false, Ordering::Relaxed) {
                idle();
                // SAFETY: it waits. An interrupt that is pending ends it, though it is served behind this section.
                unsafe { core::arch::asm!("wfi", options(nomem, nostack)) };
            }
        });
    }
}
