//! JSON to view: lexer, decoder, reducer, progress, a subscriber's queue. No link.
#![no_std]
#![no_main]

use core::hint::black_box;

use comfyglow_core::{
    capacity::GadgetCapacity,
    event::{Decoder, Event, Handler, Interest, Part},
    progress::{Debounce, Smooth},
    reducer::Observer,
    reducer::{Action, apply},
    state::State,
    subscription::{Subscription, Topics},
    time::Instant,
};
use probe_size as _;

type GadgetState = State<GadgetCapacity>;

struct Reduce<'a> {
    state: &'a mut GadgetState,
    subscriber: &'a mut Subscription<{ GadgetCapacity::NOTES }>,
    now: Instant,
}

impl Reduce<'_> {
    fn reduce(&mut self, action: Action<'_>) {
        let changes = black_box(apply(self.state, self.now, action, &mut ()));
        self.subscriber.reduced(self.now, &action, changes, self.state);
    }
}

impl Handler for Reduce<'_> {
    fn part(&mut self, part: Part<'_>) {
        self.reduce(Action::Part(&part));
    }

    fn event(&mut self, event: Event<'_>) {
        self.reduce(Action::Text(&event));
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut decoder = Decoder::<GadgetCapacity>::new(Interest::STATE);
    let mut state = GadgetState::new();
    let mut subscriber = Subscription::new(black_box(Topics::ALL));
    let (mut smooth, mut debounce) = (Smooth::new(), Debounce::new());
    loop {
        let now = black_box(Instant::ZERO);
        let mut reducer = Reduce { state: &mut state, subscriber: &mut subscriber, now };
        decoder.text(black_box(b""), &mut reducer);
        decoder.end_text(&mut reducer);
        reducer.reduce(black_box(Action::Established));
        while black_box(subscriber.next()).is_some() {}
        if let Some(percentage) = state.prompt().and_then(|prompt| prompt.percentage()) {
            smooth.set(now, percentage);
        }
        debounce.changed();
        black_box(debounce.take(now));
        black_box(smooth.at(now));
        black_box(state.view(now));
    }
}
