//! ST7789 and GC9A01: displays of colours on SPI.
//!
//! They have the memory for a picture themselves: a window is set, and filled. Their settings are those of the crate
//! `mipidsi`; the window is set here, as a display that was lost is to be started again, which that crate's own `Display`
//! can't be.

use comfyglow_app::{Panel, setup::Display};
use embassy_time::Timer;
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{Dimensions as _, OriginDimensions, Point, Size},
    pixelcolor::{Rgb565, raw::ToBytes as _},
    primitives::{PointsIter as _, Rectangle},
};
use embedded_hal::{delay::DelayNs, digital::OutputPin, pwm::SetDutyCycle, spi::SpiDevice};
use mipidsi::{
    dcs::{EnterSleepMode, InterfaceExt as _, SetColumnAddress, SetDisplayOff, SetPageAddress, WriteMemoryStart},
    interface::{Interface as _, SpiInterface},
    models::{GC9A01, Model as _, ST7789},
    options::{ColorInversion, ColorOrder, ModelOptions, Orientation, Rotation},
};

/// A display's chip, size and orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// An ST7789 with 135×240 pixels, 1.14 inch, upright.
    St7789Of135x240,
    /// The same, lying on its side.
    St7789Of240x135,
    /// An ST7789 with 240×240 pixels, 1.3 or 1.54 inch.
    St7789Of240x240,
    /// A GC9A01 with 240×240 pixels, 1.28 inch, round.
    Gc9a01Of240x240,
}

/// The settings that there is a [`Model`] for.
pub const DISPLAYS: [Display; 4] =
    [Display::St7789W240H240, Display::St7789W240H135, Display::St7789W135H240, Display::Gc9a01W240H240];

impl Model {
    /// All there are.
    pub const ALL: [Self; 4] =
        [Self::St7789Of135x240, Self::St7789Of240x135, Self::St7789Of240x240, Self::Gc9a01Of240x240];

    /// The model that the setting `display` asks for, if it is one of these.
    pub const fn of(display: Display) -> Option<Self> {
        Some(match display {
            Display::St7789W135H240 => Self::St7789Of135x240,
            Display::St7789W240H135 => Self::St7789Of240x135,
            Display::St7789W240H240 => Self::St7789Of240x240,
            Display::Gc9a01W240H240 => Self::Gc9a01Of240x240,
            _ => return None,
        })
    }

    /// How many columns and rows.
    pub const fn size(self) -> (u16, u16) {
        match self {
            Self::St7789Of135x240 => (135, 240),
            Self::St7789Of240x135 => (240, 135),
            Self::St7789Of240x240 | Self::Gc9a01Of240x240 => (240, 240),
        }
    }

    /// The chip's column and row, of 240 and 320, that are the display's first: the small one is in their middle, and is seen
    /// from the side when it lies.
    const fn first(self) -> (u16, u16) {
        match self {
            Self::St7789Of135x240 => (52, 40),
            Self::St7789Of240x135 => (40, 53),
            Self::St7789Of240x240 | Self::Gc9a01Of240x240 => (0, 0),
        }
    }

    fn options(self) -> ModelOptions {
        let mut options = ModelOptions::full_size::<ST7789>();
        // As the modules are built: their liquid crystals are seen through when they are off.
        options.invert_colors = ColorInversion::Inverted;
        match self {
            Self::Gc9a01Of240x240 => options.color_order = ColorOrder::Bgr,
            Self::St7789Of240x135 => options.orientation = Orientation::new().rotate(Rotation::Deg90),
            Self::St7789Of135x240 | Self::St7789Of240x240 => {}
        }
        options
    }
}

/// The wires of a display besides its bus.
#[derive(Debug)]
pub struct Pins<D, R, B> {
    /// Low for commands, high for pixels.
    pub data: D,
    /// Low to begin anew.
    pub reset: R,
    /// The light behind the display.
    pub light: B,
}

/// Why a display doesn't show what it should: the bus, or a pin, says so. What isn't there is not noticed, as nothing answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error;

/// A display.
pub struct Lcd<'a, S: SpiDevice, D: OutputPin, R, B, W> {
    wire: SpiInterface<'a, S, D>,
    reset: R,
    light: B,
    delay: W,
    model: Model,
}

