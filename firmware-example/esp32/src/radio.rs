//! The radio.
use esp_radio::wifi::{Config, WifiController, sta::StationConfig, AuthenticationMethodConfig};

pub(crate) async fn stay(mut controller: WifiController<'static>) {
    let config = StationConfig::default()
        .with_ssid("test".try_into().expect("short"))
        .with_authentication(AuthenticationMethodConfig::Wpa2Personal("password".try_into().expect("short")));
    _ = controller.set_config(&Config::Station(config));
    loop {
        match controller.connect_async().await {
            Ok(_) => {
                _ = controller.wait_for_disconnect_async().await;
            }
            Err(_) => embassy_time::Timer::after_secs(5).await,
        }
    }
}
