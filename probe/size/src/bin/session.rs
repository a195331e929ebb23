//! A whole session: WebSocket and HTTP to view.
#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    probe_size::drive(|_, _| ())
}
