//! Progress as lines of text: what a terminal shows, worked out from a view and a width, and drawn in place.
//!
//! [`live`], [`finished`] and [`Servers`] make [`Line`]s of what they're given and nothing else, so that a test can read them;
//! [`Terminal`] puts them on a screen.

mod bar;
mod line;
mod painter;
mod plain;
mod servers;
mod terminal;
mod text;

pub use bar::filled;
pub use line::{Colours, Ink, Line, Look};
pub use painter::{Scene, finished, live};
pub use plain::Teller;
pub use servers::{Row, Servers};
pub use terminal::{Terminal, height, is_interactive, look};
pub use text::clean;
