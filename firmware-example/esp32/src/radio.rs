//! The chip's Wi-Fi, as a station.

use comfyglow_app::{Radio, core::state::NetworkDown};
use embassy_time::{Duration, with_timeout};
use esp_radio::wifi::{
    AuthenticationMethodConfig as Method, Config, ConnectionError, DisconnectReason as Reason, WifiController,
    WifiError, sta::StationConfig,
};

/// How long joining may take: looking through all channels takes 3 s, a busy access point some more.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a refused attempt may take to be over.
const GOODBYE: Duration = Duration::from_secs(2);

/// The radio.
pub(crate) struct Station(pub(crate) WifiController<'static>);

impl Radio for Station {
    async fn join(&mut self, ssid: &str, password: &str) -> Result<(), NetworkDown> {
        let Self(controller) = self;
        let config = config(ssid, password).and_then(|config| controller.set_config(&config));
        config.map_err(|error| refused(ConnectionError::WifiError(error)))?;
        if let Ok(joined) = with_timeout(PATIENCE, controller.connect_async()).await {
            return joined.map(|_| ()).map_err(refused);
        }
        _ = with_timeout(GOODBYE, controller.disconnect_async()).await;
        Err(NetworkDown::NotFound)
    }

    async fn lost(&mut self) -> NetworkDown {
        if let Ok(end) = self.0.wait_for_disconnect_async().await {
            defmt::info!("radio: {}", defmt::Debug2Format(&end.reason));
        }
        NetworkDown::SignalLost
    }
}

fn config(ssid: &str, password: &str) -> Result<Config, WifiError> {
    let method = if password.is_empty() { Method::Open } else { Method::WpaWpa2Personal(password.try_into()?) };
    Ok(Config::Station(StationConfig::default().with_ssid(ssid.try_into()?).with_authentication(method)))
}

/// Why the network can't be joined, in the words of 802.11 and of Espressif's driver.
fn refused(error: ConnectionError) -> NetworkDown {
    defmt::info!("radio: {}", defmt::Debug2Format(&error));
    let ConnectionError::Failed(end) = error else { return NetworkDown::Refused };
    match end.reason {
        // An access point doesn't say so: it leaves the handshake that the password is for.
        Reason::FourWayHandshakeTimeout
        | Reason::HandshakeTimeout
        | Reason::MicFailure
        | Reason::IeIn4wayDiffers
        | Reason::AuthenticationFailed => NetworkDown::WrongPassword,
        Reason::NoAccessPointFound | Reason::NoAccessPointFoundInRssiThreshold => NetworkDown::NotFound,
        Reason::BeaconTimeout => NetworkDown::SignalLost,
        _ => NetworkDown::Refused,
    }
}
