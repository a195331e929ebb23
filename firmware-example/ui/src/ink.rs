//! Colours by what they mean, on displays of any depth.

use embedded_graphics_core::pixelcolor::{
    BinaryColor, Gray2, Gray4, Gray8, PixelColor, Rgb565, Rgb666, Rgb888, RgbColor,
};

/// What a pixel is part of; the background is black on every display, as LEDs that are off are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// What is to be read first.
    Text,
    /// What is there for who looks closer.
    Dim,
    /// What a bar may yet fill.
    Track,
    /// Progress.
    Accent,
    /// It went well.
    Good,
    /// It failed, or somebody has to do something.
    Bad,
    /// Something is amiss that may mend itself.
    Warn,
}

/// How strongly a pixel of a tone is seen: its tone, and thirds of its coverage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shade(u8);

impl Shade {
    /// The background.
    pub(crate) const NONE: Self = Self(0);
    /// How many there are, or more.
    pub(crate) const COUNT: usize = 32;
    /// The coverage of a pixel that is wholly its tone's.
    pub(crate) const FULL: u8 = 3;

    /// `cover` thirds of `tone`.
    pub(crate) const fn new(tone: Tone, cover: u8) -> Self {
        match cover {
            0 => Self::NONE,
            1..=Self::FULL => Self((tone as u8) << 2 | cover),
            _ => Self((tone as u8) << 2 | Self::FULL),
        }
    }

    const fn cover(self) -> u8 {
        self.0 & 3
    }

    const fn is_track(self) -> bool {
        self.0 >> 2 == Tone::Track as u8
    }

    /// Red, green and blue on a display with colours. Blue, a bluish green and vermilion are told apart by eyes that lack
    /// any one kind of cone (the palette of Okabe and Ito, brightened for small displays); words and signs say the same.
    const fn rgb(self) -> (u8, u8, u8) {
        match self.0 >> 2 {
            0 => (0xf4, 0xf4, 0xf0),
            1 => (0x90, 0x98, 0xa4),
            2 => (0x26, 0x2c, 0x36),
            3 => (0x4c, 0xb4, 0xf4),
            4 => (0x20, 0xd0, 0xa0),
            5 => (0xff, 0x70, 0x30),
            _ => (0xf4, 0xc8, 0x48),
        }
    }

    /// Brightness on a display of greys, which has signs and words instead of colours.
    const fn grey(self) -> u8 {
        match self.0 >> 2 {
            1 => 0x88,
            2 => 0x33,
            _ => 0xff,
        }
    }

    /// `full` as far as the pixel is covered, on a display of `levels` levels.
    #[expect(clippy::cast_possible_truncation, reason = "not more than `levels`, which has 8 bits")]
    const fn of(self, full: u8, levels: u8) -> u8 {
        let most = 255 * Self::FULL as u32;
        ((full as u32 * self.cover() as u32 * levels as u32 + most / 2) / most) as u8
    }
}

/// How a display tells things apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// On and off.
    Mono,
    /// Levels of one colour.
    Grey,
    /// Colours.
    Colour,
}

/// A display's colours.
pub trait Ink: PixelColor + 'static {
    /// How it tells things apart.
    const DEPTH: Depth;
    /// Bits that a pixel takes on the way to the display.
    const BITS: u32;
    /// Rectangles start at and are as wide as a multiple of this many pixels: those that share a byte.
    const ALIGN: u32;

    /// The colours of all shades.
    const INKS: &'static [Self; Shade::COUNT];

    /// The colour for `shade`.
    #[inline]
    fn ink(shade: Shade) -> Self {
        let [none, ..] = Self::INKS;
        *Self::INKS.get(usize::from(shade.0)).unwrap_or(none)
    }
}

/// A colour for each shade.
macro_rules! inks {
    ($shade:ident => $ink:expr) => {{
        let mut inks = [const {
            let $shade = Shade::NONE;
            $ink
        }; Shade::COUNT];
        let mut place = 0;
        while (place as usize) < Shade::COUNT {
            let $shade = Shade(place);
            #[expect(clippy::indexing_slicing, reason = "at compile time")]
            {
                inks[place as usize] = $ink;
            }
            place += 1;
        }
        &{ inks }
    }};
}

impl Ink for BinaryColor {
    const DEPTH: Depth = Depth::Mono;
    const BITS: u32 = 1;
    // Such displays pack a column's pixels into a byte: they want a frame buffer anyway.
    const ALIGN: u32 = 1;

    const INKS: &'static [Self; Shade::COUNT] =
        inks!(shade => if shade.cover() >= 2 && !shade.is_track() { Self::On } else { Self::Off });
}

macro_rules! grey {
    ($($color:ty: $bits:literal),*) => {$(
        impl Ink for $color {
            const DEPTH: Depth = Depth::Grey;
            const BITS: u32 = $bits;
            const ALIGN: u32 = 8 / $bits;

            const INKS: &'static [Self; Shade::COUNT] =
                inks!(shade => Self::new(shade.of(shade.grey(), u8::MAX >> (8 - $bits))));
        }
    )*};
}

grey!(Gray2: 2, Gray4: 4, Gray8: 8);

macro_rules! colour {
    ($($color:ty: $bits:literal),*) => {$(
        impl Ink for $color {
            const DEPTH: Depth = Depth::Colour;
            const BITS: u32 = $bits;
            const ALIGN: u32 = 1;

            const INKS: &'static [Self; Shade::COUNT] = inks!(shade => {
                let (r, g, b) = shade.rgb();
                Self::new(shade.of(r, Self::MAX_R), shade.of(g, Self::MAX_G), shade.of(b, Self::MAX_B))
            });
        }
    )*};
}

colour!(Rgb565: 16, Rgb666: 24, Rgb888: 24);
