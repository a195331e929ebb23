//! Servers that a board may be meant to show.

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    time::Duration,
};

use comfyglow_core::state::{Fault, FaultKind, NetworkDown};

use crate::{client::Http, learned};

/// The ports of ComfyUI and of its desktop app.
const PORTS: [u16; 2] = [8188, 8000];

/// How long a server on this machine may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// A server that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The server, as a board takes it: `192.168.1.20:8188`.
    pub server: String,
    /// Why it is offered.
    pub why: &'static str,
}

/// Servers that may be meant, the likeliest first: those that answer on this machine, and the one that was watched last.
pub async fn offers() -> Vec<Offer> {
    let mut offers = Vec::new();
    if let Some(own) = own_address() {
        for port in PORTS {
            if answers(&format!("127.0.0.1:{port}")).await {
                offers.push(Offer { server: format!("{own}:{port}"), why: "the ComfyUI on this machine" });
            }
        }
    }
    if let Some((host, port)) = learned::last_server().filter(|(host, _)| !is_local(host)) {
        offers.push(Offer { server: format!("{host}:{port}"), why: "watched last" });
    }
    offers
}

/// Whether ComfyUI answers at `server`, written `host:port`.
pub async fn answers(server: &str) -> bool {
    let Ok(address) = format!("http://{server}").parse() else { return false };
    let answer = Http::new(address, &[], ANSWER).get("/system_stats").await;
    answer.is_ok_and(|answer| {
        serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok_and(|stats| stats["system"].is_object())
    })
}

/// This machine's address in its network.
pub fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Nothing is sent: this only asks which way it would go. The address is one of those that are for documentation.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// Whether a host is the very machine that asks for it: for a board that is the board.
pub fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

/// What to do about a board's trouble, which is told in the words of the core's faults; a general advice about another one.
pub fn advice(trouble: &str) -> &'static str {
    let absences = [
        NetworkDown::WrongPassword,
        NetworkDown::NotFound,
        NetworkDown::Refused,
        NetworkDown::SignalLost,
        NetworkDown::NoAddress,
        NetworkDown::NoLink,
    ];
    let faults = [
        FaultKind::NameUnknown,
        FaultKind::Unreachable,
        FaultKind::TimedOut,
        FaultKind::Closed,
        FaultKind::ClosedWith(1001),
        FaultKind::Silent,
        FaultKind::Broken,
        FaultKind::Refused(401),
        FaultKind::Refused(403),
        FaultKind::Refused(404),
        FaultKind::Refused(429),
        FaultKind::Refused(502),
        FaultKind::Refused(300),
        FaultKind::NotComfyUi,
        FaultKind::Protocol,
    ];
    let kinds = absences.into_iter().map(FaultKind::Offline).chain(faults);
    let found = kinds.map(Fault::new).find(|fault| trouble.contains(fault.message()));
    found.map_or("Look at what the board says: comfyglow serial.", Fault::advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_s_trouble_has_a_remedy() {
        assert_eq!(advice("the Wi-Fi password is wrong"), "Set the password again.");
        assert!(advice("no answer at this address").contains("--listen"));
        assert!(advice("the moon is full").contains("comfyglow serial"));
    }

    #[test]
    fn this_machine_s_own_names_are_none_for_a_board() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "0.0.0.0"] {
            assert!(is_local(host), "{host}");
        }
        assert!(!is_local("desk") && !is_local("192.168.1.2"));
    }

    #[tokio::test]
    async fn comfyui_is_told_from_nobody() {
        let simulator = crate::simulator::Simulator::builder().start().await.expect("it starts");
        let url = simulator.url();
        assert!(answers(url.trim_start_matches("http://").trim_end_matches('/')).await);
        simulator.shutdown().await;
        assert!(!answers("127.0.0.1:1").await && !answers("no server").await);
    }
}
