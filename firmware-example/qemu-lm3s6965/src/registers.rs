//! Registers of this chip, by their addresses.

/// A register.
#[derive(Clone, Copy)]
pub(crate) struct Register(pub(crate) u32);

impl Register {
    /// The register so many bytes behind this one.
    pub(crate) const fn at(self, offset: u32) -> Self {
        Self(self.0 + offset)
    }

    pub(crate) fn read(self) -> u32 {
        // SAFETY: the constants of this crate that name registers are the chip's.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    pub(crate) fn write(self, value: u32) {
        // SAFETY: as above; no register that is written here gives the chip memory to write to.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }

    pub(crate) fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }
}
