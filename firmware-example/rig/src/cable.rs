//! An Ethernet cable in memory: a driver for embassy's network at one end, a device for smoltcp's at the other.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    task::{Context, Waker},
};

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use smoltcp::{
    phy::{self, DeviceCapabilities, Medium},
    time::Instant,
};

/// The most bytes of a frame.
const FRAME: usize = 1_514;

/// The most frames that are on their way, as in a driver's buffers; what comes then is lost.
const FRAMES: usize = 64;

#[derive(Debug, Default)]
struct Inside {
    to_device: VecDeque<Vec<u8>>,
    to_lan: VecDeque<Vec<u8>>,
    plugged: bool,
    /// Frames get lost, though the link is up.
    fades: bool,
    waker: Option<Waker>,
    moved: u64,
}

impl Inside {
    fn push(&mut self, to_device: bool, frame: Vec<u8>) {
        let queue = if to_device { &mut self.to_device } else { &mut self.to_lan };
        if self.plugged && !self.fades && queue.len() < FRAMES {
            queue.push_back(frame);
            self.moved += 1;
        }
        self.wake();
    }

    fn wake(&mut self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

/// A cable, which can be plugged and unplugged.
#[derive(Clone, Debug, Default)]
pub struct Cable(Rc<RefCell<Inside>>);

impl Cable {
    /// A cable that is plugged in.
    pub fn new() -> Self {
        let cable = Self::default();
        cable.plug(true);
        cable
    }

    /// Plugs it in, or pulls it: what was on its way is lost, and both ends know.
    pub fn plug(&self, plugged: bool) {
        let inside = &mut *self.0.borrow_mut();
        inside.plugged = plugged;
        inside.to_device.clear();
        inside.to_lan.clear();
        inside.wake();
    }

    /// Loses all that is sent from now on, and nobody knows; or no longer.
    pub fn fade(&self, fades: bool) {
        self.0.borrow_mut().fades = fades;
    }

    /// Frames that were sent over it.
    pub fn moved(&self) -> u64 {
        self.0.borrow().moved
    }

    /// The device's end.
    pub fn driver(&self) -> CableDriver {
        CableDriver(self.clone())
    }
}

/// The device's end of a cable.
#[derive(Clone, Debug)]
pub struct CableDriver(Cable);

/// A frame that is read, or is to be sent, at either end.
#[derive(Debug)]
pub struct Token {
    cable: Cable,
    frame: Vec<u8>,
    from_device: bool,
}

impl Token {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.cable.0.borrow_mut().push(!self.from_device, frame);
        result
    }
}

impl embassy_net_driver::RxToken for Token {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, read: F) -> R {
        read(&mut self.frame)
    }
}

impl embassy_net_driver::TxToken for Token {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        self.send(len, fill)
    }
}

impl phy::RxToken for Token {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.frame)
    }
}

impl phy::TxToken for Token {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        self.send(len, fill)
    }
}

impl Cable {
    fn token(&self, frame: Vec<u8>, from_device: bool) -> Token {
        Token { cable: self.clone(), frame, from_device }
    }
}

impl Driver for CableDriver {
    type RxToken<'a> = Token;
    type TxToken<'a> = Token;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Token, Token)> {
        let inside = &mut *self.0.0.borrow_mut();
        inside.waker = Some(context.waker().clone());
        let frame = inside.to_device.pop_front()?;
        Some((self.0.token(frame, true), self.0.token(Vec::new(), true)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Token> {
        Some(self.0.token(Vec::new(), true))
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        let inside = &mut *self.0.0.borrow_mut();
        inside.waker = Some(context.waker().clone());
        if inside.plugged { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, 0x50])
    }
}

/// The other end.
impl phy::Device for Cable {
    type RxToken<'a> = Token;
    type TxToken<'a> = Token;

    fn receive(&mut self, _: Instant) -> Option<(Token, Token)> {
        let frame = self.0.borrow_mut().to_lan.pop_front()?;
        Some((self.token(frame, false), self.token(Vec::new(), false)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Token> {
        Some(self.token(Vec::new(), false))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}
