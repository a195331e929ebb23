//! What the boards share that QEMU plays, on a Cortex-M as on a RISC-V: the gadget's tasks, a clock, flash, logs, and what
//! a host wants to know. A board adds pins, drivers and network.
//!
//! The host starts a board with arguments, and learns by semihosting how it ended.
#![no_std]
#![warn(missing_docs)]

use core::panic::PanicInfo;

use comfyglow_app::Settings;
use heapless::String;
use semihosting::{experimental::env::args, process::exit};

pub mod clock;
mod executor;
mod flash;
pub mod logs;
pub mod meter;
mod registers;
pub mod ssd0323;
mod stack;
mod tasks;
pub mod wire;

pub use executor::run;
pub use flash::{FLASH, Flash};
pub use registers::Register;
pub use tasks::{begin, connect, session};

/// The status that tells the host of a panic, as that of Rust's own programs.
const PANICKED: i32 = 101;

/// Bytes of the arguments.
const ARGUMENTS: usize = 256;

/// What the host starts a board with.
pub struct Arguments {
    /// A number that is another at each start: these boards have nothing random.
    pub seed: u64,
    /// All that follows, with spaces between.
    pub line: String<ARGUMENTS>,
}

impl Arguments {
    /// Those that were given.
    ///
    /// # Panics
    ///
    /// There are none, or the first is no number.
    #[inline(never)]
    #[must_use]
    pub fn get() -> Self {
        let given = args::<ARGUMENTS>().expect("the host gives them");
        let mut words = (&given).into_iter().skip(1).map(|word| word.expect("they are text"));
        let seed = words.next().and_then(|word| word.parse().ok()).expect("the first is a seed");
        let mut line = String::new();
        for word in words {
            line.push_str(word).and_then(|()| line.push(' ')).expect("they came in as many bytes");
        }
        Self { seed, line }
    }
}

/// The settings that the host starts a board with, and its seed.
///
/// # Panics
///
/// They are none.
#[must_use]
pub fn settings() -> (Settings, u64) {
    let Arguments { seed, line } = Arguments::get();
    match Settings::parse(&line) {
        Ok(settings) => {
            defmt::info!("server: {}", settings.server());
            (settings, seed)
        }
        Err(error) => defmt::panic!("settings: {}", error),
    }
}

/// Ends with the status that means a fault of the firmware's.
pub fn fail() -> ! {
    exit(PANICKED)
}

#[panic_handler]
#[cfg_attr(not(feature = "places"), expect(unused_variables, reason = "where it was is texts"))]
fn panic(info: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "places")]
    if let Some(place) = info.location() {
        defmt::error!("panic: {}:{}", place.file(), place.line());
    }
    fail()
}
