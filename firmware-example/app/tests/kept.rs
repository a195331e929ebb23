//! What is kept in flash: at the end, whole, and taken in at the next start.
use std::pin::pin;

use comfyglow_app::{Gadget, Settings, Start};
use comfyglow_rig::nor::Nor;
use embassy_futures::poll_once;
use embassy_time::{Duration, MockDriver};

const PAGE: usize = 2_048;
const BYTES: u32 = 2 * 2_048;

#[test]
fn it_is_kept_when_the_gadget_is_turned_off_and_never_at_idle() {
    let flash = Nor::<PAGE>::new(2, 0);
    let settings = Box::leak(Box::new(Settings::parse("server=desk").unwrap()));
    for start in 0..40 {
        let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, start))), Start::default());
        let mut keep = pin!(gadget.keep(flash.clone(), 0..BYTES));
        let mut off = pin!(gadget.off());
        assert!(poll_once(keep.as_mut()).is_pending());
        let written = flash.steps();
        MockDriver::get().advance(Duration::from_secs(3_600));
        assert!(poll_once(keep.as_mut()).is_pending());
        assert_eq!(flash.steps(), written, "nothing happened that is worth a write");

        gadget.turn_off();
        assert!(poll_once(keep.as_mut()).is_pending());
        // It leaves the server first, for three seconds at most.
        MockDriver::get().advance(Duration::from_secs(3));
        assert!(poll_once(keep.as_mut()).is_pending());
        assert!(poll_once(off.as_mut()).is_ready());
        assert!(flash.steps() > written, "start {start}");
    }
}
