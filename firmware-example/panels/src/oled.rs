//! SSD1306 and SH1106: OLEDs of one colour on I2C.
//!
//! The driver is our own. What the two chips have in common is enough: a page and a column are set, and bytes follow, each a
//! column of eight pixels. So the display is chosen when the program runs, by a setting, and one piece of code serves all of
//! them. The crate `ssd1306` has the size in its type, so that each would be compiled for itself, and `sh1106` can't wait for a
//! bus without keeping everything else waiting; the tests take `ssd1306` as a witness instead.

use comfyglow_app::{Panel, setup::Display};
use embassy_time::{Duration, with_timeout};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    pixelcolor::BinaryColor,
    primitives::{PointsIter as _, Rectangle},
};
use embedded_hal_async::i2c::I2c;

/// Where these displays are on the bus, unless a resistor was moved.
pub const ADDRESS: u8 = 0x3C;

/// Bytes of the largest display's pixels.
const PIXELS: usize = 128 * 64 / 8;

/// The most columns.
const COLUMNS: usize = 128;

/// What a transaction may take: the longest, a row of 136 bytes, takes 3 ms at 400 kHz.
const PATIENCE: Duration = Duration::from_millis(100);

/// Seconds without change after which the display is dimmed: its pixels wear out by their light, those that are always on
/// first. They are not moved about besides, as the layouts use the outermost rows and columns.
const DIMMED_AFTER: u64 = 300;

/// What is left of the brightness then.
const DIMMED_TO: u8 = 8;

/// A display's chip and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// An SSD1306 with 72×40 pixels, 0.42 inch: those in the middle of the chip's columns.
    Ssd1306Of72x40,
    /// An SSD1306 with 128×32 pixels, 0.91 inch.
    Ssd1306Of128x32,
    /// An SSD1306 with 128×64 pixels, 0.96 inch.
    Ssd1306Of128x64,
    /// An SH1106 with 128×64 pixels, 1.3 inch: those in the middle of the chip's 132 columns.
    Sh1106Of128x64,
}

/// The settings that there is a [`Model`] for.
pub const DISPLAYS: [Display; 4] =
    [Display::Ssd1306W128H64, Display::Ssd1306W128H32, Display::Ssd1306W72H40, Display::Sh1106W128H64];

impl Model {
    /// All there are.
    pub const ALL: [Self; 4] =
        [Self::Ssd1306Of72x40, Self::Ssd1306Of128x32, Self::Ssd1306Of128x64, Self::Sh1106Of128x64];

    /// The model that the setting `display` asks for, if it is one of these.
    pub const fn of(display: Display) -> Option<Self> {
        Some(match display {
            Display::Ssd1306W72H40 => Self::Ssd1306Of72x40,
            Display::Ssd1306W128H32 => Self::Ssd1306Of128x32,
            Display::Ssd1306W128H64 => Self::Ssd1306Of128x64,
            Display::Sh1106W128H64 => Self::Sh1106Of128x64,
            _ => return None,
        })
    }

    /// How many columns and rows.
    pub const fn size(self) -> (u8, u8) {
        match self {
            Self::Ssd1306Of72x40 => (72, 40),
            Self::Ssd1306Of128x32 => (128, 32),
            Self::Ssd1306Of128x64 | Self::Sh1106Of128x64 => (128, 64),
        }
    }

    /// The chip's column that is the display's first.
    const fn first_column(self) -> u8 {
        match self {
            Self::Ssd1306Of72x40 => 28,
            Self::Ssd1306Of128x32 | Self::Ssd1306Of128x64 => 0,
            Self::Sh1106Of128x64 => 2,
        }
    }

    /// How the rows' wires are laid: one after the other, or every other one.
    const fn com_pins(self) -> u8 {
        match self {
            Self::Ssd1306Of128x32 => 0x02,
            _ => 0x12,
        }
    }

    /// What the chip needs to be told beyond what all do: its supply from 3.3 V and, where pages are not the only way, to be
    /// addressed by pages.
    const fn own(self) -> &'static [u8] {
        match self {
            // The charge pump; pages; no scrolling; the current of the segments from within the chip, as SSD1306B has it.
            Self::Ssd1306Of72x40 => &[0x8D, 0x14, 0x20, 0x02, 0x2E, 0xAD, 0x30],
            Self::Ssd1306Of128x32 | Self::Ssd1306Of128x64 => &[0x8D, 0x14, 0x20, 0x02, 0x2E],
            // The converter; it is pages only.
            Self::Sh1106Of128x64 => &[0xAD, 0x8B],
        }
    }
}

/// Why a display doesn't show what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The bus says so: nobody answered at the address, or others talked.
    Bus(E),
    /// The bus has said nothing for a while: a wire is held low.
    Timeout,
}

/// A display, and what it should show.
#[derive(Debug)]
pub struct Oled<I> {
    bus: I,
    address: u8,
    model: Model,
    contrast: u8,
    dimmed: bool,
    /// Eight pixels each, one below the other, the uppermost in the lowest bit; row by row of these.
    pixels: [u8; PIXELS],
}

impl<I: I2c> Oled<I> {
    /// The display `model` at `address` (see [`ADDRESS`]) of `bus`, which is to run at 400 kHz at most.
    pub const fn new(bus: I, address: u8, model: Model) -> Self {
        Self { bus, address, model, contrast: 0xFF, dimmed: false, pixels: [0; PIXELS] }
    }

