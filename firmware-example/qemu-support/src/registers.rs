//! Registers of a chip, by their addresses.

/// A register of 32 bits.
#[derive(Clone, Copy)]
pub struct Register(u32);

impl Register {
    /// The one at an address.
    ///
    /// # Safety
    ///
    /// There is one, reading and writing it touches no memory of Rust's, and so with those that [`at`](Self::at) reaches.
    #[must_use]
    pub const unsafe fn new(address: u32) -> Self {
        Self(address)
    }

    /// The register so many bytes behind this one.
    #[must_use]
    pub const fn at(self, offset: u32) -> Self {
        Self(self.0 + offset)
    }

    /// What it says.
    #[must_use]
    pub fn read(self) -> u32 {
        // SAFETY: who made it vouched for it.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    /// Writes `value`.
    pub fn write(self, value: u32) {
        // SAFETY: as above.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }

    /// Sets `bits`, besides those that are set.
    pub fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }
}
