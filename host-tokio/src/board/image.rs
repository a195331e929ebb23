//! Firmware images: what stands in them, and how they get onto a board.

use std::{
    borrow::Cow,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use espflash::{
    connection::{Connection, ResetAfterOperation, ResetBeforeOperation},
    flasher::{FlashData, FlashSettings, Flasher},
    image_format::{Metadata, Segment, idf::IdfBootloaderFormat},
    target::ProgressCallbacks,
};
use serialport::UsbPortInfo;

pub use espflash::target::Chip;

use super::{BoardError, Port, wire::BAUD};

/// Bits a second while writing, which every bridge can do; USB in the chip takes any.
const FAST: u32 = 460_800;

/// Bytes of an image file at most: one with what debuggers want has some megabytes.
const IMAGE_BYTES: u64 = 256 * 1024 * 1024;

/// An image, ready to be written.
#[derive(Clone, Debug)]
pub struct Image {
    /// The chip that it is for.
    pub chip: Chip,
    /// What is to be written, in the order of its place.
    pub parts: Vec<Part>,
    /// The places that the board's flash is divided into.
    pub partitions: Vec<Place>,
}

/// Something to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is, in a word.
    pub name: &'static str,
    /// Where in flash.
    pub offset: u32,
    /// What.
    pub bytes: Vec<u8>,
}

/// A place in a board's flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub offset: u32,
    /// How many bytes it has.
    pub size: u32,
}

impl Image {
    /// Where an image for `chip` is looked for, below a project's folder.
    pub fn file(chip: Chip) -> PathBuf {
        Path::new("target").join("esp32").join(format!("comfyglow-{chip}.elf"))
    }

    /// The image in `file`, an ELF file as the compiler makes it, for `chip` or else for the one that it names. Partitions
    /// are those of a `partitions.csv` beside it, or else the usual ones.
    ///
    /// # Errors
    ///
    /// There is none, it is for another chip, or it can't be used.
    pub fn read(file: &Path, chip: Option<Chip>) -> Result<Self, BoardError> {
        let unusable = |reason: String| BoardError::Image(format!("{}: {reason}", file.display()));
        let size = fs::metadata(file).map_err(|_| BoardError::NoImage(file.display().to_string()))?.len();
        if size > IMAGE_BYTES {
            return Err(unusable("it is no image, as large as it is".to_owned()));
        }
        let elf = fs::read(file).map_err(|error| unusable(error.to_string()))?;
        if !elf.starts_with(b"\x7FELF") {
            return Err(unusable("it is no ELF file, as the compiler makes it".to_owned()));
        }
        let metadata = Metadata::from_bytes(Some(&elf));
        let told = metadata.chip_name().and_then(|name| name.parse::<Chip>().ok());
        let chip = match (told, chip.or_else(|| chip_of(file))) {
            (Some(told), Some(wanted)) if told != wanted => {
                return Err(BoardError::OtherChip(format!("{} is for an {told}, not for an {wanted}", file.display())));
            }
            (told, wanted) => told
                .or(wanted)
                .ok_or_else(|| unusable("it doesn't tell which chip it is for; name it: --chip".to_owned()))?,
        };
        let table = file.with_file_name("partitions.csv");
        let table = table.is_file().then_some(table);
        // espflash takes for granted that a linker made the file.
        let parts = catch_unwind(AssertUnwindSafe(|| parts(&elf, chip, table.as_deref())));
        let (parts, partitions) = parts
            .map_err(|_| unusable("it is none for this chip".to_owned()))?
            .map_err(|error| unusable(reason(&error)))?;
        Ok(Self { chip, parts, partitions })
    }

    /// All bytes to be written.
    pub fn size(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    /// All of it as one piece to be written at 0, with FF between the parts, for tools that want that.
    pub fn merged(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            bytes.resize(bytes.len().max(part.offset as usize), 0xFF);
            bytes.extend(&part.bytes);
        }
        bytes
    }
}

/// The chip that a file's name ends in.
fn chip_of(file: &Path) -> Option<Chip> {
    file.file_stem()?.to_str()?.rsplit('-').next()?.parse().ok()
}

