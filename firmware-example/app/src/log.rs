//! Logs through defmt where there is defmt; else nothing.

/// Something that a person who looks for a fault wants to know.
macro_rules! info {
    ($($arg:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::info!($($arg)*);
        #[cfg(not(feature = "defmt"))]
        let _ = core::format_args!($($arg)*);
    }};
}

/// Something that should not be.
macro_rules! warning {
    ($($arg:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::warn!($($arg)*);
        #[cfg(not(feature = "defmt"))]
        let _ = core::format_args!($($arg)*);
    }};
}

pub(crate) use info;
pub(crate) use warning;
