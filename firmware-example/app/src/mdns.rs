//! Finds a server by its name in `.local`, by one-shot multicast DNS queries (RFC 6762, 5.1).
//!
//! A query leaves from a port of its own and has an ID of its own, so responders reply to the gadget alone (6.7). The
//! gadget itself has no name in `.local`.

use comfyglow_setup::limits::SERVER_BYTES;
use embassy_net::{
    IpAddress, IpCidr, IpEndpoint, Ipv4Address, Ipv4Cidr, Stack,
    udp::{PacketMetadata, UdpSocket},
};
use embassy_time::{Duration, Instant, with_timeout};
use heapless::Vec;
use smoltcp::wire::{DnsFlags, DnsOpcode, DnsPacket, DnsQuestion, DnsRcode, DnsRecord, DnsRecordData};

use crate::gadget::Gadget;

/// Where responders listen.
const GROUP: IpAddress = IpAddress::v4(224, 0, 0, 251);
const PORT: u16 = 5353;

/// How long each query waits for its response (RFC 6762, 5.2: after a second, and then twice as long).
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(2)];

/// A query takes no more bytes: a header, the name as labels, its type and its class.
const QUERY_BYTES: usize = 12 + SERVER_BYTES + 4;

/// Room for responses that wait to be read; what doesn't fit is lost. A responder's address takes about 100 bytes.
const RESPONSE_BYTES: usize = 512;

/// A query for the IPv4 address of a name.
#[derive(Clone, Copy, Debug)]
struct Query<'a> {
    id: u16,
    /// Labels, separated by dots.
    name: &'a str,
}

/// `host` without a dot at its end, if it is a name in `.local`.
pub(crate) fn local_name(host: &str) -> Option<&str> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let (_, last) = name.rsplit_once('.')?;
    last.eq_ignore_ascii_case("local").then_some(name)
}

impl Gadget {
    /// The address of the host that answers to `name`. `None` if no host does within 5 seconds.
    pub(crate) async fn find_local(&self, stack: Stack<'_>, name: &str) -> Option<IpAddress> {
        let (mut received, mut sent) = ([0; RESPONSE_BYTES], [0; QUERY_BYTES]);
        let mut packets = ([PacketMetadata::EMPTY; 4], [PacketMetadata::EMPTY]);
        let mut socket = UdpSocket::new(stack, &mut packets.0, &mut received, &mut packets.1, &mut sent);
        // Any free port.
        socket.bind(0).ok()?;
        let [.., high, low] = (self.start.seed ^ Instant::now().as_ticks()).to_be_bytes();
        let query = Query { id: u16::from_be_bytes([high, low]), name };
        let bytes = query.bytes()?;
        for wait in WAITS {
            let link = stack.config_v4()?.address;
            let address = async {
                socket.send_to(&bytes, IpEndpoint::new(GROUP, PORT)).await.ok()?;
                loop {
                    let read = socket.recv_from_with(|packet, from| query.address(packet, from.endpoint, link));
                    if let Some(address) = read.await {
                        return Some(address.into());
                    }
                }
            };
            if let Ok(address) = with_timeout(wait, address).await {
                return address;
            }
        }
        None
    }
}

impl Query<'_> {
    /// The query as a packet. `None` if the name can't be one in DNS.
    fn bytes(self) -> Option<Vec<u8, QUERY_BYTES>> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.id.to_be_bytes()).ok()?;
        // One question, and nothing else.
        bytes.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
        for label in self.name.split('.') {
            let len = u8::try_from(label.len()).ok().filter(|len| matches!(len, 1..=63))?;
            bytes.push(len).ok()?;
            bytes.extend_from_slice(label.as_bytes()).ok()?;
        }
        // The name's end, type A and class IN.
        bytes.extend_from_slice(&[0, 0, 1, 0, 1]).ok()?;
        Some(bytes)
    }

    /// The address in `packet`. `None` unless a responder on `link` sent it in response to this query: from port 5353
    /// (RFC 6762, 6) and from an address on the link (11).
    fn address(self, packet: &[u8], from: IpEndpoint, link: Ipv4Cidr) -> Option<Ipv4Address> {
        if from.port != PORT || !IpCidr::Ipv4(link).contains_addr(&from.addr) {
            return None;
        }
        let packet = DnsPacket::new_checked(packet).ok()?;
        let is_response = packet.flags().contains(DnsFlags::RESPONSE)
            && packet.opcode() == DnsOpcode::Query
            && packet.rcode() == DnsRcode::NoError;
        if !is_response || packet.transaction_id() != self.id {
            return None;
        }
        let mut rest = packet.payload();
        for _ in 0..packet.question_count() {
            (rest, _) = DnsQuestion::parse(rest).ok()?;
        }
        for _ in 0..packet.answer_record_count() {
            let (behind, record) = DnsRecord::parse(rest).ok()?;
            if let DnsRecordData::A(address) = record.data
                && self.is_named(packet.parse_name(record.name).map(Result::ok))
            {
                return Some(address);
            }
            rest = behind;
        }
        None
    }

    /// Whether these are the labels of the name; `None` is one that can't be read.
    fn is_named<'b>(self, labels: impl Iterator<Item = Option<&'b [u8]>>) -> bool {
        let mut own = self.name.split('.').map(str::as_bytes);
        let mut labels = labels;
        let is_own =
            |label: Option<&[u8]>| own.next().zip(label).is_some_and(|(own, label)| own.eq_ignore_ascii_case(label));
        labels.all(is_own) && own.next().is_none()
    }
}

#[cfg(test)]
mod tests;
