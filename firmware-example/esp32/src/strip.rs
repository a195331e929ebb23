//! A strip of WS2812, by the chip's remote control: its pulses are exact, whatever else is to be done.

use comfyglow_app::{LEDS, Strip, ui::leds::RGB8};
use comfyglow_panels::ws2812::{self, PULSES_PER_LED, Pulse};
use esp_hal::{
    Async,
    gpio::{AnyPin, Level},
    peripherals::RMT,
    rmt::{Channel, ConfigError, Error, PulseCode, Rmt, Tx, TxChannelConfig, TxChannelCreator as _},
    time::Rate,
};

/// Ticks of 50 ns.
const TICK: u16 = 50;

/// The most pulses, the end of the last, and the mark of the end.
const CODES: usize = LEDS * PULSES_PER_LED + 2;

/// The strip.
pub(crate) struct Ws2812 {
    channel: Channel<'static, Async, Tx>,
    codes: &'static mut [PulseCode; CODES],
}

impl Ws2812 {
    /// The strip whose first LED is at `pin`.
    pub(crate) fn new(rmt: RMT<'static>, pin: AnyPin<'static>) -> Result<Self, ConfigError> {
        static CODES_: static_cell::ConstStaticCell<[PulseCode; CODES]> =
            static_cell::ConstStaticCell::new([PulseCode::end_marker(); CODES]);
        let config =
            TxChannelConfig::default().with_clk_divider(4).with_idle_output(true).with_idle_output_level(Level::Low);
        let channel = Rmt::new(rmt, Rate::from_mhz(80))?.into_async().channel0.configure_tx(&config)?.with_pin(pin);
        Ok(Self { channel, codes: CODES_.take() })
    }
}

impl Strip for Ws2812 {
    type Error = Error;

    async fn show(&mut self, colours: &[RGB8]) -> Result<(), Error> {
        let code = |Pulse { high, low }| PulseCode::new(Level::High, high / TICK, Level::Low, low / TICK);
        // What they show they show once the wire was low for a while.
        let reset = u16::try_from(ws2812::RESET / u32::from(TICK)).unwrap_or(u16::MAX);
        let reset = PulseCode::new(Level::Low, reset, Level::Low, 1);
        let codes = ws2812::pulses(colours).map(code).chain([reset, PulseCode::end_marker()]);
        let mut len = 0;
        for (to, from) in self.codes.iter_mut().zip(codes) {
            *to = from;
            len += 1;
        }
        self.channel.transmit(&self.codes[..len]).await
    }
}
