//! The chip's Ethernet MAC: frames through a FIFO, a word at a time.

use core::task::Context;

use cortex_m::peripheral::NVIC;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;

use static_cell::ConstStaticCell;

use crate::{meter, registers::Register};

const MAC: Register = Register(0x4004_8000);
const INTERRUPTS: u32 = 4;
const RECEIVE: u32 = 8;
const TRANSMIT: u32 = 0xC;
const DATA: u32 = 0x10;
const ADDRESS: u32 = 0x14;
const WAITING: u32 = 0x34;
const START: u32 = 0x38;

const RECEIVED: u32 = 1;
const RESET_FIFO: u32 = 0x10;
/// Enabled, with multicast.
const RECEIVE_ON: u32 = 3;
/// Enabled, padded, with CRC, both ways at once.
const TRANSMIT_ON: u32 = 0x17;

/// The longest frame, and its ends in the FIFO: a length before, a CRC behind.
const FRAME: usize = 1_514;
const WORDS: usize = (2 + FRAME + 4).div_ceil(4);

/// QEMU's own choice for its first card.
const OURS: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

static WAKER: AtomicWaker = AtomicWaker::new();

/// The interrupt of the MAC.
#[derive(Clone, Copy)]
struct Interrupt;

// SAFETY: 42 is the MAC's.
unsafe impl cortex_m::interrupt::InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        42
    }
}

/// The MAC, and room for one frame each way.
pub(crate) struct Mac {
    received: &'static mut [u32; WORDS],
    sent: &'static mut [u32; WORDS],
}

impl Mac {
    pub(crate) fn start() -> Self {
        // Apart from it: it is moved to its task, and would lie on the stack meanwhile.
        static RECEIVED_FRAME: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);
        static SENT_FRAME: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);
        MAC.at(RECEIVE).write(RESET_FIFO);
        MAC.at(ADDRESS).write(u32::from_le_bytes([OURS[0], OURS[1], OURS[2], OURS[3]]));
        MAC.at(ADDRESS + 4).write(u32::from_le_bytes([OURS[4], OURS[5], 0, 0]));
        MAC.at(TRANSMIT).write(TRANSMIT_ON);
        MAC.at(RECEIVE).write(RECEIVE_ON);
        MAC.at(INTERRUPTS).write(RECEIVED);
        // SAFETY: its handler is `serve`.
        unsafe { NVIC::unmask(Interrupt) };
        Self { received: RECEIVED_FRAME.take(), sent: SENT_FRAME.take() }
    }
}

/// The chip's interrupts, up to the MAC's.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [extern "C" fn(); 43] = [serve; 43];

/// A frame came: it waits in the FIFO for the task, which lets the next interrupt come. No other is let through.
extern "C" fn serve() {
    meter::interrupted();
    MAC.at(INTERRUPTS).write(0);
    WAKER.wake();
}

/// A frame that waits.
pub(crate) struct Received<'m>(&'m mut [u32; WORDS]);

/// Room for a frame.
pub(crate) struct Room<'m>(&'m mut [u32; WORDS]);

impl Driver for Mac {
    type RxToken<'m> = Received<'m>;
    type TxToken<'m> = Room<'m>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_>, Room<'_>)> {
        // Else the frames that were read would interrupt for ever; one that comes from here on waits or interrupts.
        MAC.write(RECEIVED);
        if MAC.at(WAITING).read() == 0 {
            WAKER.register(cx.waker());
            // If one comes just now, it interrupts at once.
            MAC.at(INTERRUPTS).write(RECEIVED);
            return None;
        }
        Some((Received(self.received), Room(self.sent)))
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Room<'_>> {
        if MAC.at(START).read() & 1 != 0 {
            // The frame before is under way, for a tenth of a millisecond: there is no use in an interrupt.
            cx.waker().wake_by_ref();
            return None;
        }
        Some(Room(self.sent))
    }

    /// QEMU's PHY doesn't tell: a cable that is pulled is found out by the server's silence.
    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(OURS)
    }
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        let first = MAC.at(DATA).read();
        let len = (first & 0xFFFF) as usize;
        for (place, word) in
            (0..len.div_ceil(4)).map(|at| if at == 0 { (at, first) } else { (at, MAC.at(DATA).read()) })
        {
            if let Some(kept) = self.0.get_mut(place) {
                *kept = word;
            }
        }
        let bytes = bytes(self.0);
        let end = len.saturating_sub(4).clamp(2, bytes.len());
        read(&mut bytes[2..end])
    }
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let bytes = bytes(self.0);
        let result = write(&mut bytes[2..2 + len]);
        // What counts is what follows the addresses.
        #[expect(clippy::cast_possible_truncation, reason = "a frame is shorter")]
        let told = (len as u16).saturating_sub(14);
        bytes[..2].copy_from_slice(&told.to_le_bytes());
        self.0[..(2 + len).div_ceil(4)].iter().for_each(|word| MAC.at(DATA).write(*word));
        MAC.at(START).write(1);
        result
    }
}

fn bytes(words: &mut [u32; WORDS]) -> &mut [u8] {
    // SAFETY: any bytes are words, and the other way round; the length is theirs.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), WORDS * 4) }
}
