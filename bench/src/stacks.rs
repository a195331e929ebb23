//! From the bytes of a socket to a state: ours, and the stack that a Rust client has most often.
//!
//! Their state is a few numbers, the least that such a client could keep; ours is a whole [`Wire`] of a desktop.
use std::{
    hint::black_box,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use anyhow::{Result, ensure};
use comfyglow_core::{
    capacity::DesktopCapacity,
    event::{EventKind, Interest},
    session::{Config, Link},
    state::{Prompt, PromptState},
    subscription::{Subscription, Topics},
    time::Instant,
    wire::{Input, Output, Wire},
};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use crate::{Corpus, Summary, measure::Contender, parsers};

/// How often the corpus is repeated in one stream, so that what it costs to begin one doesn't count.
const REPEATED: usize = 20;

/// Messages as the frames that a server sends.
#[derive(Clone, Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How many messages there are.
    pub messages: usize,
}

impl Frames {
    /// The frames of `corpus`, again and again.
    ///
    /// # Errors
    ///
    /// A message is 64 KiB long or longer.
    pub fn of(corpus: &Corpus) -> Result<Self> {
        let mut once = Vec::new();
        for message in &corpus.messages {
            once.push(0x81);
            match u8::try_from(message.len()) {
                Ok(length) if length < 126 => once.push(length),
                _ => {
                    once.push(126);
                    once.extend(u16::try_from(message.len())?.to_be_bytes());
                }
            }
            once.extend(message.as_bytes());
        }
        Ok(Self { bytes: once.repeat(REPEATED), messages: corpus.messages.len() * REPEATED })
    }

    /// Bytes of all frames.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// Both stacks over `frames` in reads of `size` bytes, the other one first.
pub fn contenders(frames: &Frames, size: usize) -> Vec<Contender<'_>> {
    vec![
        Contender::new("tungstenite + serde_json", move || theirs(frames, size).map_or(0, |known| known.messages)),
        Contender::new("comfyglow", move || ours(frames, size).messages),
    ]
}

/// Checks that both stacks know the same at the end.
///
/// # Errors
///
/// They don't, or one of them fails.
pub fn check(frames: &Frames, size: usize) -> Result<()> {
    let (theirs, ours) = (theirs(frames, size)?, ours(frames, size));
    ensure!(theirs == ours, "{theirs:?} is not {ours:?}");
    Ok(())
}

/// What is known at the end.
#[derive(Debug, Default, PartialEq)]
struct Known {
    messages: u64,
    queue_remaining: Option<i64>,
    /// Of the last prompt.
    cached: u32,
    outputs: u32,
    succeeded: bool,
}

fn ours(frames: &Frames, size: usize) -> Known {
    let config = Config { interest: Interest::ALL, ..Config::attached() };
    let mut session = Wire::<DesktopCapacity>::new(config, 1);
    let mut subscriber = Subscription::<{ DesktopCapacity::NOTES }>::new(Topics::ALL);
    let mut now = 0;
    session.attach(Instant::from_micros(now));
    for read in frames.bytes.chunks(size) {
        now += 1_000;
        let now = Instant::from_micros(now);
        session.handle_input_with(now, Input::Bytes(Link::Socket, read), &mut subscriber);
        while !matches!(session.poll_output_with(now, &mut subscriber), Output::Sleep(_)) {}
        while black_box(subscriber.next()).is_some() {}
    }
    let state = session.state();
    let prompt = state.prompt();
    Known {
        messages: u64::from(state.messages().text),
        queue_remaining: state.queue_remaining().map(i64::from),
        cached: prompt.and_then(Prompt::nodes_cached).unwrap_or_default(),
        outputs: prompt.map_or(0, Prompt::outputs),
        succeeded: prompt.is_some_and(|prompt| prompt.state() == PromptState::Success),
    }
}

fn theirs(frames: &Frames, size: usize) -> Result<Known> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let reads = Reads { rest: &frames.bytes, size };
        let mut socket = WebSocketStream::from_raw_socket(reads, Role::Client, None).await;
        let mut known = Known::default();
        // The end of the bytes is no end of a WebSocket, hence an error.
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                known.take_in(&parsers::json(&text)?);
            }
        }
        Ok(known)
    })
}

impl Known {
    fn take_in(&mut self, message: &Summary) {
        self.messages += 1;
        match message.kind {
            EventKind::Status => self.queue_remaining = Some(message.max),
            EventKind::ExecutionStart => (self.cached, self.outputs, self.succeeded) = (0, 0, false),
            EventKind::ExecutionCached => self.cached = message.count,
            EventKind::Executed => self.outputs += 1,
            EventKind::ExecutionSuccess => self.succeeded = true,
            _ => {}
        }
    }
}

/// Bytes that come `size` at a time; what is written goes nowhere.
struct Reads<'a> {
    rest: &'a [u8],
    size: usize,
}

impl AsyncRead for Reads<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let len = self.size.min(self.rest.len()).min(buffer.remaining());
        let (read, rest) = self.rest.split_at(len);
        buffer.put_slice(read);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Reads<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
