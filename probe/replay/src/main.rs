//! Replays the tapes in the file `tapes` of the folder that QEMU is started in, and says which snapshot each ends in, one
//! a line: the tape's name, the session's size, bytes of a piece, the snapshot.
#![no_std]
#![no_main]

mod tape;

use core::panic::PanicInfo;

use semihosting::{
    eprintln,
    fs::File,
    io::{Read, Write, stdout},
    process,
};
use tape::{LARGEST, PIECES, SNAPSHOT, Tape, play};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    process::exit(101)
}

#[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
#[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
fn main() -> ! {
    let buffer = room();
    let mut tapes = File::open(c"tapes").expect("the tapes are in this folder");
    while let Some(tape) = next(&mut tapes, buffer) {
        for pieces in PIECES {
            tell(&tape, "gadget", pieces, play::gadget);
            tell(&tape, "desktop", pieces, play::desktop);
        }
    }
    process::exit(0)
}

/// Where a tape is kept. To be called once.
fn room() -> &'static mut [u8; LARGEST] {
    static mut TAPE: [u8; LARGEST] = [0; LARGEST];
    // SAFETY: nothing else refers to it, and this is called once.
    unsafe { &mut *(&raw mut TAPE) }
}

/// The next tape of the file, none at its end.
fn next<'b>(tapes: &mut File, buffer: &'b mut [u8; LARGEST]) -> Option<Tape<'b>> {
    let mut length = [0; 4];
    if tapes.read(&mut length).expect("the tapes can be read") == 0 {
        return None;
    }
    let length = usize::try_from(u32::from_le_bytes(length)).expect("a machine of 32 bits");
    let bytes = buffer.get_mut(..length).expect("no tape is longer");
    tapes.read_exact(bytes).expect("the tape is whole");
    Some(Tape::new(bytes).expect("the tape has a name"))
}

fn tell(tape: &Tape<'_>, size: &str, pieces: usize, play: fn(&Tape<'_>, usize, &mut [u8; SNAPSHOT]) -> usize) {
    let mut snapshot = [0; SNAPSHOT];
    let len = play(tape, pieces, &mut snapshot);
    let snapshot = str::from_utf8(&snapshot[..len]).expect("JSON is text");
    let mut out = stdout().expect("QEMU has an output");
    writeln!(out, "{} {size} {pieces} {snapshot}", tape.name()).expect("it takes what is written");
}
