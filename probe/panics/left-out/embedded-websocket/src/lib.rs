//! What the core uses of embedded-websocket, its answers unknown to the optimizer.
#![no_std]
#![allow(clippy::result_unit_err, reason = "the core looks at no error of the library's")]

use core::hint::black_box;

use rand_core::RngCore;

/// A key: 24 characters of base64, which the core only copies.
#[derive(Clone, Debug, Default)]
pub struct WebSocketKey;

impl WebSocketKey {
    pub fn as_str(&self) -> &str {
        black_box("AAAAAAAAAAAAAAAAAAAAAA==")
    }
}

pub struct WebSocketOptions<'a> {
    pub path: &'a str,
    pub host: &'a str,
    pub origin: &'a str,
    pub sub_protocols: Option<&'a [&'a str]>,
    pub additional_headers: Option<&'a [&'a str]>,
}

pub enum WebSocketSendMessageType {
    Text,
    Binary,
    Ping,
    Pong,
    CloseReply,
}

pub enum WebSocketState {
    None,
    Open,
}

pub struct WebSocketClient<R> {
    rng: R,
    pub state: WebSocketState,
}

impl<R: RngCore> WebSocketClient<R> {
    pub fn new_client(rng: R) -> Self {
        Self { rng, state: WebSocketState::None }
    }

    pub fn client_connect(&mut self, _: &WebSocketOptions<'_>, to: &mut [u8]) -> Result<(usize, WebSocketKey), ()> {
        self.rng.fill_bytes(black_box(to));
        black_box(Ok((0, WebSocketKey)))
    }

    pub fn client_accept(&mut self, _: &WebSocketKey, _: &[u8]) -> Result<(usize, Option<()>), ()> {
        black_box(Ok((0, None)))
    }

    pub fn write(&mut self, _: WebSocketSendMessageType, _: bool, from: &[u8], to: &mut [u8]) -> Result<usize, ()> {
        self.rng.next_u32();
        black_box((from, to));
        black_box(Ok(0))
    }
}
