//! NOR flash that loses power.
//!
//! Erasing a page sets all of its bits, writing a word clears some. Power may stop at any word of a write and amid an erase:
//! then it is as real chips leave it, and nothing answers until the [restart](Nor::restart).
//!
//! - Of a write, the words before are written, those behind are not, and of the word itself each bit that was to be cleared
//!   is, or isn't, or wavers: it reads as one thing now and another later, until it is written again.
//! - Of an erase, any word is erased, or as it was, or between: some of its cleared bits waver, until the page is erased
//!   anew.

use std::{cell::RefCell, rc::Rc};

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use fastrand::Rng;

/// A chip with pages of `PAGE` bytes and words of four. Its clones are the same chip.
#[derive(Clone, Debug)]
pub struct Nor<const PAGE: usize>(Rc<RefCell<Chip>>);

/// Bytes of a word: what is written at once.
pub const WORD: usize = 4;

#[derive(Debug)]
struct Chip {
    /// What the words are, as far as they are anything.
    words: Vec<u32>,
    /// The bits that read as they like.
    wavering: Vec<u32>,
    /// Words that were written since their page was erased.
    written: Vec<bool>,
    erases: Vec<u32>,
    /// Steps that power lasts; `None` is for ever.
    power: Option<u64>,
    steps: u64,
    rewritten: u64,
    chance: Rng,
}

/// What the chip doesn't do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no power.
    NoPower,
    /// It isn't at words' or pages' borders.
    NotAligned,
    /// There is no such place.
    OutOfBounds,
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NoPower => NorFlashErrorKind::Other,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
        }
    }
}

impl<const PAGE: usize> Nor<PAGE> {
    /// A chip of so many pages, as it comes: erased. What happens to it when power stops is chosen by `seed`.
    pub fn new(pages: usize, seed: u64) -> Self {
        let words = pages * PAGE / WORD;
        Self(Rc::new(RefCell::new(Chip {
            words: vec![u32::MAX; words],
            wavering: vec![0; words],
            written: vec![false; words],
            erases: vec![0; pages],
            power: None,
            steps: 0,
            rewritten: 0,
            chance: Rng::with_seed(seed),
        })))
    }

    /// Another chip, that is as this one is now.
    #[must_use]
    pub fn copy(&self, seed: u64) -> Self {
        let chip = self.0.borrow();
        Self(Rc::new(RefCell::new(Chip {
            words: chip.words.clone(),
            wavering: chip.wavering.clone(),
            written: chip.written.clone(),
            erases: chip.erases.clone(),
            power: None,
            chance: Rng::with_seed(seed),
            ..*chip
        })))
    }

    /// Lets power stop at the step behind `steps` more; a step is a word that is written, or a page that is erased.
    pub fn stop_behind(&self, steps: u64) {
        self.0.borrow_mut().power = Some(steps);
    }

    /// Gives power.
    pub fn restart(&self) {
        self.0.borrow_mut().power = None;
    }

    /// Whether power has stopped.
    pub fn is_off(&self) -> bool {
        self.0.borrow().power == Some(0)
    }

    /// How many steps were done since the chip was made.
    pub fn steps(&self) -> u64 {
        self.0.borrow().steps
    }

    /// How many words were written again without an erase between: chips that keep a checksum with each word don't let one.
    pub fn rewritten(&self) -> u64 {
        self.0.borrow().rewritten
    }

    /// How often each page was erased.
    pub fn erases(&self) -> Vec<u32> {
        self.0.borrow().erases.clone()
    }

    /// Whether the bytes are anywhere in it.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let kept: Vec<u8> = self.0.borrow().words.iter().flat_map(|word| word.to_le_bytes()).collect();
        kept.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Turns over one bit, as age does.
    pub fn flip(&self, bit: usize) {
        let mut chip = self.0.borrow_mut();
        chip.words[bit / 32] ^= 1 << (bit % 32);
    }
}

impl Chip {
    /// Whether there is power for another step; else this was the last, and is done in part.
    fn step(&mut self) -> Result<bool, Fault> {
        match &mut self.power {
            Some(0) => return Err(Fault::NoPower),
            Some(power) => {
                *power -= 1;
                if *power == 0 {
                    return Ok(false);
                }
            }
            None => {}
        }
        self.steps += 1;
        Ok(true)
    }

    fn check(&self, from: u32, len: usize, size: usize) -> Result<usize, Fault> {
        let from = from as usize;
        if !from.is_multiple_of(size) || !len.is_multiple_of(size) {
            Err(Fault::NotAligned)
        } else if from + len > self.words.len() * WORD {
            Err(Fault::OutOfBounds)
        } else {
            Ok(from / WORD)
        }
    }
}

impl<const PAGE: usize> ErrorType for Nor<PAGE> {
    type Error = Fault;
}

impl<const PAGE: usize> ReadNorFlash for Nor<PAGE> {
    const READ_SIZE: usize = WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        let chip = &mut *self.0.borrow_mut();
        let first = chip.check(offset, bytes.len(), WORD)?;
        if chip.power == Some(0) {
            return Err(Fault::NoPower);
        }
        for (index, to) in bytes.chunks_mut(WORD).enumerate() {
            let word = chip.words[first + index] ^ (chip.wavering[first + index] & chip.chance.u32(..));
            to.copy_from_slice(&word.to_le_bytes());
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().words.len() * WORD
    }
}

impl<const PAGE: usize> NorFlash for Nor<PAGE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        let chip = &mut *self.0.borrow_mut();
        let len = to.checked_sub(from).ok_or(Fault::OutOfBounds)? as usize;
        let first = chip.check(from, len, PAGE)?;
        for page in (first..first + len / WORD).step_by(PAGE / WORD) {
            let whole = chip.step()?;
            chip.erases[page * WORD / PAGE] += 1;
            // How far it came: from hardly to almost.
            let done = chip.chance.u8(..);
            for word in page..page + PAGE / WORD {
                if whole || chip.chance.u8(..) < done {
                    (chip.words[word], chip.wavering[word], chip.written[word]) = (u32::MAX, 0, false);
                } else if chip.chance.bool() {
                    chip.wavering[word] |= !chip.words[word] & chip.chance.u32(..);
                }
            }
            if !whole {
                return Err(Fault::NoPower);
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        let chip = &mut *self.0.borrow_mut();
        let first = chip.check(offset, bytes.len(), WORD)?;
        for (word, bytes) in (first..).zip(bytes.chunks(WORD)) {
            let whole = chip.step()?;
            let mut cleared = !u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let mut wavering = 0;
            if !whole {
                cleared &= chip.chance.u32(..);
                wavering = cleared & chip.words[word] & chip.chance.u32(..);
            }
            chip.words[word] &= !cleared;
            // A bit that is written whole is so for good.
            chip.wavering[word] = chip.wavering[word] & !cleared | wavering;
            chip.rewritten += u64::from(std::mem::replace(&mut chip.written[word], true));
            if !whole {
                return Err(Fault::NoPower);
            }
        }
        Ok(())
    }
}
