//! The network: an address by DHCP, and whether it is there.

use comfyglow_core::{session::Host, state::NetworkDown, wire::Input};
use embassy_futures::select::{Either, select};
use embassy_net::{Config, DhcpConfig, Stack, StackResources, driver::Driver};
use embassy_time::{Duration, with_timeout};

use crate::gadget::Gadget;

/// Sockets that are open at once: two links, DHCP and DNS, and a multicast DNS query of each link.
const SOCKETS: usize = if cfg!(feature = "mdns") { 6 } else { 4 };

/// How long a cable may take to be found plugged in.
const LINK_PATIENCE: Duration = Duration::from_secs(3);

/// How long DHCP may take before it is told that nobody answers.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(15);

/// The network's memory.
pub type Resources = StackResources<SOCKETS>;

/// The network, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Network {
    /// Nobody has looked yet.
    Starting,
    /// It isn't there.
    Absent(NetworkDown),
    /// There is a link and an address.
    Up,
}

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
        self.restored.wait().await;
        if self.is_unset() {
            core::future::pending::<()>().await;
        }
        if self.network.get() == Network::Starting {
            self.joining();
        }
        loop {
            while self.start.has_radio && !self.joined.get() {
                self.radio.wait().await;
            }
            if let Either::Second(()) = select(self.wait_for_address(stack), self.radio.wait()).await {
                continue;
            }
            crate::log::info!("network: up");
            self.network.set(Network::Up);
            self.repaint.signal(());
            self.tell(Input::Host(Host::Online));
            // Of a link that goes and comes in an instant the stack may see nothing, but the radio does.
            if let Either::First(()) = select(stack.wait_config_down(), self.radio.wait()).await {
                self.absent(match (stack.is_link_up(), self.start.has_radio) {
                    (true, _) => NetworkDown::NoAddress,
                    (false, true) => NetworkDown::SignalLost,
                    (false, false) => NetworkDown::NoLink,
                });
            }
        }
    }

    /// Waits until there is an address, and tells why there is none where that takes long.
    async fn wait_for_address(&self, stack: Stack<'_>) {
        loop {
            // A radio tells itself why there is no link.
            if !self.start.has_radio && with_timeout(LINK_PATIENCE, stack.wait_link_up()).await.is_err() {
                self.absent(NetworkDown::NoLink);
            }
            stack.wait_link_up().await;
            if self.network.get() == Network::Absent(NetworkDown::NoLink) {
                self.joining();
            }
            match select(with_timeout(ADDRESS_PATIENCE, stack.wait_config_up()), stack.wait_link_down()).await {
                Either::First(Ok(())) => return,
                Either::First(Err(_)) => self.absent(NetworkDown::NoAddress),
                Either::Second(()) => continue,
            }
            if let Either::First(()) = select(stack.wait_config_up(), stack.wait_link_down()).await {
                return;
            }
        }
    }

    /// The radio has joined a network, or lost it.
    pub(crate) fn radio_is(&self, joined: Result<(), NetworkDown>) {
        self.joined.set(joined.is_ok());
        self.absent(joined.err().unwrap_or(NetworkDown::Joining));
        self.radio.signal(());
    }

    /// The network is being joined.
    fn joining(&self) {
        self.absent(NetworkDown::Joining);
    }

    /// There is no network. What was open is gone with it.
    pub(crate) fn absent(&self, why: NetworkDown) {
        if self.network.replace(Network::Absent(why)) != Network::Absent(why) {
            crate::log::warning!("network: {}", why.message());
            self.repaint.signal(());
            self.tell(Input::Host(Host::Offline(why)));
        }
    }

    /// Nobody has set up what the gadget needs: there is nobody to ask.
    pub(crate) fn is_unset(&self) -> bool {
        self.settings.missing(self.start.has_radio).is_some()
    }
}
