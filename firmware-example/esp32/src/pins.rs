//! Which pin is wired to what. `diagram.json` and the README show the same, which a test sees to.

use esp_hal::gpio::AnyPin;

/// A table: what, its pin on an ESP32-C3, on an ESP32-C6 and on an ESP32-S3.
macro_rules! table {
    ($(#[$about:meta])* $struct:ident, $take:ident: $($(#[$doc:meta])* $name:ident: $c3:ident $c6:ident $s3:ident;)*) => {
        $(#[$about])*
        pub(crate) struct $struct {
            $($(#[$doc])* pub(crate) $name: AnyPin<'static>,)*
        }

        /// Takes them out of the chip's peripherals.
        macro_rules! $take {
            ($peripherals:ident) => {
                crate::pins::$struct {
                    $(
                        #[cfg(feature = "esp32c3")]
                        $name: esp_hal::gpio::Pin::degrade($peripherals.$c3),
                        #[cfg(feature = "esp32c6")]
                        $name: esp_hal::gpio::Pin::degrade($peripherals.$c6),
                        #[cfg(feature = "esp32s3")]
                        $name: esp_hal::gpio::Pin::degrade($peripherals.$s3),
                    )*
                }
            };
        }
        pub(crate) use $take;
    };
}

table! {
    /// The pins of all gadgets.
    Pins, take:
    //       C3     C6     S3
    /// The button, which most boards have as BOOT: low while it is down.
    button:  GPIO9  GPIO9  GPIO0;
    /// A second one, for the next page, where there is one: low while it is down.
    page:    GPIO0  GPIO3  GPIO7;
    /// DIN of the first LED.
    leds:    GPIO10 GPIO8  GPIO48;
}

#[cfg(not(feature = "lcd"))]
table! {
    /// The pins of an OLED on I2C.
    DisplayPins, take_display:
    //       C3     C6     S3
    /// SDA.
    sda:     GPIO5  GPIO6  GPIO8;
    /// SCL.
    scl:     GPIO6  GPIO7  GPIO9;
}

#[cfg(feature = "lcd")]
table! {
    /// The pins of an LCD on SPI.
    DisplayPins, take_display:
    //       C3     C6     S3
    /// SCL or SCK.
    clock:   GPIO4  GPIO18 GPIO12;
    /// SDA or MOSI.
    mosi:    GPIO7  GPIO19 GPIO11;
    /// CS.
    select:  GPIO21 GPIO20 GPIO10;
    /// DC or RS.
    data:    GPIO3  GPIO21 GPIO13;
    /// RES or RST.
    reset:   GPIO20 GPIO22 GPIO14;
    /// BLK or BL.
    light:   GPIO1  GPIO23 GPIO15;
}
