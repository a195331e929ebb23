//! The gadget's tasks that need nothing of a board but a network.

use core::cell::RefCell;

use comfyglow_app::{
    Gadget, Resources, Settings,
    core::{capacity::GadgetCapacity, session::Link, wire::Wire},
    embassy_net::{Runner, Stack},
    network,
};
use embassy_executor::{Spawner, task};
use semihosting::process::exit;
use static_cell::StaticCell;

use crate::{
    FLASH, Flash, stack,
    wire::{Card, CardDriver},
};

/// The receive and transmit buffers of each link: a window of two frames for the socket, of one for answers.
const SOCKET: (usize, usize) = (4_096, 1_024);
const HTTP: (usize, usize) = (1_536, 1_024);

/// The session, in memory of its own.
///
/// # Panics
///
/// It was called before.
#[inline(never)]
pub fn session(settings: &'static Settings, seed: u64) -> &'static RefCell<Wire<'static, GadgetCapacity>> {
    static SESSION: StaticCell<RefCell<Wire<'static, GadgetCapacity>>> = StaticCell::new();
    SESSION.init_with(|| Gadget::session(settings, seed))
}

/// The network over `card`; a board runs the runner as a task.
///
/// # Panics
///
/// It was called before.
pub fn connect<C: Card>(card: C, seed: u64) -> (Stack<'static>, Runner<'static, CardDriver<C>>) {
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    network(CardDriver::new(card), RESOURCES.init_with(Resources::new), seed)
}

/// Begins the tasks; a board adds those that move frames, paint, and watch buttons. The firmware ends with status 0 once
/// the gadget is off.
///
/// # Panics
///
/// It was called before.
#[inline(never)]
pub fn begin(spawner: Spawner, gadget: &'static Gadget, stack: Stack<'static>) {
    spawner.spawn(watch_network(gadget, stack).expect("once"));
    spawner.spawn(carry_socket(gadget, stack).expect("once"));
    spawner.spawn(carry_http(gadget, stack).expect("once"));
    spawner.spawn(keep_time(gadget).expect("once"));
    spawner.spawn(keep(gadget).expect("once"));
    spawner.spawn(end(gadget).expect("once"));
}

#[task]
async fn watch_network(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.watch_network(stack).await;
}

#[task]
async fn carry_socket(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.carry(Link::Socket, stack, &mut [0; SOCKET.0], &mut [0; SOCKET.1]).await;
}

#[task]
async fn carry_http(gadget: &'static Gadget, stack: Stack<'static>) {
    gadget.carry(Link::Http, stack, &mut [0; HTTP.0], &mut [0; HTTP.1]).await;
}

#[task]
async fn keep_time(gadget: &'static Gadget) {
    gadget.keep_time().await;
}

#[task]
async fn keep(gadget: &'static Gadget) {
    gadget.keep(Flash::open(c"flash.bin"), 0..FLASH).await;
}

#[task]
async fn end(gadget: &'static Gadget) {
    gadget.off().await;
    defmt::info!(
        "memory: session {}, statics {}, stack {}",
        Wire::<GadgetCapacity>::MEMORY,
        stack::statics(),
        stack::used()
    );
    defmt::info!("off");
    exit(0)
}
