//! The display: an SSD0323 of 128×64 pixels in 16 greys, on SSI0. It needs no frame buffer: a window is set, and filled.

use core::convert::Infallible;

use comfyglow_app::Panel;
use comfyglow_qemu::{Register, meter};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Size},
    pixelcolor::{Gray4, GrayColor as _},
    primitives::Rectangle,
};

use crate::{clock, pins};

// SAFETY: the registers of this chip's first SSI.
const SSI: Register = unsafe { Register::new(0x4000_8000) };
const CONTROL_0: u32 = 0;
const CONTROL_1: u32 = 4;
const DATA: u32 = 8;
const STATUS: u32 = 0xC;
const PRESCALE: u32 = 0x10;
const ROOM: u32 = 1 << 1;
const RECEIVED: u32 = 1 << 2;
const BUSY: u32 = 1 << 4;

/// What makes this panel go, as its maker has it: multiplexed by 64, current and phases, on.
const START: [u8; 18] =
    [0xAE, 0xA8, 0x3F, 0xA1, 0, 0xA2, 0, 0xA0, 0x52, 0xB1, 0x22, 0xB3, 0xF4, 0x86, 0xBC, 0x1E, 0xA4, 0xAF];

/// The display.
pub(crate) struct Oled;

impl Oled {
    pub(crate) fn new() -> Self {
        pins::give_to_peripherals();
        pins::SELECT.input();
        pins::RIGHT.input();
        pins::CARD_OFF.output(true);
        pins::DISPLAY_POWER.output(true);
        pins::DISPLAY_DATA.output(false);
        // 50 MHz / 10; eight bits, clock high at rest; on.
        SSI.at(CONTROL_1).write(0);
        SSI.at(PRESCALE).write(10);
        SSI.at(CONTROL_0).write(0x00C7);
        SSI.at(CONTROL_1).write(2);
        Self
    }

    fn send(byte: u8) {
        while SSI.at(STATUS).read() & ROOM == 0 {}
        SSI.at(DATA).write(u32::from(byte));
        meter::sent();
        // Nothing is to be read, but QEMU sends no more than is.
        while SSI.at(STATUS).read() & RECEIVED != 0 {
            _ = SSI.at(DATA).read();
        }
    }

    fn commands(bytes: &[u8]) {
        pins::DISPLAY_DATA.set(false);
        bytes.iter().copied().for_each(Self::send);
        // The display looks at its pin with the last bit of a byte.
        while SSI.at(STATUS).read() & BUSY != 0 {}
        pins::DISPLAY_DATA.set(true);
    }
}

impl Panel for Oled {
    async fn start(&mut self, brightness: u8) -> Result<(), Infallible> {
        Self::commands(&START);
        #[expect(clippy::cast_possible_truncation, reason = "of 100")]
        let current = (u32::from(brightness) * 127 / 100) as u8;
        Self::commands(&[0x81, current]);
        Ok(())
    }
}

impl OriginDimensions for Oled {
    fn size(&self) -> Size {
        Size::new(128, 64)
    }
}

impl DrawTarget for Oled {
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
        Self::commands(&[0x15, left, right, 0x75, top, bottom]);
        // One colour for all of it comes without an end.
        let mut colors = colors.into_iter().take((area.size.width * area.size.height) as usize);
        while let (Some(high), Some(low)) = (colors.next(), colors.next()) {
            Self::send(high.luma() << 4 | low.luma());
        }
        meter::painted(clock::cycles());
        Ok(())
    }
}
