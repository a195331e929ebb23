//! The network card: virtio's, in the last of the machine's places for such.

use core::{
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use comfyglow_qemu::{
    Register,
    wire::{Card, FRAME, Room, WAKER, bytes},
};
use static_cell::ConstStaticCell;
use virtio_drivers::{
    BufferDirection, Hal, PAGE_SIZE, PhysAddr,
    device::net::VirtIONetRaw,
    transport::mmio::{MmioTransport, VirtIOHeader},
};

/// Where QEMU puts the first virtio device, and its interrupt.
const PLACE: u32 = 0x1000_8000;
const SIZE: usize = 0x1000;
pub(crate) const INTERRUPT: u32 = 8;

// SAFETY: the registers of the card that the handler uses, besides the driver's.
const REGISTERS: Register = unsafe { Register::new(PLACE) };
const CAUSE: u32 = 0x60;
const ACKNOWLEDGED: u32 = 0x64;

/// Frames that may wait for the task.
const WAITING: usize = 8;

/// Joined to a Wi-Fi, as far as this board has one.
static JOINED: AtomicBool = AtomicBool::new(false);

/// Gives the network to the card, or takes it away.
pub(crate) fn set_joined(joined: bool) {
    JOINED.store(joined, Relaxed);
    WAKER.wake();
}

/// To be called by the interrupt.
pub(crate) fn acknowledge() {
    REGISTERS.at(ACKNOWLEDGED).write(REGISTERS.at(CAUSE).read());
}

pub(crate) struct Net {
    card: VirtIONetRaw<Memory, MmioTransport<'static>, 16>,
    /// What the card may write to, and by which number it tells.
    waiting: &'static mut [Room; WAITING],
    tokens: [u16; WAITING],
    sent: &'static mut Room,
    sending: Option<(u16, usize)>,
}

impl Net {
    pub(crate) fn start() -> Self {
        static FRAMES: ConstStaticCell<[Room; WAITING]> = ConstStaticCell::new([[0; _]; WAITING]);
        static SENT: ConstStaticCell<Room> = ConstStaticCell::new([0; _]);
        let header = NonNull::new(PLACE as *mut VirtIOHeader).expect("it is not 0");
        // SAFETY: there is such a place, for ever.
        let transport = unsafe { MmioTransport::new(header, SIZE) }.expect("QEMU was given a card");
        let card = VirtIONetRaw::new(transport).expect("the card answers");
        let mut net = Self { card, waiting: FRAMES.take(), tokens: [0; WAITING], sent: SENT.take(), sending: None };
        (0..WAITING).for_each(|place| net.offer(place));
        net
    }

    /// Lets the card write a frame to one of the places.
    fn offer(&mut self, place: usize) {
        // SAFETY: it is read again only once the card has told of it.
        let token = unsafe { self.card.receive_begin(bytes(&mut self.waiting[place])) };
        self.tokens[place] = token.expect("the queue has room for all");
    }

    /// The next frame.
    fn next(&mut self, room: &mut Room) -> Option<usize> {
        let token = self.card.poll_receive()?;
        let place = self.tokens.iter().position(|offered| *offered == token)?;
        // SAFETY: it is the one that was offered so.
        let done = unsafe { self.card.receive_complete(token, bytes(&mut self.waiting[place])) };
        *room = self.waiting[place];
        self.offer(place);
        done.ok().map(|(_, len)| len.min(FRAME))
    }
}

impl Card for Net {
    /// virtio's own.
    const BEFORE: usize = 12;

    fn receive(&mut self, room: &mut Room) -> Option<usize> {
        // What comes while there is no network is nobody's.
        while let Some(len) = self.next(room) {
            if self.is_up() {
                return Some(len);
            }
        }
        None
    }

    fn can_send(&mut self) -> bool {
        if let (Some((token, len)), true) = (self.sending, self.card.poll_transmit().is_some()) {
            // SAFETY: it is what was sent so.
            _ = unsafe { self.card.transmit_complete(token, &bytes(self.sent)[..len]) };
            self.sending = None;
        }
        self.sending.is_none()
    }

    fn send(&mut self, room: &mut Room, len: usize) {
        if !self.can_send() || !self.is_up() {
            return;
        }
        *self.sent = *room;
        let len = Self::BEFORE + len;
        let frame = bytes(self.sent);
        frame[..Self::BEFORE].fill(0);
        // SAFETY: nothing is written there until the card has sent it.
        self.sending = unsafe { self.card.transmit_begin(&frame[..len]) }.ok().map(|token| (token, len));
    }

    fn is_up(&self) -> bool {
        JOINED.load(Relaxed)
    }
}

#[repr(align(4096))]
struct Page([u8; PAGE_SIZE]);

/// The machine's memory, which is the card's too, at the same addresses.
struct Memory;

// SAFETY: pages are given out once, and are zero.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        // Two for each of the queues.
        static PAGES: [ConstStaticCell<Page>; 4] = [const { ConstStaticCell::new(Page([0; _])) }; 4];
        assert!(pages == 1, "a short queue's halves fit in a page");
        let page = PAGES.iter().find_map(ConstStaticCell::try_take).expect("there are no more queues");
        let place = NonNull::from(&mut page.0).cast::<u8>();
        (place.addr().get() as PhysAddr, place)
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(place: PhysAddr, _: usize) -> NonNull<u8> {
        #[expect(clippy::cast_possible_truncation, reason = "this machine's addresses have 32 bits")]
        NonNull::new(core::ptr::with_exposed_provenance_mut(place as usize)).expect("nothing is at 0")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.addr().get() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