fn parts(elf: &[u8], chip: Chip, partitions: Option<&Path>) -> Result<(Vec<Part>, Vec<Place>), espflash::Error> {
    let data = FlashData::new(FlashSettings::default(), 0, None, chip, chip.default_xtal_frequency());
    let format = IdfBootloaderFormat::new(elf, &data, partitions, None, None, None)?;
    let table = format.partition_table();
    let places = table.partitions().iter();
    let partitions = places.map(|of| Place { name: of.name(), offset: of.offset(), size: of.size() }).collect();
    let names = ["bootloader", "partitions", "firmware"];
    let mut parts: Vec<Part> = names
        .into_iter()
        .zip(format.flash_segments())
        .map(|(name, segment)| Part { name, offset: segment.addr, bytes: segment.data().to_vec() })
        .collect();
    parts.sort_by_key(|part| part.offset);
    Ok((parts, partitions))
}

/// How far writing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The chip answers; it is this one.
    Begun(Chip),
    /// So much of a part are written.
    Part {
        /// The part's place among the image's parts.
        part: usize,
        /// Pieces written of it: they are compressed, so none is a number of bytes.
        done: usize,
        /// Its pieces.
        of: usize,
    },
    /// A part is read back.
    Verifying(usize),
    /// A part is written, or was there already.
    Written {
        /// The part's place among the image's parts.
        part: usize,
        /// It was there already.
        was_there: bool,
    },
}

/// Writes one of `images`, that for the board's chip, to the board at `port`, reads it back, and restarts the board; tells how
/// far it is. What stands elsewhere in the flash, settings for one, stays. It takes a while: call it where blocking is allowed.
///
/// # Errors
///
/// The port can't be opened, the board's chip doesn't answer or is another one, or writing fails.
pub fn write(port: &Port, images: &[Image], tell: &mut (dyn FnMut(Writing) + Send)) -> Result<Chip, BoardError> {
    let opening = |error: &serialport::Error| BoardError::opening(&port.name, error);
    let serial = serialport::new(&port.name, BAUD).open_native().map_err(|error| opening(&error))?;
    let (vid, pid) = port.usb.unwrap_or_default();
    let info = UsbPortInfo { vid, pid, serial_number: None, manufacturer: None, product: None };
    let (after, before) = (ResetAfterOperation::HardReset, ResetBeforeOperation::DefaultReset);
    let connection = Connection::new(serial, info, after, before, BAUD);
    let mut flasher = Flasher::connect(connection, true, true, true, None, Some(FAST))
        .map_err(|error| BoardError::NoChip(reason(&error)))?;
    let chip = flasher.chip();
    tell(Writing::Begun(chip));
    let Some(image) = images.iter().find(|image| image.chip == chip) else {
        let _ = flasher.connection().reset_after(true, chip);
        let is_for = images.iter().map(|image| image.chip.to_string()).collect::<Vec<_>>().join(" or ");
        return Err(BoardError::OtherChip(format!("the board has an {chip}, the image is for an {is_for}")));
    };
    let segments: Vec<Segment<'_>> = image.parts.iter().map(segment).collect();
    let mut progress = Progress { tell, part: 0, of: 0 };
    flasher.write_bins_to_flash(&segments, &mut progress).map_err(|error| BoardError::Write(reason(&error)))?;
    flasher.connection().reset_after(true, chip).map_err(|error| BoardError::Write(reason(&error)))?;
    Ok(chip)
}

/// A part as it is written: in whole words.
fn segment(part: &Part) -> Segment<'_> {
    if part.bytes.len().is_multiple_of(4) {
        return Segment::new(part.offset, &part.bytes);
    }
    let mut bytes = part.bytes.clone();
    bytes.resize(bytes.len().next_multiple_of(4), 0xFF);
    Segment { addr: part.offset, data: Cow::Owned(bytes) }
}

struct Progress<'a> {
    tell: &'a mut (dyn FnMut(Writing) + Send),
    part: usize,
    of: usize,
}

impl ProgressCallbacks for Progress<'_> {
    fn init(&mut self, _address: u32, total: usize) {
        self.of = total;
        (self.tell)(Writing::Part { part: self.part, done: 0, of: total });
    }

    fn update(&mut self, current: usize) {
        (self.tell)(Writing::Part { part: self.part, done: current, of: self.of });
    }

    fn verifying(&mut self) {
        (self.tell)(Writing::Verifying(self.part));
    }

    fn finish(&mut self, skipped: bool) {
        (self.tell)(Writing::Written { part: self.part, was_there: skipped });
        self.part += 1;
    }
}

/// An error and what led to it.
fn reason(error: &espflash::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
