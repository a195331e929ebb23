//! What the weighed binaries share. The optimizer knows nothing of what comes out of a `black_box`, so it drops
//! nothing that a program with a real link needs.
#![no_std]

use core::{hint::black_box, mem::MaybeUninit, panic::PanicInfo};

use comfyglow_core::{
    capacity::{Capacity, GadgetCapacity},
    reducer::Observer,
    session::{Config, Host},
    subscription::{Subscription, Topics},
    time::Instant,
    wire::{Input, Output, Wire},
};

type Subscriber = Subscription<{ GadgetCapacity::NOTES }>;

static mut SESSION: MaybeUninit<Wire<'static, GadgetCapacity>> = MaybeUninit::uninit();
static mut SUBSCRIBER: MaybeUninit<Subscriber> = MaybeUninit::uninit();

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Drives a gadget's session with a subscriber for ever, and `paint`s at each turn. Call it once.
pub fn drive(paint: impl Fn(&Wire<'_, GadgetCapacity>, Instant)) -> ! {
    // SAFETY: nothing else refers to them, as this never returns and is called once.
    let (place, subscriber) = unsafe { (&mut *(&raw mut SESSION), &mut *(&raw mut SUBSCRIBER)) };
    let subscriber = subscriber.write(Subscription::new(black_box(Topics::ALL)));
    let session = place.write(Wire::<GadgetCapacity>::new(black_box(Config::new("desk")), black_box(0)));
    loop {
        turn(session, subscriber, &paint);
        while black_box(subscriber.next()).is_some() {}
    }
}

/// Reports an input, carries out what follows, and paints.
#[inline]
pub fn turn<C: Capacity>(
    session: &mut Wire<'static, C>,
    observer: &mut impl Observer<C>,
    paint: &impl Fn(&Wire<'_, C>, Instant),
) {
    let now = black_box(Instant::ZERO);
    session.handle_input_with(now, black_box(Input::Host(Host::Wake)), observer);
    while !matches!(black_box(session.poll_output_with(now, observer)), Output::Sleep(_)) {}
    black_box(session.view(now));
    black_box(session.smooth_percentage(now));
    paint(session, now);
}
