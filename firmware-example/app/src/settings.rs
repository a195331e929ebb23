//! What a person sets up, as a line of text.

use core::fmt;

use comfyglow_ui::Shape;
use heapless::String;

/// The port that ComfyUI listens on unless told otherwise; below it is written out.
const COMFYUI_PORT: u16 = 8188;

/// Bytes of a server's name or address with its port. A longer one is refused.
pub const SERVER_BYTES: usize = 72;

/// What a person sets up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    ssid: String<32>,
    password: String<64>,
    server: String<SERVER_BYTES>,
    port: u16,
    brightness: u8,
    shape: Shape,
}

/// Why a text is no settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SettingsError {
    /// A word is no `name=value`.
    Word,
    /// There is no setting of that name.
    Name,
    /// A Wi-Fi network's name has more than 32 bytes, or its password more than 64.
    Wifi,
    /// The server's name is empty or longer than [`SERVER_BYTES`], or its port is none.
    Server,
    /// The brightness is no number from 0 to 100.
    Brightness,
    /// The layout is neither `rectangle` nor `round`.
    Layout,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "settings are written name=value, with spaces between them",
            Self::Name => "there are the settings ssid, password, server, brightness and layout",
            Self::Wifi => "a Wi-Fi network's name has 32 bytes at most, its password 64",
            Self::Server => "the server is written name, name:port or address:port, in 72 bytes at most",
            Self::Brightness => "the brightness is a number from 0 to 100",
            Self::Layout => "the layout is rectangle or round",
        })
    }
}

impl core::error::Error for SettingsError {}

impl Settings {
    /// Reads `server=desk:8188 brightness=60 layout=round`: the server is a name or an IPv4 address, with a port or
    /// without; what is left out is 100 % and a rectangle.
    ///
    /// # Errors
    ///
    /// The text says something else.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let mut settings = Self {
            ssid: String::new(),
            password: String::new(),
            server: String::new(),
            port: COMFYUI_PORT,
            brightness: 100,
            shape: Shape::Rectangle,
        };
        for word in text.split_ascii_whitespace() {
            match word.split_once('=').ok_or(SettingsError::Word)? {
                ("ssid", ssid) => settings.ssid = ssid.parse().map_err(|_| SettingsError::Wifi)?,
                ("password", password) => settings.password = password.parse().map_err(|_| SettingsError::Wifi)?,
                ("server", server) => settings.set_server(server)?,
                ("brightness", percent) => {
                    let percent = percent.parse().ok().filter(|percent| *percent <= 100);
                    settings.brightness = percent.ok_or(SettingsError::Brightness)?;
                }
                ("layout", "rectangle") => settings.shape = Shape::Rectangle,
                ("layout", "round") => settings.shape = Shape::Round,
                ("layout", _) => return Err(SettingsError::Layout),
                _ => return Err(SettingsError::Name),
            }
        }
        if settings.server.is_empty() { Err(SettingsError::Server) } else { Ok(settings) }
    }

    fn set_server(&mut self, server: &str) -> Result<(), SettingsError> {
        let (name, port) = match server.split_once(':') {
            Some((name, port)) => (name, port.parse().map_err(|_| SettingsError::Server)?),
            None => (server, COMFYUI_PORT),
        };
        self.server.clear();
        self.port = port;
        if name.is_empty() || port == 0 {
            return Err(SettingsError::Server);
        }
        let has_port = name.len() < server.len();
        let parts = [server, if has_port { "" } else { ":8188" }];
        parts.iter().try_for_each(|part| self.server.push_str(part)).map_err(|_| SettingsError::Server)
    }

    /// The name of the Wi-Fi network.
    pub fn ssid(&self) -> &str {
        &self.ssid
    }

    /// Its password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The server, as `Host` and people want it: `desk:8188`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The server's name, or its address.
    pub fn host(&self) -> &str {
        self.server.split(':').next().unwrap_or_default()
    }

    /// The server's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How bright the display is to be, in percent.
    pub const fn brightness(&self) -> u8 {
        self.brightness
    }

    /// The display's outline.
    pub const fn shape(&self) -> Shape {
        self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let settings = Settings::parse("server=desk brightness=60 layout=round").unwrap();
        assert_eq!((settings.server(), settings.host(), settings.port()), ("desk:8188", "desk", 8188));
        assert_eq!((settings.brightness(), settings.shape()), (60, Shape::Round));
        let settings = Settings::parse("server=10.0.2.2:9000").unwrap();
        assert_eq!((settings.server(), settings.host(), settings.port()), ("10.0.2.2:9000", "10.0.2.2", 9000));
        assert_eq!((settings.brightness(), settings.shape()), (100, Shape::Rectangle));
    }

    #[test]
    fn what_it_is_not_is_told() {
        for (text, error) in [
            ("", SettingsError::Server),
            ("server", SettingsError::Word),
            ("server=", SettingsError::Server),
            ("server=desk:0", SettingsError::Server),
            ("server=desk:high", SettingsError::Server),
            ("server=desk colour=red", SettingsError::Name),
            ("server=desk brightness=101", SettingsError::Brightness),
            ("server=desk layout=square", SettingsError::Layout),
        ] {
            assert_eq!(Settings::parse(text), Err(error), "{text}");
        }
    }
}
