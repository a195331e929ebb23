#![no_std]
use core::hint::black_box;
use comfyglow_core::{
    capacity::{GadgetCapacity}, session::{Config, End, Link}, wire::{Input, Output, Wire},
    text::Id,
    time::Instant,
    view::View,
};

pub fn session() -> ! {
    let headers = [("Authorization", "Bearer x")];
    let config = black_box(Config { headers: &headers, ..Config::new("desk:8188") });
    let mut session = Wire::<GadgetCapacity>::new(config, black_box(1));
    loop {
        let now = black_box(Instant::ZERO);
        let buffer = black_box([0_u8; 1460]);
        let bytes = black_box(&buffer[..]);
        session.handle_input(now, black_box(Input::Bytes(Link::Socket, bytes)));
        loop {
            match black_box(session.poll_output(now)) {
                Output::Sleep(_) => break,
                _ => {}
            }
        }
        black_box(session.view(now));
        black_box(session.smooth_percentage(now));
        black_box(session.is_over());
    }
}
