//! Records in flash, of which the newest counts, whenever power stops.
//!
//! The pages are cut into cells of one size. A record is written into the next free cell behind the newest one, and where
//! that page has none into the next page, which is erased first:
//!
//! ```text
//!  page 0: [ 5 ] [ 6 ] [ 7 ]        page 1: [ 2 ] [ 3 ] [ 4 ]        ─► the next record erases page 1, and is its first
//! ```
//!
//! It is our own since sequential-storage 7.2 loses records where power stops amid an erase: a page whose markers read as erased
//! is used though its middle isn't. Of 100,100 interrupted saves on two pages neither old nor new was read after 23, and a later
//! save was lost or refused after 19; `rig/tests/power.rs` has the sweep that this one passes.
//!
//! Each has a number and a checksum. Why there is always the newest, or the one before:
//!
//! - Only a page without the newest record is ever erased, and what such an erase leaves behind has a lower number. A page
//!   that was erased is trusted only by who has just done it: amid an erase it may look erased, and waver.
//! - A cell begins with a word of zeros, written before all else. Where that word is amid being written the rest is still
//!   erased, and writing the zeros again makes it whole; where it is not all ones the cell is not taken.
//! - Of a record that is all but written its last bits may waver, so that it counts now and doesn't later. Before the page
//!   is erased that might hold the one before, it is written once more over itself.

use core::{fmt, ops::Range};

use embedded_storage_async::nor_flash::NorFlash;

const CRC: crc::Crc<u32, crc::Table<1>> = crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);

/// Bytes before the record: the checksum of what follows, the number, the record's length, 0.
const HEAD: usize = 12;

/// The largest word of a flash.
const WORD: usize = 32;

/// The bytes that a cell needs for a record of so many.
pub const fn cell(record: usize) -> usize {
    (HEAD + record).next_multiple_of(WORD)
}

/// Why a record can't be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FlashError {
    /// The board's flash has no two pages for it.
    NoRoom,
    /// The flash's driver fails.
    Driver,
    /// What was written isn't there.
    Worn,
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRoom => "this firmware has no room in flash for it",
            Self::Driver => "the flash doesn't answer; try again, then power the board off and on",
            Self::Worn => "the flash doesn't keep what is written to it; try again, else the board is worn out",
        })
    }
}

impl core::error::Error for FlashError {}

/// Records in flash: `N` bytes for a [cell], less what it needs itself.
pub struct Journal<F, const N: usize> {
    flash: F,
    /// Where the first page begins, and how many there are.
    first: u32,
    pages: u32,
    body: [u8; N],
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Its number: the newest record's is the greatest.
    number: u32,
    page: u32,
    cell: u32,
}

impl<F: NorFlash, const N: usize> Journal<F, N> {
    /// A cell, with the word before it that says that it is taken.
    const CELL: usize = F::WRITE_SIZE + N;
    const STEP: u32 = size(Self::CELL);
    const PAGE: u32 = size(F::ERASE_SIZE);
    const CELLS: u32 = Self::PAGE / Self::STEP;
    const FITS: () = assert!(
        F::WRITE_SIZE <= WORD
            && WORD.is_multiple_of(F::WRITE_SIZE)
            && F::WRITE_SIZE.is_multiple_of(F::READ_SIZE)
            && N.is_multiple_of(WORD)
            && F::ERASE_SIZE >= Self::CELL,
        "a page has room for a record"
    );

    /// In this part of `flash`, which is two pages or more, and nobody else's.
    ///
    /// # Errors
    ///
    /// It is less, or doesn't begin with a page.
    pub fn new(flash: F, range: Range<u32>) -> Result<Self, FlashError> {
        let () = Self::FITS;
        let pages = range.end.saturating_sub(range.start) / Self::PAGE;
        if pages < 2 || !range.start.is_multiple_of(Self::PAGE) {
            return Err(FlashError::NoRoom);
        }
        Ok(Self { flash, first: range.start, pages, body: [0; N] })
    }

    /// The newest record; `None` where there is none.
    ///
    /// # Errors
    ///
    /// The driver fails.
    pub async fn newest(&mut self) -> Result<Option<&[u8]>, FlashError> {
        Ok(if self.find().await?.is_some() { self.record() } else { None })
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// It is longer than a cell has room for, or the flash fails; the record before is the newest still, or this is.
    pub async fn add(&mut self, record: &[u8]) -> Result<(), FlashError> {
        let place = match self.find().await? {
            Some(newest) => match self.free_behind(newest).await? {
                Some(cell) => Place { number: newest.number.saturating_add(1), cell, ..newest },
                None => self.turn(newest).await?,
            },
            None => self.begin().await?,
        };
        self.write(place, record).await
    }

    /// Adds a record, and erases all others: nothing that they held can be read any more.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub async fn replace(&mut self, record: &[u8]) -> Result<(), FlashError> {
        let place = match self.find().await? {
            Some(newest) => self.turn(newest).await?,
            None => self.begin().await?,
        };
        self.write(place, record).await?;
        for page in (0..self.pages).filter(|page| *page != place.page) {
            self.erase(page).await?;
        }
        Ok(())
    }

