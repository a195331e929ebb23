//! What is kept in flash: at the end, whole, and taken in at the next start.
use std::{cell::RefCell, convert::Infallible, pin::pin, rc::Rc};

use comfyglow_app::{
    Gadget, Settings, Start,
    embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash},
};
use embassy_futures::poll_once;
use embassy_time::{Duration, MockDriver};

const PAGE: u32 = 2_048;
const BYTES: u32 = 2 * PAGE;

/// Flash in memory, which lives on when a gadget ends; it counts what is written.
#[derive(Clone)]
struct Flash(Rc<RefCell<(Vec<u8>, u32)>>);

impl ErrorType for Flash {
    type Error = Infallible;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0.borrow().0[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES as usize
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        self.0.borrow_mut().0[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        let (flash, writes) = &mut *self.0.borrow_mut();
        for (kept, new) in flash[offset as usize..].iter_mut().zip(bytes) {
            assert_eq!(*kept, 0xFF, "what was written is erased before it is written again");
            *kept = *new;
        }
        *writes += 1;
        Ok(())
    }
}

#[test]
fn it_is_kept_when_the_gadget_is_turned_off_and_never_at_idle() {
    let flash = Flash(Rc::new(RefCell::new((vec![0xFF; BYTES as usize], 0))));
    let settings = Box::leak(Box::new(Settings::parse("server=desk").unwrap()));
    for start in 0..40 {
        let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, start))), Start::default());
        let mut keep = pin!(gadget.keep(flash.clone(), 0..BYTES));
        let mut off = pin!(gadget.off());
        assert!(poll_once(keep.as_mut()).is_pending());
        let written = flash.0.borrow().1;
        MockDriver::get().advance(Duration::from_secs(3_600));
        assert!(poll_once(keep.as_mut()).is_pending());
        assert_eq!(flash.0.borrow().1, written, "nothing happened that is worth a write");

        gadget.turn_off();
        assert!(poll_once(keep.as_mut()).is_pending());
        // It leaves the server first, for three seconds at most.
        MockDriver::get().advance(Duration::from_secs(3));
        assert!(poll_once(keep.as_mut()).is_pending());
        assert!(poll_once(off.as_mut()).is_ready());
        assert!(flash.0.borrow().1 > written, "start {start}");
    }
}