impl<'a, S: SpiDevice, D: OutputPin, R: OutputPin, B: SetDutyCycle, W: DelayNs> Lcd<'a, S, D, R, B, W> {
    /// The display `model` on the bus `spi`, which may run at 40 MHz in mode 0. `buffer` is for pixels on their way: some
    /// hundreds of bytes.
    pub fn new(spi: S, pins: Pins<D, R, B>, delay: W, model: Model, buffer: &'a mut [u8]) -> Self {
        let Pins { data, reset, light } = pins;
        Self { wire: SpiInterface::new(spi, data, buffer), reset, light, delay, model }
    }

    /// Turns it off, with its light.
    ///
    /// # Errors
    ///
    /// The bus, or a pin, says so.
    #[expect(clippy::unused_async, reason = "as that of OLEDs, whose bus is waited for")]
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.light.set_duty_cycle_fully_off().map_err(|_| Error)?;
        self.wire.write_command(SetDisplayOff).and_then(|()| self.wire.write_command(EnterSleepMode)).map_err(|_| Error)
    }

    /// Fills the window from `(left, top)` of so many columns and rows.
    fn window(
        &mut self,
        (left, top): (u16, u16),
        (width, height): (u16, u16),
        pixels: impl Iterator<Item = Rgb565>,
    ) -> Result<(), Error> {
        let (x, y) = self.model.first();
        let (x, y) = (x.saturating_add(left), y.saturating_add(top));
        let last = |first: u16, count: u16| first.saturating_add(count.saturating_sub(1));
        let pixels = pixels.take(usize::from(width).saturating_mul(height.into()));
        self.wire
            .write_command(SetColumnAddress::new(x, last(x, width)))
            .and_then(|()| self.wire.write_command(SetPageAddress::new(y, last(y, height))))
            .and_then(|()| self.wire.write_command(WriteMemoryStart))
            .and_then(|()| self.wire.send_pixels(pixels.map(Rgb565::to_be_bytes)))
            .map_err(|_| Error)
    }
}

impl<S: SpiDevice, D: OutputPin, R: OutputPin, B: SetDutyCycle, W: DelayNs> Panel for Lcd<'_, S, D, R, B, W> {
    async fn start(&mut self, brightness: u8) -> Result<(), Error> {
        self.light.set_duty_cycle_fully_off().map_err(|_| Error)?;
        self.reset.set_low().map_err(|_| Error)?;
        Timer::after_millis(10).await;
        self.reset.set_high().map_err(|_| Error)?;
        // Nothing may be said for as long.
        Timer::after_millis(120).await;
        let options = self.model.options();
        match self.model {
            Model::Gc9a01Of240x240 => GC9A01.init(&mut self.wire, &mut self.delay, &options),
            _ => ST7789.init(&mut self.wire, &mut self.delay, &options),
        }
        .map_err(|_| Error)?;
        // What is in its memory at first is noise.
        self.window((0, 0), self.model.size(), core::iter::repeat(Rgb565::default()))?;
        self.light.set_duty_cycle_percent(brightness.min(100)).map_err(|_| Error)
    }
}

impl<S: SpiDevice, D: OutputPin, R, B, W> OriginDimensions for Lcd<'_, S, D, R, B, W> {
    fn size(&self) -> Size {
        let (width, height) = self.model.size();
        Size::new(width.into(), height.into())
    }
}

impl<S: SpiDevice, D: OutputPin, R: OutputPin, B: SetDutyCycle, W: DelayNs> DrawTarget for Lcd<'_, S, D, R, B, W> {
    type Color = Rgb565;
    type Error = Error;

    fn draw_iter<P: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: P) -> Result<(), Error> {
        let all = self.bounding_box();
        for Pixel(at, color) in pixels.into_iter().filter(|pixel| all.contains(pixel.0)) {
            if let Some(at) = place(at) {
                self.window(at, (1, 1), core::iter::once(color))?;
            }
        }
        Ok(())
    }

    fn fill_contiguous<P: IntoIterator<Item = Rgb565>>(&mut self, area: &Rectangle, colors: P) -> Result<(), Error> {
        let size = u16::try_from(area.size.width).ok().zip(u16::try_from(area.size.height).ok());
        match (place(area.top_left), size) {
            (Some(at), Some(size)) if self.bounding_box().intersection(area) == *area => {
                self.window(at, size, colors.into_iter())
            }
            _ => self.draw_iter(area.points().zip(colors).map(|(at, color)| Pixel(at, color))),
        }
    }
}

fn place(at: Point) -> Option<(u16, u16)> {
    u16::try_from(at.x).ok().zip(u16::try_from(at.y).ok())
}
