//! Which pin is wired to what. `diagram.json` and the README show the same, which a test sees to.

/// The table: what, its pin on an ESP32-C3, its pin on an ESP32-C6.
macro_rules! table {
    ($($(#[$doc:meta])* $name:ident: $c3:ident $c6:ident;)*) => {
        /// The pins, by what is wired to them.
        #[cfg_attr(any(), allow(dead_code))]
        #[expect(dead_code, reason = "a display is on one of two buses")]
        pub(crate) struct Pins {
            $($(#[$doc])* pub(crate) $name: esp_hal::gpio::AnyPin<'static>,)*
        }

        /// Takes the pins out of the chip's peripherals.
        macro_rules! take {
            ($peripherals:ident) => {
                crate::pins::Pins {
                    $(
                        #[cfg(feature = "esp32c3")]
                        $name: esp_hal::gpio::Pin::degrade($peripherals.$c3),
                        #[cfg(feature = "esp32c6")]
                        $name: esp_hal::gpio::Pin::degrade($peripherals.$c6),
                    )*
                }
            };
        }
    };
}

table! {
    //         C3     C6
    /// OLED: SDA of I2C.
    sda:       GPIO5  GPIO6;
    /// OLED: SCL of I2C.
    scl:       GPIO6  GPIO7;
    /// The button, which most boards have as BOOT: low while it is down.
    button:    GPIO9  GPIO9;
    /// A second button, for the next page, where there is one.
    page:      GPIO0  GPIO3;
    /// DIN of the first LED.
    strip:     GPIO10 GPIO8;
}

pub(crate) use take;
