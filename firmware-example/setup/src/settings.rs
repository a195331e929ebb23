//! What a person sets up.

use core::fmt::{self, Write};

use heapless::String;

use crate::{
    display::{Display, Layout},
    limits::{BRIGHTNESS, KEY_DIGITS, LEDS, PASSWORD_BYTES, PASSWORD_LEAST_BYTES, SERVER_BYTES, SSID_BYTES},
    setting::{Setting, SettingsError},
};

/// The port that ComfyUI listens on unless told otherwise.
const COMFYUI_PORT: u16 = 8188;

/// What a person sets up. It begins with nothing set, which is the [`Default`].
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    ssid: String<SSID_BYTES>,
    password: String<KEY_DIGITS>,
    server: String<SERVER_BYTES>,
    port: u16,
    display: Display,
    layout: Layout,
    brightness: u8,
    leds: u16,
    leds_brightness: u8,
}

/// What must be set before a gadget can work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Missing {
    /// The Wi-Fi network.
    Ssid,
    /// The server.
    Server,
}

impl Missing {
    /// The setting that is missing.
    pub const fn setting(self) -> Setting {
        match self {
            Self::Ssid => Setting::Ssid,
            Self::Server => Setting::Server,
        }
    }
}

impl Settings {
    /// Nothing is set.
    pub const fn new() -> Self {
        Self {
            ssid: String::new(),
            password: String::new(),
            server: String::new(),
            port: COMFYUI_PORT,
            display: Display::Ssd1306W128H64,
            layout: Layout::Auto,
            brightness: 100,
            leds: 0,
            leds_brightness: 30,
        }
    }

    /// Reads `server=desk:8188 brightness=60 layout=round`, as a board's command line has it: values without spaces.
    ///
    /// # Errors
    ///
    /// The text says something else.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let mut settings = Self::new();
        for word in text.split_ascii_whitespace() {
            let (name, value) = word.split_once('=').ok_or(SettingsError::Word)?;
            settings.set(name, value)?;
        }
        Ok(settings)
    }

    /// Sets the setting of that [name](Setting::name).
    ///
    /// # Errors
    ///
    /// There is none, or this can't be its value; it stays as it was.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        self.put(Setting::named(name).ok_or(SettingsError::Setting)?, value)
    }

    /// Sets a setting.
    ///
    /// # Errors
    ///
    /// This can't be its value; it stays as it was.
    pub fn put(&mut self, setting: Setting, value: &str) -> Result<(), SettingsError> {
        if value.chars().any(char::is_control) {
            return Err(SettingsError::Control);
        }
        match setting {
            Setting::Ssid => self.ssid = text(value).ok_or(SettingsError::Ssid)?,
            Setting::Password => self.password = password(value).ok_or(SettingsError::Password)?,
            Setting::Server => (self.server, self.port) = server(value)?,
            Setting::Display => self.display = Display::named(value).ok_or(SettingsError::Display)?,
            Setting::Layout => self.layout = Layout::named(value).ok_or(SettingsError::Layout)?,
            Setting::Brightness => self.brightness = percent(value)?,
            Setting::Leds => self.leds = number(value).filter(|leds| *leds <= LEDS).ok_or(SettingsError::Leds)?,
            Setting::LedsBrightness => self.leds_brightness = percent(value)?,
        }
        Ok(())
    }

    /// Makes the setting of that name what it is when nothing is set.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn unset(&mut self, name: &str) -> Result<(), SettingsError> {
        self.reset(Setting::named(name).ok_or(SettingsError::Setting)?);
        Ok(())
    }

    /// Makes a setting what it is when nothing is set.
    pub fn reset(&mut self, setting: Setting) {
        let new = Self::new();
        match setting {
            Setting::Ssid => self.ssid = new.ssid,
            Setting::Password => self.password = new.password,
            Setting::Server => (self.server, self.port) = (new.server, new.port),
            Setting::Display => self.display = new.display,
            Setting::Layout => self.layout = new.layout,
            Setting::Brightness => self.brightness = new.brightness,
            Setting::Leds => self.leds = new.leds,
            Setting::LedsBrightness => self.leds_brightness = new.leds_brightness,
        }
    }

    /// Whether the setting is another than when nothing is set.
    pub fn is_set(&self, setting: Setting) -> bool {
        let new = Self::new();
        match setting {
            Setting::Ssid => !self.ssid.is_empty(),
            Setting::Password => !self.password.is_empty(),
            Setting::Server => !self.server.is_empty(),
            Setting::Display => self.display != new.display,
            Setting::Layout => self.layout != new.layout,
            Setting::Brightness => self.brightness != new.brightness,
            Setting::Leds => self.leds != new.leds,
            Setting::LedsBrightness => self.leds_brightness != new.leds_brightness,
        }
    }

    /// What must be set before it can work on a board with a `radio` or without, the first of it.
    pub fn missing(&self, radio: bool) -> Option<Missing> {
        if radio && self.ssid.is_empty() {
            Some(Missing::Ssid)
        } else if self.server.is_empty() {
            Some(Missing::Server)
        } else {
            None
        }
    }

    /// The Wi-Fi network's name; empty where none is set.
    pub fn ssid(&self) -> &str {
        &self.ssid
    }

    /// The Wi-Fi network's password, or 64 hexadecimal digits of its key; empty for an open network. A secret: it goes to
    /// the radio, and is shown nowhere.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The server, as `Host` and people want it: `desk:8188`; empty where none is set.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The server's name, or its address; empty where none is set.
    pub fn host(&self) -> &str {
        self.server.split(':').next().unwrap_or_default()
    }

    /// The server's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The display.
    pub const fn display(&self) -> Display {
        self.display
    }

    /// The outline that is drawn for, as it was set.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether a circle is drawn in, by the layout or else by the display's glass.
    pub const fn is_round(&self) -> bool {
        match self.layout {
            Layout::Auto => self.display.is_round(),
            Layout::Rectangle => false,
            Layout::Round => true,
        }
    }

    /// How bright the display is to be, in percent.
    pub const fn brightness(&self) -> u8 {
        self.brightness
    }

    /// How many LEDs the strip has; 0 where there is none.
    pub const fn leds(&self) -> u16 {
        self.leds
    }

    /// How bright the LEDs are to be, in percent.
    pub const fn leds_brightness(&self) -> u8 {
        self.leds_brightness
    }

    /// Writes a setting's value as [`Settings::set`] takes it, secrets too: for flash.
    pub(crate) fn write_value(&self, setting: Setting, out: &mut impl Write) -> fmt::Result {
        match setting {
            Setting::Ssid => out.write_str(self.ssid()),
            Setting::Password => out.write_str(self.password()),
            Setting::Server => out.write_str(self.server()),
            Setting::Display => out.write_str(self.display.name()),
            Setting::Layout => out.write_str(self.layout.name()),
            Setting::Brightness => write!(out, "{}", self.brightness),
            Setting::Leds => write!(out, "{}", self.leds),
            Setting::LedsBrightness => write!(out, "{}", self.leds_brightness),
        }
    }

    /// Writes a setting's value for people: whether there is a secret, and what else is set.
    pub(crate) fn show_value(&self, setting: Setting, out: &mut impl Write) -> fmt::Result {
        match setting {
            Setting::Password => out.write_str(if self.password.is_empty() { "(none)" } else { "(set)" }),
            _ => self.write_value(setting, out),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// `name=value` each, without the secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings {")?;
        for setting in Setting::ALL {
            write!(f, " {}=", setting.name())?;
            self.show_value(setting, f)?;
        }
        f.write_str(" }")
    }
}

