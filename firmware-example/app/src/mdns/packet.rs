//! What is heard and said of a name, byte by byte (RFC 1035, 4.1; RFC 6762, 18).

use embassy_net::Ipv4Address;

/// Types of records, and that anything is asked for.
const A: u16 = 1;
const NSEC: u16 = 47;
const ANY: u16 = 255;

/// The Internet's class; with the bit before it what was known of the name is void, or, of a question, the answer may be for who
/// asked alone.
const INTERNET: u16 = 1;
const FLUSH: u16 = 0x8000;

/// That a packet is an answer, and its sender's own word.
const ANSWER: u16 = 0x8400;

/// Seconds that an answer holds; less for who asks as DNS does (RFC 6762, 6.7).
const HOLDS: u32 = 120;
const HOLDS_ALONE: u32 = 10;

/// Bytes before a packet's first question.
const HEADER: u16 = 12;

/// Pointers that are followed within a name: it has no more labels in any packet of good faith.
const JUMPS: usize = 8;

/// A host that has a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host<'a> {
    /// The name, before `.local`.
    pub(super) name: &'a str,
    /// Which of those who want that name it is: the second is `name-2`.
    pub(super) number: u8,
    pub(super) address: Ipv4Address,
}

/// What a packet says of a host's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    /// Somebody asks for it.
    Asked(Reply),
    /// Somebody else wants it, with this address.
    Wanted(Ipv4Address),
    /// Somebody else has it.
    Taken,
}

/// How a question is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The question's id and type, where it is to be repeated.
    alone: Option<(u16, u16)>,
    /// An address is asked for: else it is told that there is nothing else.
    address: bool,
}

