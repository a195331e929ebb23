//! The smallest session that follows a prompt: WebSocket to view, without HTTP and the log, learning, history, queue and
//! JSON out.
#![no_std]
#![no_main]

use core::{hint::black_box, mem::MaybeUninit};

use comfyglow_core::{capacity, session::Config, wire::Wire};

capacity! {
    /// As a gadget's, but for what it leaves out.
    struct SmallCapacity {
        id: 48, message: 256, nodes: 64, names: 640, durations: 0, history: 1, request: 512, http: false,
    }
}

static mut SESSION: MaybeUninit<Wire<'static, SmallCapacity>> = MaybeUninit::uninit();

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: nothing else refers to it, as this never returns and is called once.
    let place = unsafe { &mut *(&raw mut SESSION) };
    let session = place.write(Wire::new(black_box(Config::new("desk")), black_box(0)));
    loop {
        probe_size::turn(session, &mut (), &|_, _| ());
    }
}
