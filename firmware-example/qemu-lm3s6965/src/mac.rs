//! The chip's Ethernet MAC: frames through a FIFO, a word at a time.

use comfyglow_qemu::{
    Register, meter,
    wire::{ADDRESS_WORDS, Card, FRAME, Room, WAKER, bytes},
};
use cortex_m::peripheral::NVIC;

use crate::clock;

// SAFETY: the registers of this chip's Ethernet controller, which has no memory but its own.
const MAC: Register = unsafe { Register::new(0x4004_8000) };
const INTERRUPTS: u32 = 4;
const RECEIVE: u32 = 8;
const TRANSMIT: u32 = 0xC;
const DATA: u32 = 0x10;
const OWN_ADDRESS: u32 = 0x14;
const WAITING: u32 = 0x34;
const START: u32 = 0x38;

const RECEIVED: u32 = 1;
const RESET_FIFO: u32 = 0x10;
/// Enabled, with multicast.
const RECEIVE_ON: u32 = 3;
/// Enabled, padded, with CRC, both ways at once.
const TRANSMIT_ON: u32 = 0x17;

/// The interrupt of the MAC.
#[derive(Clone, Copy)]
struct Interrupt;

// SAFETY: 42 is the MAC's.
unsafe impl cortex_m::interrupt::InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        42
    }
}

/// The chip's interrupts, up to the MAC's.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [extern "C" fn(); 43] = [serve; 43];

/// A frame came: it waits in the FIFO for the task, which lets the next interrupt come. No other is let through.
extern "C" fn serve() {
    meter::interrupted(clock::cycles());
    MAC.at(INTERRUPTS).write(0);
    WAKER.wake();
}

pub(crate) struct Mac;

impl Mac {
    pub(crate) fn start() -> Self {
        MAC.at(RECEIVE).write(RESET_FIFO);
        MAC.at(OWN_ADDRESS).write(ADDRESS_WORDS[0]);
        MAC.at(OWN_ADDRESS + 4).write(ADDRESS_WORDS[1]);
        MAC.at(TRANSMIT).write(TRANSMIT_ON);
        MAC.at(RECEIVE).write(RECEIVE_ON);
        MAC.at(INTERRUPTS).write(RECEIVED);
        // SAFETY: its handler is `serve`.
        unsafe { NVIC::unmask(Interrupt) };
        Self
    }
}

impl Card for Mac {
    /// The length.
    const BEFORE: usize = 2;

    fn receive(&mut self, room: &mut Room) -> Option<usize> {
        // Else the frames that were read would interrupt for ever; one that comes from here on waits or interrupts.
        MAC.write(RECEIVED);
        if MAC.at(WAITING).read() == 0 {
            // If one comes just now, it interrupts at once.
            MAC.at(INTERRUPTS).write(RECEIVED);
            return None;
        }
        room[0] = MAC.at(DATA).read();
        // With a length before and a CRC behind, both of which it counts.
        let len = (room[0] & 0xFFFF) as usize;
        for place in 1..len.div_ceil(4) {
            let word = MAC.at(DATA).read();
            if let Some(kept) = room.get_mut(place) {
                *kept = word;
            }
        }
        Some(len.saturating_sub(6).min(FRAME))
    }

    fn can_send(&mut self) -> bool {
        let busy = MAC.at(START).read() & 1 != 0;
        if busy {
            // The frame before is under way, for a tenth of a millisecond: there is no use in an interrupt.
            WAKER.wake();
        }
        !busy
    }

    fn send(&mut self, room: &mut Room, len: usize) {
        // What counts is what follows the addresses.
        #[expect(clippy::cast_possible_truncation, reason = "a frame is shorter")]
        let told = (len as u16).saturating_sub(14);
        bytes(room)[..2].copy_from_slice(&told.to_le_bytes());
        room[..(2 + len).div_ceil(4)].iter().for_each(|word| MAC.at(DATA).write(*word));
        MAC.at(START).write(1);
    }

    /// QEMU's PHY has no registers to ask: a cable that is pulled is found out by the server's silence.
    fn is_up(&self) -> bool {
        true
    }
}
