//! A display that fails is tried again; one that works is sent what changed, and nothing else.
use std::pin::pin;

use comfyglow_app::{Gadget, Panel, Settings, Start};
use embassy_futures::poll_once;
use embassy_time::{Duration, MockDriver};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Size},
    pixelcolor::Gray4,
    primitives::Rectangle,
};

/// A display whose wire can be cut.
#[derive(Default)]
struct Display {
    works: std::rc::Rc<std::cell::Cell<bool>>,
    starts: std::rc::Rc<std::cell::Cell<u32>>,
    pixels: std::rc::Rc<std::cell::Cell<u32>>,
}

struct NoAnswer;

impl Panel for Display {
    async fn start(&mut self, brightness: u8) -> Result<(), NoAnswer> {
        assert_eq!(brightness, 60);
        self.starts.set(self.starts.get() + 1);
        if self.works.get() { Ok(()) } else { Err(NoAnswer) }
    }
}

impl OriginDimensions for Display {
    fn size(&self) -> Size {
        Size::new(128, 64)
    }
}

impl DrawTarget for Display {
    type Color = Gray4;
    type Error = NoAnswer;

    fn draw_iter<I: IntoIterator<Item = Pixel<Gray4>>>(&mut self, _: I) -> Result<(), NoAnswer> {
        Err(NoAnswer)
    }

    fn fill_contiguous<I: IntoIterator<Item = Gray4>>(&mut self, area: &Rectangle, _: I) -> Result<(), NoAnswer> {
        self.pixels.set(self.pixels.get() + area.size.width * area.size.height);
        if self.works.get() { Ok(()) } else { Err(NoAnswer) }
    }
}

#[test]
fn a_display_that_fails_is_tried_again() {
    let settings = Box::leak(Box::new(Settings::parse("server=desk brightness=60").unwrap()));
    let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, 1))), Start::default());
    let mut display = Display::default();
    let (works, starts, pixels) = (display.works.clone(), display.starts.clone(), display.pixels.clone());
    let mut paint = pin!(gadget.paint(&mut display));
    let mut pass = |millis| {
        MockDriver::get().advance(Duration::from_millis(millis));
        // It draws in slices, and yields after each.
        for _ in 0..100 {
            assert!(poll_once(paint.as_mut()).is_pending());
        }
    };
    pass(0);
    assert_eq!(starts.get(), 1);
    pass(999);
    assert_eq!(starts.get(), 1, "once a second");
    pass(1);
    assert_eq!((starts.get(), pixels.get()), (2, 0));

    works.set(true);
    pass(1_000);
    assert_eq!((starts.get(), pixels.get()), (3, 128 * 64), "all of it is painted");

    works.set(false);
    (0..10).for_each(|_| pass(40));
    assert_eq!(starts.get(), 3);
    works.set(true);
    pixels.set(0);
    pass(1_000);
    assert_eq!(starts.get(), 4);
    assert!(pixels.get() >= 128 * 64, "what it shows was lost with the wire");
}
