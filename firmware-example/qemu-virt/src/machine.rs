//! The machine's interrupts, its clock, and its end.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use comfyglow_app::Reset;
use comfyglow_qemu::{Register, clock, wire::WAKER};
use riscv::{interrupt::Interrupt, register::mie};

use crate::{net, uart};

// SAFETY: the registers of this machine's interrupt controllers and of its switch, which touch no memory.
const CLINT: Register = unsafe { Register::new(0x0200_0000) };
const PLIC: Register = unsafe { Register::new(0x0C00_0000) };
const SWITCH: Register = unsafe { Register::new(0x0010_0000) };

const COMPARE: u32 = 0x4000;
const TIME: u32 = 0xBFF8;

/// Of a tick, at 10 MHz.
const COUNTS: u64 = 10_000_000 / clock::HERTZ as u64;

const ENABLE: u32 = 0x2000;
const CLAIM: u32 = 0x20_0004;

const RESET: u32 = 0x7777;

/// Lets interrupts come: the clock's, and those of the serial line and the network.
pub(crate) fn start() {
    set_alarm(now() + COUNTS);
    for source in [uart::INTERRUPT, net::INTERRUPT] {
        PLIC.at(4 * source).write(1);
        PLIC.at(ENABLE).set(1 << source);
    }
    // SAFETY: their handlers are below, and nothing relies on none coming.
    unsafe {
        mie::set_mtimer();
        mie::set_mext();
        riscv::interrupt::enable();
    }
}

/// What a restart leaves for the next start: memory that nobody clears.
#[unsafe(link_section = ".uninit.restarted")]
static RESTARTED: AtomicU32 = AtomicU32::new(0);
const WANTED: u32 = 0xC0FF_EE00;

/// Why the machine started.
pub(crate) fn reset() -> Reset {
    if RESTARTED.swap(0, Relaxed) == WANTED { Reset::Software } else { Reset::PowerOn }
}

/// Starts the machine again, as a reset does.
pub(crate) fn restart() -> ! {
    RESTARTED.store(WANTED, Relaxed);
    SWITCH.write(RESET);
    loop {
        riscv::asm::wfi();
    }
}

fn now() -> u64 {
    // The lower half overflows after seven minutes.
    loop {
        let (high, low) = (CLINT.at(TIME + 4).read(), CLINT.at(TIME).read());
        if CLINT.at(TIME + 4).read() == high {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

fn set_alarm(at: u64) {
    // Never anything that has passed.
    CLINT.at(COMPARE).write(u32::MAX);
    CLINT.at(COMPARE + 4).write((at >> 32) as u32);
    #[expect(clippy::cast_possible_truncation, reason = "its lower half")]
    CLINT.at(COMPARE).write(at as u32);
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn tick() {
    let (high, low) = (CLINT.at(COMPARE + 4).read(), CLINT.at(COMPARE).read());
    // From when it should have come: what is late is made up for, tick by tick.
    set_alarm((u64::from(high) << 32 | u64::from(low)) + COUNTS);
    clock::tick();
}

#[riscv_rt::core_interrupt(Interrupt::MachineExternal)]
fn serve() {
    loop {
        let source = PLIC.at(CLAIM).read();
        match source {
            0 => return,
            uart::INTERRUPT => uart::receive(),
            _ => {
                net::acknowledge();
                WAKER.wake();
            }
        }
        PLIC.at(CLAIM).write(source);
    }
}

#[unsafe(export_name = "ExceptionHandler")]
fn exception(_: &riscv_rt::TrapFrame) -> ! {
    let (cause, place) = (riscv::register::mcause::read().bits(), riscv::register::mepc::read());
    defmt::error!("exception {=usize} at {=usize:#x}", cause, place);
    comfyglow_qemu::fail()
}
