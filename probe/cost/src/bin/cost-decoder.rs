//! Counts the instructions that the decoder alone takes for each message: `decoder`, the kind, the number. It stands apart
//! from the session, so that the session's code is what it would be without this.
#![no_std]
#![no_main]

use core::hint::black_box;

use comfyglow_core::{
    capacity::GadgetCapacity,
    event::{Decoder, Event, Handler, Interest, Part},
};
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use probe_cost::{Mean, is_of_session, messages, meter::Meter};
use semihosting::{println, process};

type GadgetDecoder = Decoder<GadgetCapacity>;

/// Takes what the decoder says and does nothing with it.
struct Nobody;

impl Handler for Nobody {
    fn part(&mut self, part: Part<'_>) {
        black_box(part);
    }

    fn event(&mut self, event: Event<'_>) {
        black_box(event);
    }
}

#[entry]
fn main() -> ! {
    let peripherals = Peripherals::take().expect("this is the first to take them");
    let meter = Meter::new(peripherals.SYST);
    let mut of_session = ("", new(), Mean::<1>::new());
    for (name, message) in messages() {
        if is_of_session(name) {
            if of_session.0 != name {
                tell_mean(of_session.0, &of_session.2);
                of_session = (name, new(), Mean::new());
            }
            let taken = meter.once(|| read(&mut of_session.1, message));
            of_session.2.add(message.len(), [taken]);
        } else {
            println!("decoder {name} {}", meter.instructions(new, |decoder| read(decoder, message)));
        }
    }
    tell_mean(of_session.0, &of_session.2);
    process::exit(0)
}

fn new() -> GadgetDecoder {
    GadgetDecoder::new(Interest::STATE)
}

#[inline(never)]
fn read(decoder: &mut GadgetDecoder, message: &str) {
    decoder.text(black_box(message.as_bytes()), &mut Nobody);
    decoder.end_text(&mut Nobody);
}

fn tell_mean(name: &str, mean: &Mean<1>) {
    let (_, [taken]) = mean.of_one();
    if is_of_session(name) {
        println!("decoder {name} {taken}");
    }
}
