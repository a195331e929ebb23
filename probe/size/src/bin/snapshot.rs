//! A whole session, and its state as JSON.
#![no_std]
#![no_main]

use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    probe_size::drive(|session, now| {
        let mut line = [0; 1024];
        let _ = black_box(session.state().snapshot(now).write_json(&mut line));
        black_box(line);
    })
}
