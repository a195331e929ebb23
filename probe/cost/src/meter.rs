//! Counts instructions by SysTick, and bytes of stack by paint.

use core::{arch::asm, ptr};

use cortex_m::{
    peripheral::{SYST, syst::SystClkSource},
    register::msp,
};

/// Measurements that are averaged: each begins at another place within a tick of 40 instructions.
const SAMPLES: u32 = 40;

/// The most that SysTick counts to.
const TICKS: u32 = 0x00FF_FFFF;

/// Bytes of stack that are painted: what is used must be less.
const PAINTED: u32 = 64 * 1024;

/// What no one writes by chance, all over.
const PAINT: u32 = 0xC0FF_EE11;

/// QEMU runs one instruction a nanosecond (`-icount shift=0`), so SysTick counts them.
pub struct Meter {
    /// In 1,000 ticks.
    instructions: u32,
}

impl Meter {
    /// Starts the timer and finds out how many instructions a tick is.
    pub fn new(mut timer: SYST) -> Self {
        const TURNS: u32 = 1_000_000;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS);
        timer.clear_current();
        timer.enable_counter();
        let mut meter = Self { instructions: 0 };
        let ticks = meter.ticks(|| spin(TURNS));
        meter.instructions = (2_000 * TURNS).div_ceil(ticks);
        meter
    }

    /// Thousandths of instructions that a tick is.
    pub fn calibration(&self) -> u32 {
        self.instructions
    }

    /// Instructions that `measured` takes on average, over a fresh `prepare` each time.
    pub fn instructions<T>(&self, mut prepare: impl FnMut() -> T, measured: impl Fn(&mut T)) -> u32 {
        let mut ticks = 0;
        for sample in 0..SAMPLES {
            let mut prepared = prepare();
            // Else all would begin at the same place within a tick, and round alike.
            spin(1 + sample);
            ticks += self.ticks(|| measured(&mut prepared));
        }
        self.scaled(ticks, SAMPLES)
    }

    /// Instructions of each of `samples`, which took so many ticks together.
    fn scaled(&self, ticks: u32, samples: u32) -> u32 {
        let thousandths = u64::from(ticks) * u64::from(self.instructions) / u64::from(samples);
        u32::try_from(thousandths / 1_000).expect("the timer would have run over before")
    }

    /// Instructions that `measured` takes, exact to a tick.
    pub fn once(&self, measured: impl FnOnce()) -> u32 {
        self.scaled(self.ticks(measured), 1)
    }

    fn ticks(&self, measured: impl FnOnce()) -> u32 {
        let start = SYST::get_current();
        measured();
        start.wrapping_sub(SYST::get_current()) & TICKS
    }
}

/// Two instructions a turn, of which there must be one.
fn spin(turns: u32) {
    // SAFETY: it touches nothing but its own register.
    unsafe { asm!("2:", "subs {0}, #1", "bne 2b", inout(reg) turns => _, options(nomem, nostack)) }
}

/// Bytes of stack that `measured` uses.
#[inline(never)]
pub fn stack(measured: impl FnOnce()) -> u32 {
    let top = msp::read();
    let bottom = top - PAINTED;
    for address in (bottom..top).step_by(4) {
        // SAFETY: below the stack pointer nothing lives, and no interrupt is on.
        unsafe { ptr::write_volatile(address as *mut u32, PAINT) };
    }
    measured();
    // SAFETY: as above; what was written there is only looked at.
    let used = (bottom..top).step_by(4).find(|&address| unsafe { ptr::read_volatile(address as *const u32) } != PAINT);
    used.map_or(0, |lowest| top - lowest)
}
