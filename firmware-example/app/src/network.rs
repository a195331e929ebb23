//! The network: an address by DHCP, and whether it is there.

use embassy_net::{Config, DhcpConfig, Stack, StackResources, driver::Driver};
use embassy_time::Timer;

use crate::gadget::{Gadget, Network};

/// Sockets that are open at once: two links, DHCP, DNS.
const SOCKETS: usize = 4;

/// The network's memory.
pub type Resources = StackResources<SOCKETS>;

/// What carries bytes over `driver`. The runner is to be run as a task: `runner.run()`.
pub fn network<D: Driver>(
    driver: D,
    resources: &'static mut Resources,
    seed: u64,
) -> (Stack<'static>, embassy_net::Runner<'static, D>) {
    embassy_net::new(driver, Config::dhcpv4(DhcpConfig::default()), resources, seed)
}

impl Gadget {
    /// Watches the network come and go. To be run as a task.
    pub async fn watch_network(&self, stack: Stack<'_>) -> ! {
        self.network.set(Network::Joining);
        loop {
            stack.wait_config_up().await;
            self.network.set(Network::Up);
            crate::log::info!("network: up");
            self.connectable.signal(());
            stack.wait_config_down().await;
            self.network.set(Network::Lost);
            crate::log::warning!("network: lost");
            // An address that is lost is not found again in the same millisecond.
            Timer::after_millis(10).await;
        }
    }
}
