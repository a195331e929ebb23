//! A web server that is no ComfyUI.
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<h1>Hello</h1>";

/// It serves for as long as this program runs.
pub(super) struct Stranger(SocketAddr);

impl Stranger {
    /// On a free port.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn new() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| _ = serve(stream)));
        Ok(Self(address))
    }

    /// Where it is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.0
    }
}

/// Answers whatever is asked, once.
fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut asked = Vec::new();
    let mut bytes = [0; 1_024];
    while !asked.ends_with(b"\r\n\r\n") {
        let some = stream.read(&mut bytes)?;
        if some == 0 {
            return Ok(());
        }
        asked.extend(&bytes[..some]);
    }
    stream.write_all(PAGE)
}
