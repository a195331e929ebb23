//! The settings' names, and why a value is none.

use core::fmt;

use crate::{
    display::{Display, Layout},
    limits,
};

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Setting {
    /// The Wi-Fi network's name.
    Ssid,
    /// The Wi-Fi network's password; a secret.
    Password,
    /// The ComfyUI server.
    Server,
    /// The display.
    Display,
    /// The outline that is drawn for.
    Layout,
    /// How bright the display is.
    Brightness,
    /// How many LEDs the strip has.
    Leds,
    /// How bright the LEDs are.
    LedsBrightness,
}

impl Setting {
    /// All of them, in the order that they are shown in.
    pub const ALL: [Self; 8] = [
        Self::Ssid,
        Self::Password,
        Self::Server,
        Self::Display,
        Self::Layout,
        Self::Brightness,
        Self::Leds,
        Self::LedsBrightness,
    ];

    /// Its name, as it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssid => "ssid",
            Self::Password => "password",
            Self::Server => "server",
            Self::Display => "display",
            Self::Layout => "layout",
            Self::Brightness => "brightness",
            Self::Leds => "leds",
            Self::LedsBrightness => "leds-brightness",
        }
    }

    /// Bytes of its value at most.
    pub(crate) const fn value_bytes(self) -> usize {
        match self {
            Self::Ssid => limits::SSID_BYTES,
            Self::Password => limits::KEY_DIGITS,
            Self::Server => limits::SERVER_BYTES,
            Self::Display | Self::Layout => 16,
            Self::Brightness | Self::Leds | Self::LedsBrightness => 3,
        }
    }

    /// The setting of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name)
    }
}

/// Why a value is not taken. It says what would be; it never repeats the value, which may be a secret typed in the wrong
/// place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SettingsError {
    /// A word is no `name=value`.
    Word,
    /// There is no setting of that name.
    Setting,
    /// A value has a control character.
    Control,
    /// The network's name is empty or longer than [`limits::SSID_BYTES`].
    Ssid,
    /// The password is none that WPA could have.
    Password,
    /// The server is no name or address, with a port or without, or longer than [`limits::SERVER_BYTES`].
    Server,
    /// The server is wanted over TLS.
    Https,
    /// There is no such display.
    Display,
    /// There is no such layout.
    Layout,
    /// The brightness is no number up to [`limits::BRIGHTNESS`].
    Brightness,
    /// The LEDs are no number up to [`limits::LEDS`].
    Leds,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word => f.write_str("settings are written name=value, with spaces between them"),
            Self::Setting => {
                f.write_str("there are the settings")?;
                list(f, Setting::ALL.into_iter().map(Setting::name))
            }
            Self::Control => f.write_str("a value has no control characters; type it again"),
            Self::Ssid => write!(f, "the network's name has 1 to {} bytes", limits::SSID_BYTES),
            Self::Password => write!(
                f,
                "a Wi-Fi password has {} to {} bytes, or is a key of {} hexadecimal digits; none for an open network",
                limits::PASSWORD_LEAST_BYTES,
                limits::PASSWORD_BYTES,
                limits::KEY_DIGITS,
            ),
            Self::Server => write!(
                f,
                "the server is written name, name:port or address:port, in {} bytes at most",
                limits::SERVER_BYTES
            ),
            Self::Https => f.write_str("a gadget can't speak https; give it a server in its network, over http"),
            Self::Display => {
                f.write_str("displays are")?;
                list(f, Display::ALL.into_iter().map(Display::name))
            }
            Self::Layout => {
                f.write_str("layouts are")?;
                list(f, Layout::ALL.into_iter().map(Layout::name))
            }
            Self::Brightness => write!(f, "a brightness is a number from 0 to {}", limits::BRIGHTNESS),
            Self::Leds => write!(f, "the LEDs are a number from 0 to {}", limits::LEDS),
        }
    }
}

impl core::error::Error for SettingsError {}

/// ` one two three`
fn list(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'static str>) -> fmt::Result {
    for name in names {
        write!(f, " {name}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_names() {
        for setting in Setting::ALL {
            assert_eq!(Setting::named(setting.name()), Some(setting));
        }
        assert_eq!(Setting::named("Ssid"), None);
    }
}
