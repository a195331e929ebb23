//! The I2C bus and the wire of the LEDs: what is sent goes into files on the host, which plays what hangs on them.

use core::ffi::CStr;

use comfyglow_app::{Strip, ui::leds::RGB8};
use comfyglow_panels::ws2812::pulses;
use embedded_hal_async::i2c::{ErrorKind, ErrorType, I2c, Operation};
use semihosting::{
    c,
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
};

/// The longest transaction that is written at once.
const TRANSACTION: usize = 160;

/// Opens a file of the host's, to be written on behind its end: what hangs on a wire doesn't know of a restart.
fn wire(path: &CStr) -> File {
    let mut file = File::options().read(true).write(true).open(path).expect("the host made it");
    // QEMU doesn't do so where it is opened for appending.
    file.seek(SeekFrom::End(0)).expect("it has an end");
    file
}

/// The bus. Each transaction is written as its address, its length in two bytes, the lower first, and its bytes.
pub(crate) struct Bus(File);

impl Bus {
    pub(crate) fn open() -> Self {
        Self(wire(c!("i2c.bin")))
    }

    fn send(&mut self, address: u8, bytes: &[u8]) -> io::Result<()> {
        let mut line = [0; TRANSACTION + 3];
        #[expect(clippy::cast_possible_truncation, reason = "a transaction is shorter")]
        let [low, high] = (bytes.len() as u16).to_le_bytes();
        line[..3].copy_from_slice(&[address, low, high]);
        line[3..3 + bytes.len()].copy_from_slice(bytes);
        self.0.write_all(&line[..3 + bytes.len()])
    }
}

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    async fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        for operation in operations {
            match operation {
                Operation::Write(bytes) if bytes.len() <= TRANSACTION => {
                    self.send(address, bytes).map_err(|_| ErrorKind::Other)?;
                }
                // Displays only listen.
                _ => return Err(ErrorKind::Other),
            }
        }
        Ok(())
    }
}

/// The wire of the LEDs: each pulse is written as two bytes, how long it is high and low in steps of 50 ns, and 0, 0 where
/// they show what they were told.
pub(crate) struct Leds(File);

impl Leds {
    pub(crate) fn open() -> Self {
        Self(wire(c!("leds.bin")))
    }
}

impl Strip for Leds {
    type Error = io::Error;

    async fn show(&mut self, colours: &[RGB8]) -> io::Result<()> {
        for colours in colours.chunks(8) {
            let mut line = [0; 8 * 24 * 2];
            let steps = pulses(colours).flat_map(|pulse| [pulse.high, pulse.low]);
            let mut len = 0;
            for step in steps {
                #[expect(clippy::cast_possible_truncation, reason = "a pulse is about a microsecond")]
                (line[len] = (step / 50) as u8);
                len += 1;
            }
            self.0.write_all(&line[..len])?;
        }
        self.0.write_all(&[0, 0])
    }
}
