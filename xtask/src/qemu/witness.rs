//! Another client of the server, who notices when it is made to wait.
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Another client, from now on.
pub(super) struct Witness {
    stream: TcpStream,
    listening: JoinHandle<Duration>,
}

impl Witness {
    /// Connects to the server.
    ///
    /// # Errors
    /// It can't be reached.
    pub(super) fn new(server: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        let key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n";
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
        write!(stream, "GET /ws?clientId=witness HTTP/1.1\r\nHost: {server}\r\n{upgrade}{key}\r\n")?;
        let mut listened = stream.try_clone()?;
        // What is said doesn't matter, only when.
        let listening = thread::spawn(move || {
            let (mut bytes, mut longest, mut last) = (vec![0; 65_536], Duration::ZERO, None);
            while let Ok(1..) = listened.read(&mut bytes) {
                let now = Instant::now();
                longest = longest.max(last.map_or(Duration::ZERO, |last| now - last));
                last = Some(now);
            }
            longest
        });
        Ok(Self { stream, listening })
    }

    /// Leaves: the longest time that there was nothing to read, amid what there was.
    ///
    /// # Errors
    /// It had left before.
    pub(super) fn leave(self) -> Result<Duration> {
        self.stream.shutdown(Shutdown::Both)?;
        self.listening.join().or_else(|_| bail!("the witness is gone"))
    }
}
