//! JSON to view: lexer, decoder, reducer, progress. No link.
#![no_std]
#![no_main]

use core::hint::black_box;

use comfyglow_core::{
    event::{Decoder, Event, Handler, Interest, Part},
    limits::gadget,
    progress::{Debounce, Smooth},
    reducer::{Action, reduce},
    state::State,
    time::Instant,
};
use probe_size as _;

type GadgetState = State<{ gadget::ID }, { gadget::MESSAGE }, { gadget::NODES }, { gadget::NAMES }, { gadget::LEARNED }>;

struct Reduce<'a> {
    state: &'a mut GadgetState,
    now: Instant,
}

impl Handler for Reduce<'_> {
    fn part(&mut self, part: Part<'_>) {
        black_box(reduce(self.state, self.now, Action::Part(part)));
    }

    fn event(&mut self, event: Event<'_>) {
        black_box(reduce(self.state, self.now, Action::Text(event)));
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut decoder = Decoder::<{ gadget::ID }, { gadget::MESSAGE }>::new(Interest::STATE);
    let mut state = GadgetState::new();
    let (mut smooth, mut debounce) = (Smooth::new(), Debounce::new());
    loop {
        let now = black_box(Instant::ZERO);
        let mut reducer = Reduce { state: &mut state, now };
        decoder.text(black_box(b""), &mut reducer);
        decoder.end_text(&mut reducer);
        reduce(&mut state, now, black_box(Action::Established));
        if let Some(percentage) = state.prompt().and_then(|prompt| prompt.percentage()) {
            smooth.set(now, percentage);
        }
        debounce.changed();
        black_box(debounce.take(now));
        black_box(smooth.at(now));
        black_box(state.view(now));
    }
}
