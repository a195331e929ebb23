//! What several servers are called: as much of their addresses as tells them apart.

use std::{collections::BTreeSet, net::IpAddr};

use comfyglow::address::Address;

/// A short name for each of `addresses`, no two the same where the addresses differ.
pub(super) fn names(addresses: &[Address]) -> Vec<String> {
    let hosts: Vec<String> = addresses.iter().map(|address| address.endpoint().0).collect();
    let same = common_domain(&hosts);
    let short = |address: &Address| {
        let (host, _) = address.endpoint();
        host.strip_suffix(same).unwrap_or(&host).to_owned()
    };
    let port = |address: &Address| format!(":{}", address.endpoint().1);
    let is_one_host = hosts.iter().collect::<BTreeSet<_>>().len() == 1;
    let ways: [&dyn Fn(&Address) -> String; 4] = [
        &|address| if is_one_host { port(address) } else { short(address) },
        &|address| match short(address) {
            host if host.contains(':') => format!("[{host}]{}", port(address)),
            host => host + &port(address),
        },
        &bare,
        &ToString::to_string,
    ];
    ways.iter()
        .map(|way| addresses.iter().map(way).collect::<Vec<_>>())
        .find(|names| names.iter().collect::<BTreeSet<_>>().len() == names.len())
        .unwrap_or_else(|| addresses.iter().map(ToString::to_string).collect())
}

/// An address as it is shown, without what speaks for itself.
pub(super) fn label(address: &Address) -> String {
    address.to_string().replacen("http://", "", 1)
}

fn bare(address: &Address) -> String {
    let shown = address.to_string();
    shown.split_once("://").map_or(shown.as_str(), |(_, rest)| rest).to_owned()
}

/// What all `hosts` end with, from a point on; nothing where one is a number, or nothing else.
fn common_domain(hosts: &[String]) -> &str {
    let is_number = |host: &String| host.parse::<IpAddr>().is_ok();
    let Some((first, others)) = hosts.split_first() else { return "" };
    if hosts.iter().any(is_number) {
        return "";
    }
    let mut points = first.match_indices('.').map(|(at, _)| first.get(at..).unwrap_or_default());
    points.find(|end| others.iter().all(|host| host.ends_with(end) && host.len() > end.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_named(addresses: &[&str], expected: &[&str]) {
        let addresses: Vec<Address> = addresses.iter().map(|text| text.parse().expect("it is one")).collect();
        assert_eq!(names(&addresses), expected);
    }

    #[test]
    fn what_tells_servers_apart_is_their_name() {
        assert_named(&["localhost:8188", "localhost:8189"], &[":8188", ":8189"]);
        assert_named(&["gpu1.lab.local", "gpu2.lab.local"], &["gpu1", "gpu2"]);
        assert_named(&["gpu.lab.local", "gpu.home.local"], &["gpu.lab", "gpu.home"]);
        assert_named(&["desk", "nas.local:9000"], &["desk", "nas.local"]);
        assert_named(&["192.168.1.20", "192.168.2.20"], &["192.168.1.20", "192.168.2.20"]);
        assert_named(&["a.lab:1", "a.lab:2", "b.lab:1"], &["a:1", "a:2", "b:1"]);
        assert_named(&["[::1]:1", "[::1]:2", "[::2]:1"], &["[::1]:1", "[::1]:2", "[::2]:1"]);
    }

    #[test]
    fn paths_and_schemes_count_where_nothing_else_differs() {
        assert_named(&["http://hub/a", "http://hub/b"], &["hub/a", "hub/b"]);
        assert_named(&["http://hub:1", "https://hub:1"], &["http://hub:1", "https://hub:1"]);
    }

    #[test]
    fn no_name_shows_a_login() {
        assert_named(&["http://ann:secret@hub:1/?token=secret", "http://hub:2"], &[":1", ":2"]);
    }
}
