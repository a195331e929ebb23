//! Who visits the server: its connections.

use comfyglow_tests::server::Server;
use smoltcp::{
    iface::{SocketHandle, SocketSet},
    socket::tcp,
    time::Duration,
};
use tungstenite::handshake::derive_accept_key;

use crate::lan::Speaks;

/// ComfyUI's port.
const PORT: u16 = 8188;

/// Connections at once.
const CONNECTIONS: usize = 8;

/// How long one that nobody answers on is kept.
const PATIENCE: Duration = Duration::from_secs(20);

struct Visitor {
    socket: SocketHandle,
    heard: Vec<u8>,
    saying: Vec<u8>,
    is_websocket: bool,
    /// All is said once `saying` is.
    ends: bool,
}

/// The server's connections.
pub(crate) struct Visitors(Vec<Visitor>);

impl Visitors {
    pub(crate) fn new(sockets: &mut SocketSet<'static>) -> Self {
        let visitor = |_| {
            let buffer = || tcp::SocketBuffer::new(vec![0; 4_096]);
            let mut socket = tcp::Socket::new(buffer(), buffer());
            socket.set_timeout(Some(PATIENCE));
            socket.set_nagle_enabled(false);
            let socket = sockets.add(socket);
            Visitor { socket, heard: Vec::new(), saying: Vec::new(), is_websocket: false, ends: false }
        };
        Self((0..CONNECTIONS).map(visitor).collect())
    }

    /// Hears what visitors say, and answers.
    pub(crate) fn serve(&mut self, sockets: &mut SocketSet<'static>, server: &mut Server, speaks: Speaks) {
        let mut newest = None;
        for (number, visitor) in self.0.iter_mut().enumerate() {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(visitor.socket);
            if speaks == Speaks::Nothing {
                socket.abort();
            }
            if !socket.is_open() {
                if std::mem::take(&mut visitor.is_websocket) {
                    server.registered = false;
                }
                (visitor.heard, visitor.saying, visitor.ends) = Default::default();
                if speaks != Speaks::Nothing {
                    socket.listen(PORT).expect("it is closed");
                }
            }
            while socket.can_recv() {
                let heard = &mut visitor.heard;
                socket.recv(|bytes| (bytes.len(), heard.extend_from_slice(bytes))).expect("there is something");
            }
            if visitor.is_websocket {
                visitor.answer_frames();
            } else if let Some(end) = visitor.heard.windows(4).position(|end| end == b"\r\n\r\n") {
                let request = String::from_utf8_lossy(&visitor.heard[..end]).into_owned();
                visitor.heard.clear();
                visitor.answer(&request, server, speaks);
                newest = newest.or(visitor.is_websocket.then_some(number));
            }
            if visitor.is_websocket {
                visitor.saying.extend(std::mem::take(&mut server.said).concat());
            }
            if socket.can_send() && !visitor.saying.is_empty() {
                let sent = socket.send_slice(&visitor.saying).expect("it can");
                visitor.saying.drain(..sent);
            }
            if visitor.saying.is_empty() && (visitor.ends || (socket.may_send() && !socket.may_recv())) {
                socket.close();
            }
        }
        // Another socket of the same client takes the place of the one before, as in ComfyUI.
        if let Some(newest) = newest {
            for (number, visitor) in self.0.iter_mut().enumerate() {
                visitor.is_websocket &= number == newest;
            }
        }
    }
}

impl Visitor {
    fn answer(&mut self, request: &str, server: &mut Server, speaks: Speaks) {
        let target = request.split(' ').nth(1).unwrap_or_default();
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        match key {
            _ if speaks == Speaks::Html => {
                self.saying.extend(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>A cat.</");
                self.ends = true;
            }
            Some(key) => {
                let accept = derive_accept_key(key.as_bytes());
                self.saying.extend(
                    format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").bytes(),
                );
                self.is_websocket = true;
                // What was said to one that is no more is lost.
                server.said.clear();
                server.connect();
            }
            None => {
                self.saying.extend(server.get(target).bytes());
                self.ends = true;
            }
        }
    }

    /// Pings are answered, a close too; the rest is of no account.
    fn answer_frames(&mut self) {
        while let [first, len, rest @ ..] = &self.heard[..] {
            let len = usize::from(len & 0x7f);
            if rest.len() < 4 + len {
                return;
            }
            let payload: Vec<u8> =
                rest[4..4 + len].iter().zip(rest[..4].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            match first & 0xf {
                9 => {
                    self.saying.extend([0x8a, u8::try_from(len).expect("a ping is short")]);
                    self.saying.extend(payload);
                }
                8 => self.ends = true,
                _ => {}
            }
            self.heard.drain(..6 + len);
        }
    }
}
