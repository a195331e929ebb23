//! The display: which one, the settings say, as far as this image is for its bus.

#[cfg(feature = "lcd")]
mod lcd;
#[cfg(not(feature = "lcd"))]
mod oled;

#[cfg(feature = "lcd")]
pub(crate) use lcd::{DISPLAYS, Display, buses, open};
#[cfg(not(feature = "lcd"))]
pub(crate) use oled::{DISPLAYS, Display, buses, open};
