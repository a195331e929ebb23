//! Flash that outlives a restart: a file on the host, as QEMU's flash can't be written.

use comfyglow_app::embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use semihosting::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

/// Of a page, as the chip's own flash has them, only that a record fits in one.
const PAGE: u32 = 2_048;

/// Of all.
pub(crate) const BYTES: u32 = 2 * PAGE;

/// The file `flash.bin` of the folder that QEMU was started in.
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
    pub fn open() -> Self {
        Self(File::options().read(true).write(true).open(c"flash.bin").ok())
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
        BYTES as usize
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NoFile> {
        let file = self.at(from)?;
        for _ in (from..to).step_by(64) {
            file.write_all(&[0xFF; 64]).map_err(|_| NoFile)?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NoFile> {
        self.at(offset)?.write_all(bytes).map_err(|_| NoFile)
    }
}