    /// Reads the newest record into `body`.
    async fn find(&mut self) -> Result<Option<Place>, FlashError> {
        let mut below = None;
        // What only looks like a record is passed over, down to one that is.
        while let Some(place) = self.greatest(below).await? {
            let from = self.address(place.page, place.cell) + word::<F>();
            self.flash.read(from, &mut self.body).await.map_err(driver)?;
            if self.record().is_some() && number(&self.body) == Some(place.number) {
                return Ok(Some(place));
            }
            below = Some(place);
        }
        Ok(None)
    }

    /// The cell with the greatest number `below` another's, whatever it holds.
    async fn greatest(&mut self, below: Option<Place>) -> Result<Option<Place>, FlashError> {
        let mut greatest = None;
        for page in 0..self.pages {
            for cell in 0..Self::CELLS {
                let mut head = [0; WORD];
                let from = self.address(page, cell) + word::<F>();
                self.flash.read(from, &mut head).await.map_err(driver)?;
                let place = number(&head).map(|number| Place { number, page, cell });
                if place > greatest && below.is_none_or(|below| place < Some(below)) {
                    greatest = place;
                }
            }
        }
        Ok(greatest)
    }

    /// The first cell behind this one, in its page, that nobody has taken.
    async fn free_behind(&mut self, place: Place) -> Result<Option<u32>, FlashError> {
        for cell in place.cell + 1..Self::CELLS {
            let mut taken = [0; WORD];
            let taken = taken.get_mut(..F::WRITE_SIZE).unwrap_or_default();
            let from = self.address(place.page, cell);
            self.flash.read(from, taken).await.map_err(driver)?;
            if taken.iter().all(|byte| *byte == 0xFF) {
                return Ok(Some(cell));
            }
        }
        Ok(None)
    }

    /// Where the next record stands when the newest one's page is not to be used any more.
    async fn turn(&mut self, newest: Place) -> Result<Place, FlashError> {
        // It is in `body`.
        self.program(newest).await?;
        let page = (newest.page + 1) % self.pages;
        self.erase(page).await?;
        Ok(Place { number: newest.number.saturating_add(1), page, cell: 0 })
    }

    /// Where the first record stands.
    async fn begin(&mut self) -> Result<Place, FlashError> {
        self.erase(0).await?;
        Ok(Place { number: 1, page: 0, cell: 0 })
    }

    async fn erase(&mut self, page: u32) -> Result<(), FlashError> {
        let from = self.address(page, 0);
        self.flash.erase(from, from + Self::PAGE).await.map_err(driver)
    }

    /// Writes a record into a free cell.
    async fn write(&mut self, place: Place, record: &[u8]) -> Result<(), FlashError> {
        let len = u16::try_from(record.len()).map_err(|_| FlashError::NoRoom)?;
        self.body.fill(0xFF);
        let (head, room) = self.body.split_first_chunk_mut::<HEAD>().ok_or(FlashError::NoRoom)?;
        room.get_mut(..record.len()).ok_or(FlashError::NoRoom)?.copy_from_slice(record);
        head[4..8].copy_from_slice(&place.number.to_le_bytes());
        head[8..10].copy_from_slice(&len.to_le_bytes());
        head[10..].fill(0);
        let crc = CRC.checksum(&self.body[4..HEAD + record.len()]);
        self.body[..4].copy_from_slice(&crc.to_le_bytes());
        self.program(place).await?;
        let from = self.address(place.page, place.cell) + word::<F>();
        self.flash.read(from, &mut self.body).await.map_err(driver)?;
        if self.record() == Some(record) { Ok(()) } else { Err(FlashError::Worn) }
    }

    /// Writes `body` into a cell.
    async fn program(&mut self, place: Place) -> Result<(), FlashError> {
        let from = self.address(place.page, place.cell);
        let len = (HEAD + self.record().map_or(0, <[u8]>::len)).next_multiple_of(F::WRITE_SIZE);
        self.flash.write(from, &[0; WORD][..F::WRITE_SIZE]).await.map_err(driver)?;
        self.flash.write(from + word::<F>(), &self.body[..len]).await.map_err(driver)
    }

    /// The record in `body`, if it is one.
    fn record(&self) -> Option<&[u8]> {
        let (crc, rest) = self.body.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_le_bytes([*rest.get(4)?, *rest.get(5)?]));
        let summed = rest.get(..HEAD - 4 + len)?;
        (CRC.checksum(summed) == u32::from_le_bytes(*crc)).then(|| summed.get(HEAD - 4..))?
    }

    const fn address(&self, page: u32, cell: u32) -> u32 {
        self.first + page * Self::PAGE + cell * Self::STEP
    }
}

/// The number that a cell has; `None` where nothing was ever written.
fn number(cell: &[u8]) -> Option<u32> {
    let number = u32::from_le_bytes(*cell.get(4..)?.first_chunk()?);
    (number != u32::MAX).then_some(number)
}

/// Bytes of a word.
const fn word<F: NorFlash>() -> u32 {
    size(F::WRITE_SIZE)
}

/// As addresses are counted.
#[expect(clippy::cast_possible_truncation, reason = "no page is larger")]
const fn size(bytes: usize) -> u32 {
    bytes as u32
}

fn driver<E>(_: E) -> FlashError {
    FlashError::Driver
}