    /// Turns it off.
    ///
    /// # Errors
    ///
    /// It doesn't answer.
    pub async fn stop(&mut self) -> Result<(), Error<I::Error>> {
        self.command(&[0xAE]).await
    }

    /// One transaction.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error<I::Error>> {
        match with_timeout(PATIENCE, self.bus.write(self.address, bytes)).await {
            Ok(written) => written.map_err(Error::Bus),
            Err(_) => Err(Error::Timeout),
        }
    }

    /// Sends commands, as many as fit in one transaction.
    async fn command(&mut self, commands: &[u8]) -> Result<(), Error<I::Error>> {
        let mut bytes = [0; 32];
        // The first byte says that all that follow are commands.
        for (to, from) in bytes.iter_mut().skip(1).zip(commands) {
            *to = *from;
        }
        let len = bytes.len().min(commands.len().saturating_add(1));
        self.write(bytes.get(..len).unwrap_or_default()).await
    }

    /// Sends the bytes of columns `left` to `right` of eight rows; where they go and what they are in one transaction, so that
    /// none can be without the other.
    async fn send(&mut self, page: u8, left: usize, right: usize) -> Result<(), Error<I::Error>> {
        let column = self.model.first_column().saturating_add(u8::try_from(left).unwrap_or(0));
        // 0x80: a command follows. 0x40: pixels do, to the end.
        let place = [0x80, 0xB0 | page, 0x80, column & 0xF, 0x80, 0x10 | column >> 4, 0x40];
        let mut bytes = [0; COLUMNS + 7];
        let row = usize::from(page).saturating_mul(usize::from(self.model.size().0));
        let pixels = self.pixels.get(row.saturating_add(left)..row.saturating_add(right)).unwrap_or_default();
        let mut len = 0_usize;
        for (to, from) in bytes.iter_mut().zip(place.iter().chain(pixels)) {
            *to = *from;
            len = len.saturating_add(1);
        }
        self.write(bytes.get(..len).unwrap_or_default()).await
    }

    async fn set_contrast(&mut self, contrast: u8) -> Result<(), Error<I::Error>> {
        self.command(&[0x81, contrast]).await
    }

    fn set(&mut self, at: Point, color: BinaryColor) {
        let (width, height) = self.model.size();
        let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) else { return };
        if x >= usize::from(width) || y >= usize::from(height) {
            return;
        }
        let bit = 1 << (y % 8);
        if let Some(byte) = self.pixels.get_mut(y / 8 * usize::from(width) + x) {
            *byte = if color.is_on() { *byte | bit } else { *byte & !bit };
        }
    }
}

impl<I: I2c> Panel for Oled<I> {
    async fn start(&mut self, brightness: u8) -> Result<(), Self::Error> {
        let (width, height) = self.model.size();
        let percent = u32::from(brightness.min(100));
        self.contrast = u8::try_from((percent * 255 / 100).max(1)).unwrap_or(u8::MAX);
        self.dimmed = false;
        self.pixels.fill(0);
        // Off while it is set up: the supply may be changed only then.
        self.command(&[0xAE]).await?;
        self.command(self.model.own()).await?;
        // Clock; rows; no offset; from line 0; columns and rows mirrored, as the modules are built; the wires; charging times;
        // the level of what isn't lit; what is in memory, and not inverted.
        let com = self.model.com_pins();
        let all =
            [0xD5, 0x80, 0xA8, height - 1, 0xD3, 0, 0x40, 0xA1, 0xC8, 0xDA, com, 0xD9, 0xF1, 0xDB, 0x20, 0xA4, 0xA6];
        self.command(&all).await?;
        self.set_contrast(self.contrast).await?;
        // What is in its memory at first is noise.
        for page in 0..height / 8 {
            self.send(page, 0, width.into()).await?;
        }
        self.command(&[0xAF]).await
    }

    async fn flush(&mut self, area: Rectangle) -> Result<(), Self::Error> {
        let area = area.intersection(&Rectangle::new(Point::zero(), self.size()));
        let Some(end) = area.bottom_right() else { return Ok(()) };
        let at = |at: i32| usize::try_from(at).unwrap_or(0);
        let page = |y: i32| u8::try_from(y / 8).unwrap_or(0);
        for page in page(area.top_left.y)..=page(end.y) {
            self.send(page, at(area.top_left.x), at(end.x).saturating_add(1)).await?;
        }
        if self.dimmed {
            self.set_contrast(self.contrast).await?;
            self.dimmed = false;
        }
        Ok(())
    }

    async fn rest(&mut self, seconds: u64) -> Result<(), Self::Error> {
        if seconds >= DIMMED_AFTER && !self.dimmed {
            self.set_contrast(self.contrast / DIMMED_TO).await?;
            self.dimmed = true;
        }
        Ok(())
    }
}

impl<I> OriginDimensions for Oled<I> {
    fn size(&self) -> Size {
        let (width, height) = self.model.size();
        Size::new(width.into(), height.into())
    }
}

impl<I: I2c> DrawTarget for Oled<I> {
    type Color = BinaryColor;
    type Error = Error<I::Error>;

    fn draw_iter<P: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: P) -> Result<(), Self::Error> {
        pixels.into_iter().for_each(|Pixel(at, color)| self.set(at, color));
        Ok(())
    }

    fn fill_contiguous<P: IntoIterator<Item = BinaryColor>>(
        &mut self,
        area: &Rectangle,
        colors: P,
    ) -> Result<(), Self::Error> {
        area.points().zip(colors).for_each(|(at, color)| self.set(at, color));
        Ok(())
    }
}
