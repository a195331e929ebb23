//! DNS packets, as far as a network in memory needs them (RFC 1035, 4.1).

use std::net::Ipv4Addr;

use smoltcp::wire::{DnsFlags, DnsPacket};

/// The type of a record that is an IPv4 address.
pub const A: u16 = 1;

/// A packet's first question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What the answer must have too.
    pub id: u16,
    /// The name, in lower case, its labels parted by dots.
    pub name: String,
    /// The question as it is written.
    pub question: Vec<u8>,
    /// It is a question, and no answer.
    pub is_question: bool,
}

/// What `packet` asks for first.
pub fn asked(packet: &[u8]) -> Option<Asked> {
    let parsed = DnsPacket::new_checked(packet).ok()?;
    let payload = parsed.payload();
    let mut len = 0;
    while let Some(label @ 1..) = payload.get(len) {
        len += 1 + usize::from(*label);
    }
    // Behind the name's end are the type and the class, whose first bit is mDNS' wish to be answered alone.
    let mut question = payload.get(..len + 5)?.to_vec();
    question[len + 3] &= 0x7f;
    let labels: Vec<_> = parsed.parse_name(&question).collect::<Result<_, _>>().ok()?;
    let labels: Vec<_> = labels.into_iter().map(|label| String::from_utf8_lossy(label).to_lowercase()).collect();
    let is_question = parsed.question_count() > 0 && !parsed.flags().contains(DnsFlags::RESPONSE);
    Some(Asked { id: parsed.transaction_id(), name: labels.join("."), question, is_question })
}

/// A question for a record of `name`.
pub fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut packet = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend(encoded(name));
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

/// An answer that `name` has this address, as a host tells everybody.
pub fn told(name: &str, address: Ipv4Addr) -> Vec<u8> {
    let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    packet.extend(encoded(name));
    packet.extend([0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4]);
    packet.extend(address.octets());
    packet
}

/// The answer to a question: its address, or that there is no such name.
pub fn answer(id: u16, question: &[u8], address: Option<Ipv4Addr>) -> Vec<u8> {
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

fn encoded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).expect("a label is short"));
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}