/// As [`Debug`](fmt::Debug), so without the secrets.
#[cfg(feature = "defmt")]
impl defmt::Format for Settings {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Debug2Format(self));
    }
}

/// A text that is not empty, and not too long.
fn text<const N: usize>(value: &str) -> Option<String<N>> {
    String::try_from(value).ok().filter(|text: &String<N>| !text.is_empty())
}

fn number(value: &str) -> Option<u16> {
    // What `parse` takes besides: `+5`.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits)
}

fn percent(value: &str) -> Result<u8, SettingsError> {
    let percent = number(value).and_then(|percent| u8::try_from(percent).ok());
    percent.filter(|percent| *percent <= BRIGHTNESS).ok_or(SettingsError::Brightness)
}

fn password(value: &str) -> Option<String<KEY_DIGITS>> {
    let fits = match value.len() {
        0 | PASSWORD_LEAST_BYTES..=PASSWORD_BYTES => true,
        KEY_DIGITS => value.bytes().all(|byte| byte.is_ascii_hexdigit()),
        _ => false,
    };
    String::try_from(value).ok().filter(|_| fits)
}

/// A server with its port written out, and the port. What a browser's line has about it is dropped.
fn server(value: &str) -> Result<(String<SERVER_BYTES>, u16), SettingsError> {
    if value.starts_with("https://") {
        return Err(SettingsError::Https);
    }
    let value = value.strip_prefix("http://").unwrap_or(value);
    let value = value.strip_suffix('/').unwrap_or(value);
    let (host, port) = match value.split_once(':') {
        Some((host, port)) => (host, number(port).filter(|port| *port > 0).ok_or(SettingsError::Server)?),
        None => (value, COMFYUI_PORT),
    };
    // Of names and addresses nothing else; it goes into `Host` too.
    let fits = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if host.is_empty() || !fits {
        return Err(SettingsError::Server);
    }
    let mut server = String::new();
    write!(server, "{host}:{port}").map_err(|_| SettingsError::Server)?;
    Ok((server, port))
}

#[cfg(test)]
mod tests;
