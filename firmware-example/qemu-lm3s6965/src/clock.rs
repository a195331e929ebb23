//! The processor's clock, those of its parts, and embassy's: `SysTick`.

use comfyglow_qemu::{Register, clock};
use cortex_m::peripheral::{SCB, SYST, syst::SystClkSource};

/// Of a tick, at 50 MHz.
const CYCLES: u32 = 50_000_000 / clock::HERTZ;

// SAFETY: the registers of this chip's system control.
const SYSTEM: Register = unsafe { Register::new(0x400F_E000) };
const RAW_INTERRUPTS: u32 = 0x50;
const RCC: u32 = 0x60;
const RCGC1: u32 = 0x104;
const RCGC2: u32 = 0x108;

/// In RCC: the PLL of 200 MHz from the crystal of 8 MHz, divided by 4.
const DIVIDED_BY_4: u32 = 3 << 23 | 1 << 22;
const CRYSTAL_8_MHZ: u32 = 0xE << 6;
const BYPASS: u32 = 1 << 11;
const POWERED_DOWN: u32 = 1 << 13;
const LOCKED: u32 = 1 << 6;

/// Of RCGC1: UART0 and SSI0. Of RCGC2: the GPIOs A to G, the MAC and its PHY.
const UART_SSI: u32 = 1 | 1 << 4;
const GPIOS_MAC: u32 = 0x7F | 1 << 28 | 1 << 30;

/// Sets the clocks going.
pub(crate) fn start(mut timer: SYST) {
    SYSTEM.at(RCC).write(BYPASS | POWERED_DOWN | CRYSTAL_8_MHZ);
    SYSTEM.at(RCC).write(BYPASS | CRYSTAL_8_MHZ | DIVIDED_BY_4);
    while SYSTEM.at(RAW_INTERRUPTS).read() & LOCKED == 0 {}
    SYSTEM.at(RCC).write(CRYSTAL_8_MHZ | DIVIDED_BY_4);
    SYSTEM.at(RCGC1).set(UART_SSI);
    SYSTEM.at(RCGC2).set(GPIOS_MAC);
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CYCLES - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// The processor's cycles since the start; they overflow after 85 s.
pub(crate) fn cycles() -> u32 {
    clock::cycles(CYCLES, SYST::get_current, SCB::is_pendst_pending)
}

#[cortex_m_rt::exception]
fn SysTick() {
    clock::tick();
}
