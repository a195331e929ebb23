//! The gadget's own name in the network: `comfyglow.local`, told to whoever asks everybody for it (RFC 6762).
//!
//! It is asked for three times before it is taken; where somebody has it, it is `comfyglow-2.local`, and so on. No service is
//! offered, as there is none.

mod packet;

use embassy_futures::select::{Either3, select3};
use embassy_net::{
    IpEndpoint, Ipv4Address, Stack,
    udp::{PacketMetadata, UdpSocket},
};
use embassy_time::{Duration, Instant, Timer};

use crate::{gadget::Gadget, log::info};
use packet::{Heard, Host};

/// Where everybody is asked.
const EVERYBODY: Ipv4Address = Ipv4Address::new(224, 0, 0, 251);
const PORT: u16 = 5353;

/// The most bytes of a packet that is read. Those that ask for a name are shorter by far; of longer ones nothing is read.
const READ: usize = 768;

/// The most bytes of one that is written: a header, a question and two records, with a name of 36 bytes once or twice.
const WRITTEN: usize = 192;

/// Probes, and then announcements, and the time behind each (RFC 6762, 8.1 and 8.3).
const PROBES: u8 = 3;
const ANNOUNCEMENTS: u8 = 2;
const PROBE: Duration = Duration::from_millis(250);
const ANNOUNCEMENT: Duration = Duration::from_secs(1);

/// How far the name is ours.
#[derive(Clone, Copy, Debug)]
struct Claim {
    /// Probes and announcements that were sent.
    sent: u8,
    /// When the next one is due.
    due: Option<Instant>,
}

impl Claim {
    fn begin(after: Duration) -> Self {
        Self { sent: 0, due: Some(Instant::now() + after) }
    }

    const fn is_ours(self) -> bool {
        self.sent >= PROBES
    }

    fn count(&mut self) {
        let was_probe = self.sent < PROBES;
        self.sent = self.sent.saturating_add(1);
        let wait = if was_probe { PROBE } else { ANNOUNCEMENT };
        self.due = (self.sent < PROBES.saturating_add(ANNOUNCEMENTS)).then(|| Instant::now() + wait);
    }
}

impl Gadget {
    /// Answers whoever asks for the gadget's own name, such as `comfyglow.local`. To be run as a task.
    pub async fn answer_mdns(&self, stack: Stack<'_>) -> ! {
        let (mut received, mut sent) = ([0; READ], [0; WRITTEN]);
        let mut about = ([PacketMetadata::EMPTY; 4], [PacketMetadata::EMPTY; 2]);
        let mut socket = UdpSocket::new(stack, &mut about.0, &mut received, &mut about.1, &mut sent);
        self.addressed.wait().await;
        // Neither fails: nobody else has the port, and there is no other group.
        _ = socket.bind(PORT);
        _ = stack.join_multicast_group(EVERYBODY);
        socket.set_hop_limit(Some(255));
        let mut number = 1;
        let mut claim = Claim::begin(PROBE);
        let mut bytes = [0; READ];
        loop {
            let due = async {
                match claim.due {
                    Some(due) => Timer::at(due).await,
                    None => core::future::pending().await,
                }
            };
            let happened = select3(due, socket.recv_from(&mut bytes), self.addressed.wait()).await;
            let Some(address) = stack.config_v4().map(|config| config.address.address()) else { continue };
            let host = Host { name: self.settings.name(), number, address };
            let mut out = [0; WRITTEN];
            let (written, to) = match happened {
                Either3::First(()) => {
                    let written = if claim.is_ours() { host.announcement(&mut out) } else { host.probe(&mut out) };
                    claim.count();
                    (written, IpEndpoint::new(EVERYBODY.into(), PORT))
                }
                Either3::Second(Ok((len, from))) => {
                    let is_alone = from.endpoint.port != PORT;
                    match host.hear(bytes.get(..len).unwrap_or_default(), is_alone) {
                        Heard::Asked(reply) if claim.is_ours() => {
                            let to = if is_alone { from.endpoint } else { IpEndpoint::new(EVERYBODY.into(), PORT) };
                            (host.answer(reply, &mut out), to)
                        }
                        // Of two who want it at once, the one with the greater address has it (8.2).
                        Heard::Wanted(other) if !claim.is_ours() && other > address => {
                            claim = Claim::begin(ANNOUNCEMENT);
                            continue;
                        }
                        Heard::Wanted(_) if claim.is_ours() => {
                            (host.announcement(&mut out), IpEndpoint::new(EVERYBODY.into(), PORT))
                        }
                        Heard::Taken => {
                            number = next(number);
                            info!("name: {} is taken, trying number {}", self.settings.name(), number);
                            claim = Claim::begin(PROBE);
                            continue;
                        }
                        Heard::Asked(_) | Heard::Wanted(_) | Heard::Nothing => continue,
                    }
                }
                // Longer than is read.
                Either3::Second(Err(_)) => continue,
                Either3::Third(()) => {
                    claim = Claim::begin(PROBE);
                    continue;
                }
            };
            if let Some(written) = written {
                // What can't be sent was for a network that is gone.
                _ = socket.send_to(written, to).await;
            }
        }
    }
}

/// The next number that is tried; after the last it begins anew, as somebody may have left.
const fn next(number: u8) -> u8 {
    if number == 99 { 1 } else { number + 1 }
}
