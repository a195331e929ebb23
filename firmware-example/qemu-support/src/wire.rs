//! Ethernet for embassy's network, out of a card that takes and gives frames whole.

use core::task::Context;

use comfyglow_app::embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

/// The longest frame.
pub const FRAME: usize = 1_514;

/// The most bytes that a card puts before a frame and behind it.
const ENDS: usize = 16;

/// Room for a frame with its ends.
pub type Room = [u32; (FRAME + 2 * ENDS) / 4];

/// QEMU's own choice for its first card.
pub const ADDRESS: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// The same, as the registers of a card have it.
pub const ADDRESS_WORDS: [u32; 2] = {
    let [a, b, c, d, e, f] = ADDRESS;
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, 0, 0])]
};

/// To be woken when a frame has come, the last one is sent, or the link changes.
pub static WAKER: AtomicWaker = AtomicWaker::new();

/// A card.
pub trait Card {
    /// Bytes before a frame.
    const BEFORE: usize;

    /// Moves the next frame into `room`: its length, none where none waits. From there on the next wakes [`WAKER`].
    fn receive(&mut self, room: &mut Room) -> Option<usize>;

    /// Whether a frame can be sent. Where none can, and it tells so, [`WAKER`] is woken once one can.
    fn can_send(&mut self) -> bool;

    /// Sends the frame of `len` bytes in `room`.
    fn send(&mut self, room: &mut Room, len: usize);

    /// Whether the link is up.
    fn is_up(&self) -> bool;
}

/// A card as embassy's network wants it, and room for one frame each way.
pub struct CardDriver<C> {
    card: C,
    received: &'static mut Room,
    sent: &'static mut Room,
}

impl<C: Card> CardDriver<C> {
    /// That of `card`.
    ///
    /// # Panics
    ///
    /// There is one already.
    pub fn new(card: C) -> Self {
        // Apart from it: it is moved to its task, and would lie on the stack meanwhile.
        static RECEIVED: ConstStaticCell<Room> = ConstStaticCell::new([0; _]);
        static SENT: ConstStaticCell<Room> = ConstStaticCell::new([0; _]);
        Self { card, received: RECEIVED.take(), sent: SENT.take() }
    }
}

/// A frame that came.
pub struct Received<'w>(&'w mut [u8]);

/// Room for a frame that is to be sent.
pub struct Sending<'w, C> {
    card: &'w mut C,
    room: &'w mut Room,
}

impl<C: Card> Driver for CardDriver<C> {
    type RxToken<'w>
        = Received<'w>
    where
        C: 'w;
    type TxToken<'w>
        = Sending<'w, C>
    where
        C: 'w;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_>, Sending<'_, C>)> {
        WAKER.register(cx.waker());
        let len = self.card.receive(self.received)?;
        let frame = bytes(self.received).get_mut(C::BEFORE..)?.get_mut(..len)?;
        Some((Received(frame), Sending { card: &mut self.card, room: self.sent }))
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Sending<'_, C>> {
        WAKER.register(cx.waker());
        self.card.can_send().then_some(Sending { card: &mut self.card, room: self.sent })
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        WAKER.register(cx.waker());
        if self.card.is_up() { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(ADDRESS)
    }
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl<C: Card> TxToken for Sending<'_, C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let result = write(&mut bytes(self.room)[C::BEFORE..C::BEFORE + len]);
        self.card.send(self.room, len);
        result
    }
}

/// The same room, byte by byte.
pub fn bytes(room: &mut Room) -> &mut [u8] {
    // SAFETY: any bytes are words, and the other way round; the length is theirs.
    unsafe { core::slice::from_raw_parts_mut(room.as_mut_ptr().cast(), size_of_val(room)) }
}
