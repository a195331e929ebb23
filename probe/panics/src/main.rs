//! Links only if nothing in the core can panic, from a link's bytes to the view and JSON.
//!
//! The panic handler calls a function that nobody defines. The linker drops the handler where the optimizer has proven
//! that no panic is reached, and fails where it has not. The whole session is in it, with whatever bytes, times and
//! ends of links: WebSocket frames, HTTP, JSON, events, reducer, state, a subscriber's queue, view, JSON out, and records
//! written and read.
//!
//! Nothing is left out: all that the core uses of libraries is proven along, as it is.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo};

use comfyglow_core::{
    capacity::GadgetCapacity,
    session::{Config, Host},
    state::State,
    subscription::{Subscription, Topics},
    time::Instant,
    wire::{Input, Output, Wire},
};

#[cfg(not(feature = "search"))]
unsafe extern "C" {
    /// Nobody defines it.
    safe fn the_core_can_panic() -> !;
}

/// Where the search begins: [the same](the_core_can_panic), defined.
#[cfg(feature = "search")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn the_core_can_panic() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    the_core_can_panic()
}

type GadgetState = State<GadgetCapacity>;

/// Where the linker begins. The optimizer knows nothing of what comes out of a `black_box`.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut subscriber = Subscription::<{ GadgetCapacity::NOTES }>::new(black_box(Topics::ALL));
    let (mut kept, mut flash) = (GadgetState::new(), [0; GadgetState::RECORD_BYTES]);
    let mut session = Wire::<GadgetCapacity>::new(black_box(Config::new("")), black_box(0));
    let mut line = [0; 1024];
    loop {
        let now = black_box(Instant::ZERO);
        if black_box(false) {
            session.attach(now);
        }
        session.handle_input_with(now, black_box(Input::Host(Host::Wake)), &mut subscriber);
        while !matches!(black_box(session.poll_output_with(now, &mut subscriber)), Output::Sleep(_)) {}
        black_box(subscriber.next());
        black_box((subscriber.queue().dropped(), subscriber.queue().merged()));
        black_box(session.state().export(now, black_box(&mut flash)).is_ok());
        black_box(kept.import(black_box(&flash)).is_ok());
        black_box(kept.view(now));
        black_box(session.view(now));
        black_box(session.smooth_percentage(now));
        black_box(session.is_over());
        let _ = black_box(session.state().snapshot(now).write_json(black_box(&mut line)));
        session.state().history().iter().for_each(|point| {
            black_box(point);
        });
    }
}
