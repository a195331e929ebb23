//! A strip of WS2812, by the chip's remote control. Of eight LEDs the pulses are exact, whatever else is to be done: they fit
//! into its memory. For longer strips it is filled again half by half, in time where no other task takes more than 100 µs; else
//! LEDs flicker until the next frame.

use comfyglow_app::{LEDS, Strip, ui::leds::RGB8};
use comfyglow_panels::ws2812::{self, PULSES_PER_LED, Pulse};
use embassy_time::Timer;
use esp_hal::{
    Async,
    gpio::{AnyPin, Level},
    peripherals::RMT,
    rmt::{Channel, ConfigError, Error, PulseCode, Rmt, Tx, TxChannelConfig, TxChannelCreator as _},
    time::Rate,
};

/// Ticks of 50 ns.
const TICK: u16 = 50;

/// Blocks of 48 pulses that the chip has: the strip gets them all.
const BLOCKS: u8 = 4;

/// The most pulses.
const CODES: usize = LEDS * PULSES_PER_LED;

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
        let config = config.with_memsize(BLOCKS);
        let channel = Rmt::new(rmt, Rate::from_mhz(80))?.into_async().channel0.configure_tx(&config)?.with_pin(pin);
        Ok(Self { channel, codes: CODES_.take() })
    }
}

impl Strip for Ws2812 {
    type Error = Error;

    async fn show(&mut self, colours: &[RGB8]) -> Result<(), Error> {
        let code = |Pulse { high, low }| PulseCode::new(Level::High, high / TICK, Level::Low, low / TICK);
        let mut len = 0;
        for (to, from) in self.codes.iter_mut().zip(ws2812::pulses(colours).map(code)) {
            *to = from;
            len += 1;
        }
        // The wire stays low after the last pulse, whose end this marks.
        match self.codes.get_mut(..len).and_then(<[PulseCode]>::last_mut) {
            Some(last) => *last = last.with_length2(0).unwrap_or(PulseCode::end_marker()),
            None => return Ok(()),
        }
        self.channel.transmit(&self.codes[..len]).await?;
        // What they show they show once the wire was low for a while.
        Timer::after_micros(u64::from(ws2812::RESET / 1_000)).await;
        Ok(())
    }
}
