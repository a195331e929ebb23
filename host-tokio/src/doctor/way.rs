//! The way to the server: its address, the name, a connection, TLS.

use std::{io, net::SocketAddr, time::Duration};

use comfyglow_core::state::{Fault, FaultKind};
use tokio::time::Instant;

use super::{
    Visit,
    finding::{Report, Step},
};
use crate::{
    address::{Address, AddressError},
    client::stream::{Dialer, is_untrusted},
};

/// How many of a name's addresses are told.
const TOLD: usize = 4;

/// Reads the address.
pub(super) fn address(url: &str, report: &mut Report<'_>) -> Option<Address> {
    let address: Address = match url.parse() {
        Ok(address) => address,
        Err(error) => {
            let error = AddressError::to_string(&error);
            let (message, advice) = error.split_once(". ").unwrap_or((&error, "Write it as http://host:8188."));
            report.wrong(Step::Address, message, advice);
            return None;
        }
    };
    let (host, _) = address.endpoint();
    if matches!(host.as_str(), "0.0.0.0" | "::") {
        let advice = "Write http://127.0.0.1:8188 on the server's own machine, elsewhere its name or number.";
        report.better(Step::Address, format!("{host} is how a server says that it listens everywhere"), advice);
    } else {
        report.ok(Step::Address, address.to_string());
    }
    Some(address)
}

/// Goes the way up to the server's door; whether it is open.
pub(super) async fn reach(visit: &Visit, report: &mut Report<'_>) -> bool {
    let Some(addresses) = look_up(visit, report).await else { return false };
    let began = Instant::now();
    let (host, port) = visit.address.endpoint();
    let stream = match visit.in_time(Dialer::reach(addresses.clone())).await {
        Some(Ok(stream)) => stream,
        failed => {
            let failed = failed.and_then(Result::err);
            let (message, advice) = unreached(failed, &host, port, &addresses, visit.patience);
            report.wrong(Step::Tcp, message, advice);
            return false;
        }
    };
    let peer = stream.peer_addr().map_or_else(|_| host.clone(), |peer| peer.to_string());
    report.ok(Step::Tcp, format!("{peer} takes connections, after {}", millis(began.elapsed())));
    if !visit.address.is_tls() {
        report.skip(Step::Tls, "the address begins with http");
        return true;
    }
    match visit.in_time(visit.dialer.clone().secure(stream)).await {
        Some(Ok(_)) => {
            report.ok(Step::Tls, format!("the certificate is for {host}, and trusted"));
            true
        }
        Some(Err(error)) if is_untrusted(&error) => {
            let (message, advice) = match error.to_string() {
                words if is_plain(&error) => (words, "Write http:// instead of https://."),
                words => {
                    (format!("the certificate is not trusted: {words}"), Fault::new(FaultKind::Untrusted).advice())
                }
            };
            report.is_final = true;
            report.wrong(Step::Tls, message, advice);
            false
        }
        Some(Err(error)) => {
            let advice = "Does the server speak TLS at this port? If it doesn't, write http:// instead of https://.";
            report.wrong(Step::Tls, format!("TLS fails: {error}"), advice);
            false
        }
        None => {
            let advice = "Does the server speak TLS at this port? If it doesn't, write http:// instead of https://.";
            report.wrong(Step::Tls, format!("no answer to TLS in {}", millis(visit.patience)), advice);
            false
        }
    }
}

async fn look_up(visit: &Visit, report: &mut Report<'_>) -> Option<Vec<SocketAddr>> {
    let (host, _) = visit.address.endpoint();
    let found = visit.in_time(visit.dialer.addresses()).await;
    let failure = match found {
        Some(Ok(addresses)) if !addresses.is_empty() => {
            if host.parse::<std::net::IpAddr>().is_ok() {
                report.ok(Step::Name, format!("{host} is a number, there is nothing to look up"));
            } else {
                let mut told: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
                told.dedup();
                told.truncate(TOLD);
                report.ok(Step::Name, format!("{host} is {}", told.join(", ")));
            }
            return Some(addresses);
        }
        Some(Ok(_)) => "it has no address".to_owned(),
        Some(Err(error)) => error.to_string(),
        None => format!("no answer in {}", millis(visit.patience)),
    };
    let advice = if host.rsplit_once('.').is_some_and(|(_, top)| !top.eq_ignore_ascii_case("local")) {
        "Check its spelling, and that this machine is on the network or VPN that knows the name."
    } else {
        "Check its spelling, or write the machine's number, such as 192.168.1.20: not every network knows such names."
    };
    report.wrong(Step::Name, format!("the name {host} can't be looked up: {failure}"), advice);
    None
}

