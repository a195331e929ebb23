//! A local network in memory, at the other end of a [`Cable`]: a router that gives addresses and knows names, hosts that
//! answer to their names by mDNS, and a server. It reads no clock.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
};

use comfyglow_tests::server::Server;
use smoltcp::{
    iface::{Config, Interface, SocketHandle, SocketSet},
    socket::udp,
    time::Instant,
    wire::{DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, HardwareAddress, IpCidr, IpEndpoint, Ipv4Cidr},
};

use crate::{
    cable::Cable,
    names::{self, Asked},
    visitors::Visitors,
};

/// The router: it gives addresses and knows names.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// Where the server is at the beginning.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 20);

/// A host on another link.
const FOREIGN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// Whom mDNS asks (RFC 6762).
const EVERYBODY: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// The ports of DHCP's server and client, of DNS, and of mDNS.
const DHCP: (u16, u16) = (67, 68);
const DNS: u16 = 53;
const MDNS: u16 = 5353;

/// What answers at the server's port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaks {
    /// ComfyUI.
    #[default]
    ComfyUi,
    /// Something that is no ComfyUI, but speaks HTTP.
    Html,
    /// Nobody.
    Nothing,
}

/// Who responds to multicast DNS queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Responder {
    /// A host on the link, from mDNS's port.
    #[default]
    Host,
    /// A host on the link, from another port.
    OtherPort,
    /// A host on another link.
    OtherLink,
}

/// A local network.
pub struct Lan {
    cable: Cable,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    dns: SocketHandle,
    mdns: SocketHandle,
    other_port: SocketHandle,
    visitors: Visitors,
    /// The address that DHCP gives; it is silent where there is none.
    pub gives: Option<Ipv4Addr>,
    /// What DNS knows; of what isn't there it says so.
    pub names: BTreeMap<String, Ipv4Addr>,
    /// Hosts that answer to their names by mDNS.
    pub hosts: BTreeMap<String, Ipv4Addr>,
    /// Who responds for those hosts.
    pub responder: Responder,
    /// What answers at the server's port.
    pub speaks: Speaks,
    /// The server.
    pub server: Server,
}

fn udp_at(sockets: &mut SocketSet<'static>, port: u16) -> SocketHandle {
    let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 16], vec![0; 8_192]);
    let mut socket = udp::Socket::new(buffer(), buffer());
    socket.bind(port).expect("the port is free");
    sockets.add(socket)
}

impl Lan {
    /// A network at the end of `cable`, whose server is known as `desk` by DNS and as `desk.local` by mDNS.
    pub fn new(mut cable: Cable) -> Self {
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1])));
        let mut interface = Interface::new(config, &mut cable, Instant::ZERO);
        interface.join_multicast_group(EVERYBODY).expect("it is the first group");
        let mut sockets = SocketSet::new(Vec::new());
        let [dhcp, dns, mdns, other_port] = [DHCP.0, DNS, MDNS, 40_000].map(|port| udp_at(&mut sockets, port));
        let mut lan = Self {
            cable,
            interface,
            dhcp,
            dns,
            mdns,
            other_port,
            visitors: Visitors::new(&mut sockets),
            sockets,
            gives: Some(Ipv4Addr::new(192, 168, 1, 50)),
            names: BTreeMap::from([("desk".to_owned(), SERVER)]),
            hosts: BTreeMap::from([("desk.local".to_owned(), SERVER)]),
            responder: Responder::Host,
            speaks: Speaks::ComfyUi,
            server: Server::default(),
        };
        lan.move_server(SERVER);
        lan
    }

    /// The server has another address from now on.
    pub fn move_server(&mut self, address: Ipv4Addr) {
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            for address in [ROUTER, address] {
                addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(address, 24))).expect("there is room for two");
            }
        });
    }

    /// All that is to be done at `micros`.
    pub fn poll(&mut self, micros: i64) {
        let now = Instant::from_micros(micros);
        self.interface.poll(now, &mut self.cable, &mut self.sockets);
        self.give_addresses();
        self.answer_names();
        self.visitors.serve(&mut self.sockets, &mut self.server, self.speaks);
        self.interface.poll(now, &mut self.cable, &mut self.sockets);
    }

    fn give_addresses(&mut self) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.dhcp);
        while let Ok((bytes, _)) = socket.recv() {
            let Some(address) = self.gives else { continue };
            let Ok(packet) = DhcpPacket::new_checked(bytes) else { continue };
            let Ok(asked) = DhcpRepr::parse(&packet) else { continue };
            let wants = asked.requested_ip.or((!asked.client_ip.is_unspecified()).then_some(asked.client_ip));
            let message_type = match asked.message_type {
                DhcpMessageType::Discover => DhcpMessageType::Offer,
                DhcpMessageType::Request if wants == Some(address) => DhcpMessageType::Ack,
                DhcpMessageType::Request => DhcpMessageType::Nak,
                _ => continue,
            };
            let given = (message_type != DhcpMessageType::Nak).then_some(address);
            let answer = DhcpRepr {
                message_type,
                secs: 0,
                client_ip: Ipv4Addr::UNSPECIFIED,
                your_ip: given.unwrap_or(Ipv4Addr::UNSPECIFIED),
                server_ip: ROUTER,
                router: Some(ROUTER),
                subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
                requested_ip: None,
                client_identifier: None,
                server_identifier: Some(ROUTER),
                parameter_request_list: None,
                dns_servers: Some([ROUTER].into_iter().collect()),
                max_size: None,
                lease_duration: Some(86_400),
                ..asked
            };
            let mut bytes = vec![0; answer.buffer_len()];
            answer.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).expect("it fits");
            let to = IpEndpoint::from(SocketAddrV4::new(Ipv4Addr::BROADCAST, DHCP.1));
            socket.send_slice(&bytes, to).expect("there is room");
        }
    }

    fn answer_names(&mut self) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.dns);
        while let Ok((bytes, from)) = socket.recv() {
            let Some(Asked { id, name, question }) = names::asked(bytes) else { continue };
            let answer = names::answer(id, &question, self.names.get(&name).copied());
            socket.send_slice(&answer, from.endpoint).expect("there is room");
        }
        let mut answers = Vec::new();
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.mdns);
        while let Ok((bytes, from)) = socket.recv() {
            let Some(Asked { id, name, question }) = names::asked(bytes) else { continue };
            // A host that doesn't have the name stays silent.
            let Some(address) = self.hosts.get(&name) else { continue };
            answers.push((names::answer(id, &question, Some(*address)), from.endpoint));
        }
        let (socket, address) = match self.responder {
            Responder::Host => (self.mdns, None),
            Responder::OtherPort => (self.other_port, None),
            Responder::OtherLink => (self.mdns, Some(FOREIGN.into())),
        };
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(socket);
        for (answer, to) in answers {
            let to = udp::UdpMetadata { local_address: address, ..to.into() };
            socket.send_slice(&answer, to).expect("there is room");
        }
    }
}
