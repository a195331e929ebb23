//! A way to the server: it opens, moves bytes, and ends, as the session wants.

use core::{cell::RefCell, future::pending, str::FromStr};

use comfyglow_core::{
    capacity::{Bytes, Capacity, GadgetCapacity},
    session::{End, Link},
    wire::Input,
};
use embassy_futures::select::{Either, select};
use embassy_net::{
    IpAddress, Ipv4Address, Stack,
    dns::DnsQueryType,
    tcp::{State, TcpSocket},
};
use embassy_sync::{blocking_mutex::raw::NoopRawMutex, signal::Signal};
use embassy_time::{Duration, with_timeout};
use heapless::Vec;

#[cfg(feature = "mdns")]
use crate::mdns;
use crate::{gadget::Gadget, log::warning};

/// The most bytes that the session sends at once.
const HEAD: usize = <GadgetCapacity as Capacity>::Request::LEN;

/// How long a DNS query may take. By then it has been sent three times.
const DNS_TIMEOUT: Duration = Duration::from_secs(5);

/// What the session wants of a line. A later order takes the place of one that was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Dial,
    HangUp,
}

/// What the session wants done on a link.
pub(crate) struct Line {
    order: Signal<NoopRawMutex, Order>,
    /// The session sends one thing after the other, and none is longer.
    outgoing: RefCell<Vec<u8, HEAD>>,
    sending: Signal<NoopRawMutex, ()>,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self { order: Signal::new(), outgoing: RefCell::new(Vec::new()), sending: Signal::new() }
    }

    pub(crate) fn dial(&self) {
        self.give(Order::Dial);
    }

    pub(crate) fn hang_up(&self) {
        self.give(Order::HangUp);
    }

    fn give(&self, order: Order) {
        self.outgoing.borrow_mut().clear();
        self.order.signal(order);
    }

    pub(crate) fn send(&self, bytes: &[u8]) {
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.clear();
        if outgoing.extend_from_slice(bytes).is_err() {
            warning!("{} bytes are more than a head can have", bytes.len());
        }
        self.sending.signal(());
    }

    async fn something_to_send(&self) {
        while self.outgoing.borrow().is_empty() {
            self.sending.wait().await;
        }
    }

    /// Moves what there is room for: how much that is, and whether it was all.
    fn take(&self, room: &mut [u8]) -> (usize, bool) {
        let mut outgoing = self.outgoing.borrow_mut();
        let len = outgoing.len().min(room.len());
        for (to, from) in room.iter_mut().zip(outgoing.drain(..len)) {
            *to = from;
        }
        (len, outgoing.is_empty())
    }
}

impl Gadget {
    /// Opens `link` and moves its bytes, as the session wants. To be run as a task, one for each link; `receive` and `send`
    /// are the connection's buffers.
    pub async fn carry(&self, link: Link, stack: Stack<'_>, receive: &mut [u8], send: &mut [u8]) -> ! {
        let way = self.line(link);
        let mut order = way.order.wait().await;
        loop {
            if order == Order::HangUp {
                order = way.order.wait().await;
                continue;
            }
            let mut socket = TcpSocket::new(stack, receive, send);
            // What is sent is whole: it need not wait for more.
            socket.set_nagle_enabled(false);
            let ended = select(way.order.wait(), self.converse(link, stack, &mut socket)).await;
            socket.abort();
            // The server is told by a reset, where it can be.
            _ = with_timeout(Duration::from_millis(100), socket.flush()).await;
            order = match ended {
                Either::First(next) => next,
                Either::Second(end) => {
                    if !way.order.signaled() {
                        self.tell(Input::Closed(link, end));
                    }
                    way.order.wait().await
                }
            };
        }
    }

    /// One connection, from its beginning to its end.
    async fn converse(&self, link: Link, stack: Stack<'_>, socket: &mut TcpSocket<'_>) -> End {
        let way = self.line(link);
        let Some(address) = self.resolve(stack).await else {
            warning!("no address of {}", self.settings.host());
            return End::NameUnknown;
        };
        if socket.connect((address, self.settings.port())).await.is_err() {
            return End::Unreachable;
        }
        self.tell(Input::Opened(link));
        loop {
            // The session has hung up amid what was told: it wants to hear no more of it.
            if way.order.signaled() {
                return pending().await;
            }
            let (mut reader, mut writer) = socket.split();
            let written = async {
                way.something_to_send().await;
                writer.write_with(|room| way.take(room)).await
            };
            let read = reader.read_with(|bytes| {
                self.tell(Input::Bytes(link, bytes));
                (bytes.len(), ())
            });
            match select(written, read).await {
                Either::First(Ok(true)) => self.tell(Input::Sent(link)),
                Either::First(Ok(false)) | Either::Second(Ok(())) => {}
                Either::First(Err(_)) | Either::Second(Err(_)) => {
                    // Its last bytes may have come with its end, and were read; whoever still may send was not reset.
                    return if socket.state() == State::CloseWait { End::Eof } else { End::Broken };
                }
            }
        }
    }

    /// The server's address. Finds a name in `.local` by multicast DNS (RFC 6762, 3), with the feature `mdns`, any other by
    /// DNS.
    async fn resolve(&self, stack: Stack<'_>) -> Option<IpAddress> {
        let host = self.settings.host();
        if let Ok(address) = Ipv4Address::from_str(host) {
            return Some(address.into());
        }
        #[cfg(feature = "mdns")]
        if let Some(name) = mdns::local_name(host) {
            return self.find_local(stack, name).await;
        }
        let query = stack.dns_query(host, DnsQueryType::A);
        with_timeout(DNS_TIMEOUT, query).await.ok()?.ok()?.first().copied()
    }
}
