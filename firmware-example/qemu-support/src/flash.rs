//! Flash that outlives a restart: files on the host, as QEMU's flash can't be written. A word is written at a time, as in
//! flash: whoever ends QEMU cuts the power between any two.

use core::ffi::CStr;

use comfyglow_app::embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use semihosting::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

/// Of a page, as the chip's own flash has them, only that a record fits in one.
const PAGE: u32 = 2_048;

/// Of a file.
pub const FLASH: u32 = 2 * PAGE;

/// A part of the flash: a file of [`FLASH`] bytes in the folder that QEMU was started in.
pub struct Flash(Option<File>);

/// There is no file.
#[derive(Debug)]
pub struct NoFile;

impl NorFlashError for NoFile {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Flash {
    /// Opens it; where there is none each use fails.
    #[must_use]
    pub fn open(name: &CStr) -> Self {
        Self(File::options().read(true).write(true).open(name).ok())
    }

    fn at(&mut self, offset: u32) -> Result<&mut File, NoFile> {
        let file = self.0.as_mut().ok_or(NoFile)?;
        file.seek(SeekFrom::Start(offset.into())).map_err(|_| NoFile)?;
        Ok(file)
    }
}

impl ErrorType for Flash {
    type Error = NoFile;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NoFile> {
        self.at(offset)?.read_exact(bytes).map_err(|_| NoFile)
    }

    fn capacity(&self) -> usize {
        FLASH as usize
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NoFile> {
        let file = self.at(from)?;
        (from..to).step_by(64).try_for_each(|_| file.write_all(&[0xFF; 64]).map_err(|_| NoFile))
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NoFile> {
        let file = self.at(offset)?;
        bytes.chunks(Self::WRITE_SIZE).try_for_each(|word| file.write_all(word).map_err(|_| NoFile))
    }
}
