//! The displays that a gadget may have.

/// The chip that drives a display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Chip {
    /// Of small white OLEDs, over I2C.
    Ssd1306,
    /// Of OLEDs of 1.3 inches, over I2C.
    Sh1106,
    /// Of colour LCDs, over SPI.
    St7789,
    /// Of round colour LCDs, over SPI.
    Gc9a01,
}

/// A display, by its chip and its size in pixels as it is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Display {
    /// The OLED of 0.42 inches, as on some ESP32-C3 boards.
    Ssd1306W72H40,
    /// The OLED of 0.91 inches.
    Ssd1306W128H32,
    /// The OLED of 0.96 inches: what most people buy.
    #[default]
    Ssd1306W128H64,
    /// The OLED of 1.3 inches.
    Sh1106W128H64,
    /// The LCD of 1.14 inches, upright.
    St7789W135H240,
    /// The LCD of 1.14 inches, lying.
    St7789W240H135,
    /// The LCD of 1.3 or 1.54 inches.
    St7789W240H240,
    /// The round LCD of 1.28 inches.
    Gc9a01W240H240,
}

impl Display {
    /// All of them, in the order that they are told in.
    pub const ALL: [Self; 8] = [
        Self::Ssd1306W72H40,
        Self::Ssd1306W128H32,
        Self::Ssd1306W128H64,
        Self::Sh1106W128H64,
        Self::St7789W135H240,
        Self::St7789W240H135,
        Self::St7789W240H240,
        Self::Gc9a01W240H240,
    ];

    /// Its name, as it is typed: chip and size.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssd1306W72H40 => "ssd1306-72x40",
            Self::Ssd1306W128H32 => "ssd1306-128x32",
            Self::Ssd1306W128H64 => "ssd1306-128x64",
            Self::Sh1106W128H64 => "sh1106-128x64",
            Self::St7789W135H240 => "st7789-135x240",
            Self::St7789W240H135 => "st7789-240x135",
            Self::St7789W240H240 => "st7789-240x240",
            Self::Gc9a01W240H240 => "gc9a01-240x240",
        }
    }

    /// The display of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|display| display.name() == name)
    }

    /// The chip that drives it.
    pub const fn chip(self) -> Chip {
        match self {
            Self::Ssd1306W72H40 | Self::Ssd1306W128H32 | Self::Ssd1306W128H64 => Chip::Ssd1306,
            Self::Sh1106W128H64 => Chip::Sh1106,
            Self::St7789W135H240 | Self::St7789W240H135 | Self::St7789W240H240 => Chip::St7789,
            Self::Gc9a01W240H240 => Chip::Gc9a01,
        }
    }

    /// Its width and height in pixels, as it is looked at.
    pub const fn size(self) -> (u16, u16) {
        match self {
            Self::Ssd1306W72H40 => (72, 40),
            Self::Ssd1306W128H32 => (128, 32),
            Self::Ssd1306W128H64 | Self::Sh1106W128H64 => (128, 64),
            Self::St7789W135H240 => (135, 240),
            Self::St7789W240H135 => (240, 135),
            Self::St7789W240H240 | Self::Gc9a01W240H240 => (240, 240),
        }
    }

    /// Whether its glass is round.
    pub const fn is_round(self) -> bool {
        matches!(self.chip(), Chip::Gc9a01)
    }
}

/// The outline that is drawn for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Layout {
    /// As the display's glass is.
    #[default]
    Auto,
    /// All of the rectangle is seen.
    Rectangle,
    /// Only the circle within is seen, as behind a round window.
    Round,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Rectangle, Self::Round];

    /// Its name, as it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Rectangle => "rectangle",
            Self::Round => "round",
        }
    }

    /// The layout of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn a_display_s_name_tells_its_chip_and_size() {
        for display in Display::ALL {
            let (chip, (width, height)) = (format!("{:?}", display.chip()).to_lowercase(), display.size());
            assert_eq!(display.name(), format!("{chip}-{width}x{height}"));
            assert_eq!(Display::named(display.name()), Some(display));
        }
        assert_eq!(Display::named("ssd1306"), None);
        assert_eq!(Display::default().name(), "ssd1306-128x64");
    }

    #[test]
    fn layouts_have_names() {
        for layout in Layout::ALL {
            assert_eq!(Layout::named(layout.name()), Some(layout));
        }
    }
}
