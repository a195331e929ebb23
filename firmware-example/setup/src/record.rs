//! Settings as bytes for flash.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `CfyS` |
//! | 4..6 | the format's version, [`VERSION`], little endian as all that follow |
//! | 6..8 | the body's length in bytes |
//! | 8..12 | CRC-32 (ISO-HDLC, as zip and Ethernet) of the bytes 0..8 and the body |
//!
//! The body is a line `name=value`, ended by a line feed, for each setting that is set. What follows it is not looked at.
//! A setting that a later version adds is one line more, so a version reads what all before it wrote; what an older one
//! can't know it doesn't guess.

use core::fmt::{self, Write};

use crate::{setting::Setting, settings::Settings};

/// The version of the format that this build writes; it reads all up to it.
pub const VERSION: u16 = 1;

/// Bytes that a record takes at most.
pub const RECORD_BYTES: usize = {
    let mut bytes = HEAD_BYTES;
    let mut settings: &[Setting] = &Setting::ALL;
    while let [first, rest @ ..] = settings {
        // With `=` and the line's end.
        bytes = bytes.saturating_add(first.name().len()).saturating_add(first.value_bytes()).saturating_add(2);
        settings = rest;
    }
    bytes
};

const HEAD_BYTES: usize = 12;
const MAGIC: [u8; 4] = *b"CfyS";
const CRC: crc::Crc<u32, crc::Table<1>> = crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);

/// Why bytes are no settings that can be taken in. Set it up again; saving replaces them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RecordError {
    /// It is something else's.
    Foreign,
    /// A build wrote it whose format is newer.
    Newer {
        /// The format's version.
        version: u16,
    },
    /// Its end is missing: it was cut off, or never written whole.
    Truncated,
    /// Its checksum is another's: some of its bytes changed.
    Damaged,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("what is saved are no settings of comfyglow; set it up again"),
            Self::Newer { version } => write!(
                f,
                "the settings were saved by a newer comfyglow (format {version}, not {VERSION}); flash that one, or set it \
                 up again"
            ),
            Self::Truncated => f.write_str("the saved settings' end is missing; set it up again"),
            Self::Damaged => f.write_str("the saved settings are damaged; set it up again"),
        }
    }
}

impl core::error::Error for RecordError {}

impl Settings {
    /// Writes the settings as a record to the beginning of `out`, and returns it; `None` where there is no room, which
    /// [`RECORD_BYTES`] always are.
    pub fn write<'a>(&self, out: &'a mut [u8]) -> Option<&'a [u8]> {
        let (head, room) = out.split_first_chunk_mut::<HEAD_BYTES>()?;
        let mut body = Body { room, len: 0 };
        for setting in Setting::ALL.into_iter().filter(|setting| self.is_set(*setting)) {
            write!(body, "{}=", setting.name()).ok()?;
            self.write_value(setting, &mut body).ok()?;
            body.write_char('\n').ok()?;
        }
        let len = body.len;
        *head = self::head(u16::try_from(len).ok()?, room.get(..len)?);
        out.get(..HEAD_BYTES.checked_add(len)?)
    }

    /// Reads the record that `bytes` begin with.
    ///
    /// # Errors
    ///
    /// [`RecordError`] where they are no record of a version that this build knows, whole.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(RecordError::Truncated)?;
        if *magic != MAGIC {
            return Err(RecordError::Foreign);
        }
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(RecordError::Truncated)?;
        match u16::from_le_bytes(*version) {
            version if version > VERSION => return Err(RecordError::Newer { version }),
            0 => return Err(RecordError::Foreign),
            _ => {}
        }
        let (len, rest) = rest.split_first_chunk::<2>().ok_or(RecordError::Truncated)?;
        let (crc, rest) = rest.split_first_chunk::<4>().ok_or(RecordError::Truncated)?;
        let body = rest.get(..usize::from(u16::from_le_bytes(*len))).ok_or(RecordError::Truncated)?;
        if checksum([magic, version, len], body) != *crc {
            return Err(RecordError::Damaged);
        }
        // The checksum is right: what still doesn't fit the format was written so, by whomever.
        let mut settings = Self::new();
        for line in core::str::from_utf8(body).map_err(|_| RecordError::Foreign)?.split_terminator('\n') {
            let (name, value) = line.split_once('=').ok_or(RecordError::Foreign)?;
            settings.set(name, value).map_err(|_| RecordError::Foreign)?;
        }
        Ok(settings)
    }
}

/// The head of a record with this body.
fn head(len: u16, body: &[u8]) -> [u8; HEAD_BYTES] {
    let (version, len) = (VERSION.to_le_bytes(), len.to_le_bytes());
    let crc = checksum([&MAGIC, &version, &len], body);
    let mut head = [0; HEAD_BYTES];
    for (to, from) in head.iter_mut().zip(MAGIC.into_iter().chain(version).chain(len).chain(crc)) {
        *to = from;
    }
    head
}

fn checksum(head: [&[u8]; 3], body: &[u8]) -> [u8; 4] {
    let mut digest = CRC.digest();
    for part in head.into_iter().chain([body]) {
        digest.update(part);
    }
    digest.finalize().to_le_bytes()
}

/// What is written into a body's room.
struct Body<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl Write for Body<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.checked_add(text.len()).ok_or(fmt::Error)?;
        self.room.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
