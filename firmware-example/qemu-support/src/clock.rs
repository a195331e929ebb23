//! embassy's clock: an interrupt of the board's, a thousand times a second.

use core::{cell::RefCell, task::Waker};

use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// Ticks in a second.
pub const HERTZ: u32 = 1_000;

struct Clock(Mutex<RefCell<(u64, Queue)>>);

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock(Mutex::new(RefCell::new((0, Queue::new())))));

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.0.borrow_ref(cs).0)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // Whether it is the next doesn't matter: each tick looks.
        critical_section::with(|cs| _ = self.0.borrow_ref_mut(cs).1.schedule_wake(at, waker));
    }
}

/// A thousandth of a second has passed.
pub fn tick() {
    critical_section::with(|cs| {
        let (now, queue) = &mut *CLOCK.0.borrow_ref_mut(cs);
        *now += 1;
        // Wakes all whose time has come.
        queue.next_expiration(*now);
    });
}

/// A processor's cycles since the start, `of_a_tick` each: `left` are to go until the next tick, which may be `pending`, not
/// yet told. They overflow.
pub fn cycles(of_a_tick: u32, left: fn() -> u32, pending: fn() -> bool) -> u32 {
    critical_section::with(|_| {
        #[expect(clippy::cast_possible_truncation, reason = "they overflow")]
        let ticks = embassy_time::Instant::now().as_ticks() as u32;
        let before = left();
        // A tick that could not be counted yet; then what was read may be of before or behind it.
        let (ticks, left) = if pending() { (ticks + 1, left()) } else { (ticks, before) };
        ticks.wrapping_mul(of_a_tick).wrapping_add(of_a_tick - 1 - left)
    })
}

defmt::timestamp!("{=u64:ms}", embassy_time::Instant::now().as_millis());