impl Host<'_> {
    /// What `packet` says of the name; `is_alone` where the sender wants to be answered as DNS does.
    pub(super) fn hear(&self, packet: &[u8], is_alone: bool) -> Heard {
        self.read(packet, is_alone).unwrap_or(Heard::Nothing)
    }

    fn read(&self, packet: &[u8], is_alone: bool) -> Option<Heard> {
        let [id, flags, questions, answers, authorities, _] = words(packet)?;
        let is_answer = flags & 0x8000 != 0;
        let mut at = usize::from(HEADER);
        let mut heard = Heard::Nothing;
        for _ in 0..questions {
            let (is_ours, behind) = self.is_at(packet, at)?;
            let [kind, class] = words(packet.get(behind..)?)?;
            at = behind.checked_add(4)?;
            if is_ours && class & !FLUSH == INTERNET && !is_answer {
                heard = Heard::Asked(Reply { alone: is_alone.then_some((id, kind)), address: matches!(kind, A | ANY) });
            }
        }
        for number in 0..answers.saturating_add(authorities) {
            let (is_ours, behind) = self.is_at(packet, at)?;
            let [kind, class, _, _, len] = words(packet.get(behind..)?)?;
            let data = behind.checked_add(10)?;
            at = data.checked_add(len.into())?;
            let data = packet.get(data..at)?;
            if !is_ours || kind != A || class & !FLUSH != INTERNET {
                continue;
            }
            let other = Ipv4Address::from(<[u8; 4]>::try_from(data).ok()?);
            match is_answer {
                // Our own words come back to us where there is a repeater.
                _ if other == self.address => {}
                true => return Some(Heard::Taken),
                // Who wants a name asks for it, and adds what it would say of it.
                false if number >= answers => return Some(Heard::Wanted(other)),
                // Who asks knows an answer already; not ours.
                false => {}
            }
        }
        Some(heard)
    }

    /// Whether the name at `at` is the host's, and what is behind it.
    fn is_at(&self, packet: &[u8], at: usize) -> Option<(bool, usize)> {
        let mut own = [0; NAME];
        let own = self.labels(&mut own)?;
        let (mut at, mut behind, mut place, mut is_ours) = (at, None, 0_usize, true);
        let mut jumps = 0;
        loop {
            let len = usize::from(*packet.get(at)?);
            if len & 0xc0 == 0xc0 {
                let low = usize::from(*packet.get(at.checked_add(1)?)?);
                behind = behind.or(at.checked_add(2));
                jumps += 1;
                if jumps > JUMPS {
                    return None;
                }
                at = (len & 0x3f) << 8 | low;
                continue;
            }
            let end = at.checked_add(1)?.checked_add(len)?;
            let label = packet.get(at..end)?;
            let next = place.checked_add(label.len())?;
            is_ours &= own.get(place..next).is_some_and(|own| own.eq_ignore_ascii_case(label));
            (at, place) = (end, next);
            if len == 0 {
                return Some((is_ours && place == own.len(), behind.unwrap_or(at)));
            }
        }
    }

    /// The name as labels, the root's at its end.
    fn labels<'b>(&self, room: &'b mut [u8; NAME]) -> Option<&'b [u8]> {
        let mut writer = Writer { bytes: room, len: 0 };
        let tens = self.number / 10;
        let digits = [b'-', b'0'.wrapping_add(tens), b'0'.wrapping_add(self.number % 10)];
        let digits: &[&[u8]] = match self.number {
            0 | 1 => &[],
            2..=9 => &[&digits[..1], &digits[2..]],
            _ => &[&digits],
        };
        let more: usize = digits.iter().map(|digits| digits.len()).sum();
        writer.put(&[u8::try_from(self.name.len().checked_add(more)?).ok()?])?;
        writer.put(self.name.as_bytes())?;
        digits.iter().try_for_each(|digits| writer.put(digits))?;
        writer.put(b"\x05local\0")?;
        let len = writer.len;
        room.get(..len)
    }

    /// Asks whether somebody has the name, and says that it is wanted.
    pub(super) fn probe<'b>(&self, out: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut writer = Writer { bytes: out, len: 0 };
        writer.words(&[0, 0, 1, 0, 1, 0])?;
        self.put_name(&mut writer)?;
        writer.words(&[ANY, FLUSH | INTERNET])?;
        self.put_address(&mut writer, INTERNET, HOLDS)?;
        writer.finish()
    }

    /// Tells everybody whose the name is.
    pub(super) fn announcement<'b>(&self, out: &'b mut [u8]) -> Option<&'b [u8]> {
        self.answer(Reply { alone: None, address: true }, out)
    }

    /// Answers a question.
    pub(super) fn answer<'b>(&self, reply: Reply, out: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut writer = Writer { bytes: out, len: 0 };
        let (class, holds) = if let Some((id, kind)) = reply.alone {
            writer.words(&[id, ANSWER, 1, 1, 0, 1])?;
            self.put_name(&mut writer)?;
            writer.words(&[kind, INTERNET])?;
            (INTERNET, HOLDS_ALONE)
        } else {
            writer.words(&[0, ANSWER, 0, 1, 0, 1])?;
            (FLUSH | INTERNET, HOLDS)
        };
        // What there is, and that there is nothing else: the one that is asked for first, the other beside it.
        if reply.address {
            self.put_address(&mut writer, class, holds)?;
            self.put_nothing_else(&mut writer, class, holds)?;
        } else {
            self.put_nothing_else(&mut writer, class, holds)?;
            self.put_address(&mut writer, class, holds)?;
        }
        writer.finish()
    }

    fn put_address(&self, writer: &mut Writer<'_>, class: u16, holds: u32) -> Option<()> {
        self.put_name(writer)?;
        writer.words(&[A, class])?;
        writer.put(&holds.to_be_bytes())?;
        writer.words(&[4])?;
        writer.put(&self.address.octets())
    }

    /// That of all types there is an address only (RFC 6762, 6.1).
    fn put_nothing_else(&self, writer: &mut Writer<'_>, class: u16, holds: u32) -> Option<()> {
        self.put_name(writer)?;
        writer.words(&[NSEC, class])?;
        writer.put(&holds.to_be_bytes())?;
        // The name itself, which is at the beginning, and a map of types whose second bit is set.
        writer.words(&[5, POINTER])?;
        writer.put(&[0, 1, 0x40])
    }

    /// The name; where it was written before, a pointer to that.
    fn put_name(&self, writer: &mut Writer<'_>) -> Option<()> {
        if writer.len > usize::from(HEADER) {
            return writer.words(&[POINTER]);
        }
        writer.put(self.labels(&mut [0; NAME])?)
    }
}

/// The most bytes of a name as labels: a label of 36 bytes, `local`, and the root's.
const NAME: usize = 48;

/// The first name of a packet.
const POINTER: u16 = 0xc000 | HEADER;

/// The first words of `bytes`.
fn words<const N: usize>(bytes: &[u8]) -> Option<[u16; N]> {
    let mut words = [0; N];
    let mut pairs = bytes.chunks_exact(2);
    for word in &mut words {
        *word = u16::from_be_bytes(pairs.next()?.try_into().ok()?);
    }
    Some(words)
}

/// A packet that is being written.
struct Writer<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Adds `more`; `None` where there is no room.
    fn put(&mut self, more: &[u8]) -> Option<()> {
        let end = self.len.checked_add(more.len())?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(more);
        self.len = end;
        Some(())
    }

    fn words(&mut self, words: &[u16]) -> Option<()> {
        words.iter().try_for_each(|word| self.put(&word.to_be_bytes()))
    }

    fn finish(self) -> Option<&'a [u8]> {
        self.bytes.get(..self.len)
    }
}

#[cfg(test)]
mod tests;
