//! What the programs that count share: the messages and the meter.
#![no_std]

pub mod meter;

use core::panic::PanicInfo;

use semihosting::{eprintln, fs::File, io::Read, process};

/// Longer than all messages together.
const MESSAGES: usize = 512 * 1_024;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    process::exit(101)
}

/// The messages of the file `messages` in the folder that QEMU is started in, one a line: the name, a tab, the message.
/// To be called once.
pub fn messages() -> impl Iterator<Item = (&'static str, &'static str)> {
    static mut ROOM: [u8; MESSAGES] = [0; MESSAGES];
    // SAFETY: nothing else refers to it, and this is called once.
    let room = unsafe { &mut *(&raw mut ROOM) };
    let mut file = File::open(c"messages").expect("the messages are in this folder");
    let mut len = 0;
    loop {
        match file.read(&mut room[len..]).expect("the messages can be read") {
            0 => break,
            more => len += more,
        }
    }
    assert!(len < room.len(), "the messages are longer than there is room for");
    let text = str::from_utf8(&room[..len]).expect("messages are text");
    text.lines().filter_map(|line| line.split_once('\t'))
}

/// Whether a message is one of a session's, which are read one after the other by the same decoder or session.
pub fn is_of_session(name: &str) -> bool {
    name.starts_with("session")
}

/// What one message of several takes on average.

pub struct Mean<const N: usize> {
    messages: u32,
    bytes: usize,
    instructions: [u32; N],
}

impl<const N: usize> Mean<N> {
    /// None yet.
    pub const fn new() -> Self {
        Self { messages: 0, bytes: 0, instructions: [0; N] }
    }

    /// Adds what a message took.
    pub fn add(&mut self, bytes: usize, instructions: [u32; N]) {
        self.messages += 1;
        self.bytes += bytes;
        self.instructions.iter_mut().zip(instructions).for_each(|(sum, taken)| *sum += taken);
    }

    /// Bytes and instructions of one.
    pub fn of_one(&self) -> (usize, [u32; N]) {
        let messages = self.messages.max(1);
        (self.bytes / messages as usize, self.instructions.map(|sum| sum / messages))
    }
}
