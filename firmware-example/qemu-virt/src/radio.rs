//! A radio with one access point around, in the host's hands: name and password are the board's argument, and a wire tells
//! whether it is in reach.

use comfyglow_app::{Radio, core::state::NetworkDown};
use comfyglow_qemu::Arguments;
use embassy_time::Timer;
use embedded_hal::digital::InputPin as _;

use crate::{net, pins::SIGNAL};

/// Milliseconds that joining takes.
const JOINING: u64 = 300;

/// Milliseconds between two looks whether the access point is in reach.
const LOOK: u64 = 20;

/// The air, with the access point in the argument `ap=NAME:PASSWORD`.
pub(crate) struct Air(&'static Arguments);

impl Air {
    pub(crate) const fn new(arguments: &'static Arguments) -> Self {
        Self(arguments)
    }

    fn access_point(&self) -> Option<(&str, &str)> {
        self.0.line.trim_end().strip_prefix("ap=")?.split_once(':')
    }

    fn is_in_reach() -> bool {
        let Ok(high) = { SIGNAL }.is_high();
        high
    }
}

impl Radio for Air {
    async fn join(&mut self, ssid: &str, password: &str) -> Result<(), NetworkDown> {
        Timer::after_millis(JOINING).await;
        match self.access_point() {
            Some((name, _)) if name != ssid => return Err(NetworkDown::NotFound),
            Some((_, right)) if right != password => return Err(NetworkDown::WrongPassword),
            Some(_) if Self::is_in_reach() => {}
            _ => return Err(NetworkDown::NotFound),
        }
        net::set_joined(true);
        Ok(())
    }

    async fn lost(&mut self) -> NetworkDown {
        while Self::is_in_reach() {
            Timer::after_millis(LOOK).await;
        }
        net::set_joined(false);
        NetworkDown::SignalLost
    }
}