/// Why nobody answered, and what to do; `None`: it took too long.
fn unreached(
    error: Option<io::Error>,
    host: &str,
    port: u16,
    addresses: &[SocketAddr],
    patience: Duration,
) -> (String, String) {
    let is_here = addresses.iter().all(|address| address.ip().is_loopback());
    match error {
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused && is_here => (
            format!("nobody listens at port {port} of this machine"),
            "Start ComfyUI, or write the port that it tells at its start (8188 by default, 8000 for the desktop app)."
                .to_owned(),
        ),
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
            format!("{host} is there, but refuses connections at port {port}"),
            format!(
                "Is ComfyUI running there, at port {port}? It must be started with --listen to be reached from elsewhere."
            ),
        ),
        Some(error) if matches!(error.kind(), io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => (
            format!("the network knows no way to {host}: {error}"),
            "Check this machine's network, Wi-Fi or VPN, and that the server is on and in the same network.".to_owned(),
        ),
        Some(error) if error.kind() != io::ErrorKind::TimedOut => {
            (format!("{host} can't be connected to: {error}"), Fault::new(FaultKind::Unreachable).advice().to_owned())
        }
        _ => (
            format!("{host} doesn't answer at port {port}, not in {}", millis(patience)),
            format!(
                "Is the machine on, and is this its address? If so, a firewall drops what comes: let port {port} in there."
            ),
        ),
    }
}

/// Whether what `error` tells of speaks no TLS.
fn is_plain(error: &io::Error) -> bool {
    error.to_string().contains("speaks no TLS")
}

/// Whether TLS is spoken where the address says that it isn't.
pub(super) async fn speaks_tls(visit: &Visit) -> bool {
    let (host, port) = visit.address.endpoint();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let dialer =
        format!("https://{host}:{port}").parse::<Address>().ok().and_then(|address| Dialer::new(&address).ok());
    let Some(dialer) = dialer else { return false };
    match visit.in_time(dialer.dial()).await {
        Some(Ok(_)) => true,
        Some(Err(error)) => is_untrusted(&error) && !is_plain(&error),
        None => false,
    }
}

/// A span of time that is short.
pub(super) fn millis(span: Duration) -> String {
    match span.as_micros() {
        0..100 => "less than 0.1 ms".to_owned(),
        100..10_000 => format!("{}.{} ms", span.as_millis(), span.as_micros() / 100 % 10),
        10_000..1_000_000 => format!("{} ms", span.as_millis()),
        _ if span.subsec_millis() < 100 => format!("{} s", span.as_secs()),
        _ => format!("{}.{} s", span.as_secs(), span.subsec_millis() / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_not_to_be_reached_has_its_remedy() {
        let (here, there) = (SocketAddr::from(([127, 0, 0, 1], 8188)), SocketAddr::from(([192, 168, 1, 20], 8188)));
        for (error, address, message, advice) in [
            (Some(io::ErrorKind::ConnectionRefused), here, "nobody listens at port 8188", "Start ComfyUI"),
            (Some(io::ErrorKind::ConnectionRefused), there, "desk is there, but refuses", "--listen"),
            (Some(io::ErrorKind::HostUnreachable), there, "knows no way to desk", "VPN"),
            (Some(io::ErrorKind::NetworkUnreachable), there, "knows no way to desk", "Wi-Fi"),
            (Some(io::ErrorKind::TimedOut), there, "desk doesn't answer at port 8188, not in 10 s", "firewall"),
            (None, there, "desk doesn't answer at port 8188, not in 10 s", "let port 8188 in"),
            (Some(io::ErrorKind::PermissionDenied), there, "desk can't be connected to", "address and port"),
        ] {
            let (told, remedy) = unreached(error.map(Into::into), "desk", 8188, &[address], Duration::from_secs(10));
            assert!(told.contains(message) && remedy.contains(advice), "{error:?}: {told}. {remedy}");
        }
    }

    #[test]
    fn short_spans() {
        for (micros, told) in [
            (99, "less than 0.1 ms"),
            (100, "0.1 ms"),
            (9_999, "9.9 ms"),
            (10_000, "10 ms"),
            (999_999, "999 ms"),
            (2_000_000, "2 s"),
            (2_500_000, "2.5 s"),
        ] {
            assert_eq!(millis(Duration::from_micros(micros)), told);
        }
    }
}
