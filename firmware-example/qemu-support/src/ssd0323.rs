//! An SSD0323: a display of 128×64 pixels in 16 greys. It needs no frame buffer: a window is set, and filled.

use core::convert::Infallible;

use comfyglow_app::Panel;
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Size},
    pixelcolor::{Gray4, GrayColor as _},
    primitives::Rectangle,
};

use crate::meter;

/// What makes this panel go, as its maker has it: multiplexed by 64, current and phases, on.
const START: [u8; 18] =
    [0xAE, 0xA8, 0x3F, 0xA1, 0, 0xA2, 0, 0xA0, 0x52, 0xB1, 0x22, 0xB3, 0xF4, 0x86, 0xBC, 0x1E, 0xA4, 0xAF];

/// What it hangs on.
pub trait Bus {
    /// Sends a byte.
    fn send(&mut self, byte: u8);

    /// What is sent from here on are pixels, else commands. What was sent before has arrived.
    fn to_pixels(&mut self, pixels: bool);

    /// The processor's cycles since the start, which may overflow.
    fn cycles(&self) -> u32;
}

/// The display, on its bus.
pub struct Ssd0323<B>(pub B);

impl<B: Bus> Ssd0323<B> {
    fn send(&mut self, byte: u8) {
        self.0.send(byte);
        meter::sent();
    }

    fn commands(&mut self, bytes: &[u8]) {
        self.0.to_pixels(false);
        for byte in bytes {
            self.send(*byte);
        }
        self.0.to_pixels(true);
    }
}

impl<B: Bus> Panel for Ssd0323<B> {
    async fn start(&mut self, brightness: u8) -> Result<(), Infallible> {
        self.commands(&START);
        #[expect(clippy::cast_possible_truncation, reason = "of 100")]
        let current = (u32::from(brightness) * 127 / 100) as u8;
        self.commands(&[0x81, current]);
        Ok(())
    }
}

impl<B> OriginDimensions for Ssd0323<B> {
    fn size(&self) -> Size {
        Size::new(128, 64)
    }
}

impl<B: Bus> DrawTarget for Ssd0323<B> {
    type Color = Gray4;
    type Error = Infallible;

    /// Of no use here: a byte is two pixels. What is drawn is filled.
    fn draw_iter<I: IntoIterator<Item = Pixel<Gray4>>>(&mut self, _: I) -> Result<(), Infallible> {
        Ok(())
    }

    /// Fills `area`, which begins and ends at even columns.
    fn fill_contiguous<I: IntoIterator<Item = Gray4>>(
        &mut self,
        area: &Rectangle,
        colors: I,
    ) -> Result<(), Infallible> {
        let Some(end) = area.bottom_right() else { return Ok(()) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are on the display")]
        let [left, top, right, bottom] = [area.top_left.x / 2, area.top_left.y, end.x / 2, end.y].map(|at| at as u8);
        self.commands(&[0x15, left, right, 0x75, top, bottom]);
        // One colour for all of it comes without an end.
        let mut colors = colors.into_iter().take((area.size.width * area.size.height) as usize);
        while let (Some(high), Some(low)) = (colors.next(), colors.next()) {
            self.send(high.luma() << 4 | low.luma());
        }
        meter::painted(self.0.cycles());
        Ok(())
    }
}
