//! DNS packets, as far as a network in memory needs them (RFC 1035, 4.1).

use std::net::Ipv4Addr;

use smoltcp::wire::{DnsFlags, DnsPacket};

/// A packet's first question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The response must repeat it.
    pub(crate) id: u16,
    /// The name, in lower case, its labels separated by dots.
    pub(crate) name: String,
    /// The question's bytes.
    pub(crate) question: Vec<u8>,
}

/// The first question of `packet`. `None` for a response.
pub(crate) fn asked(packet: &[u8]) -> Option<Asked> {
    let parsed = DnsPacket::new_checked(packet).ok()?;
    if parsed.question_count() == 0 || parsed.flags().contains(DnsFlags::RESPONSE) {
        return None;
    }
    let payload = parsed.payload();
    let mut len = 0;
    while let Some(label @ 1..) = payload.get(len) {
        len += 1 + usize::from(*label);
    }
    // The type and the class follow the name's end.
    let question = payload.get(..len + 5)?.to_vec();
    let labels: Vec<_> = parsed.parse_name(&question).collect::<Result<_, _>>().ok()?;
    let labels: Vec<_> = labels.into_iter().map(|label| String::from_utf8_lossy(label).to_lowercase()).collect();
    Some(Asked { id: parsed.transaction_id(), name: labels.join("."), question })
}

/// The answer to a question: its address, or that there is no such name.
pub(crate) fn answer(id: u16, question: &[u8], address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut packet = id.to_be_bytes().to_vec();
    packet.extend(if address.is_some() { [0x84, 0] } else { [0x81, 0x83] });
    packet.extend([0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    packet.extend(question);
    if let Some(address) = address {
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 120, 0, 4]);
        packet.extend(address.octets());
    }
    packet
}
