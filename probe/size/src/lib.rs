//! What the weighed binaries share. The optimizer knows nothing of what comes out of a `black_box`, so it drops
//! nothing that a program with a real link needs.
#![no_std]

use core::{hint::black_box, mem::MaybeUninit, panic::PanicInfo};

use comfyglow_core::{
    session::{Config, GadgetSession, Input, Output},
    time::Instant,
};

static mut SESSION: MaybeUninit<GadgetSession<'static>> = MaybeUninit::uninit();

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Drives a session for ever, and `paint`s at each turn. To be called once.
pub fn drive(paint: impl Fn(&GadgetSession<'_>, Instant)) -> ! {
    // SAFETY: nothing else refers to it, as this never returns and is called once.
    let place = unsafe { &mut *(&raw mut SESSION) };
    let session = place.write(GadgetSession::new(black_box(Config::new("desk", "clientId=desk")), black_box(0)));
    loop {
        let now = black_box(Instant::ZERO);
        session.handle_input(now, black_box(Input::Wake));
        while !matches!(black_box(session.poll_output(now)), Output::Sleep(_)) {}
        black_box(session.view(now));
        black_box(session.smooth_percentage(now));
        paint(session, now);
    }
}
