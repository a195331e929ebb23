//! What is measured of the firmware while it runs: read in its memory, so that telling it costs it nothing.
use std::path::Path;

use anyhow::{Context, Result};

use super::control::Control;
use super::image;
use super::machine::Machine;

/// What the firmware paints its unused stack with.
const PAINT: u32 = 0x5AFE_57AC;

/// The numbers of the firmware's own meter.
const NUMBERS: usize = 5;

/// Where to look.
#[derive(Clone, Copy)]
pub(super) struct Meter {
    numbers: u64,
    stack: Stack,
}

/// The stack: from the end of the statics to its beginning, which is the end of the memory.
#[derive(Clone, Copy)]
pub(crate) struct Stack(u64, u64);

impl Stack {
    /// That of `image`.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn of(image: &Path) -> Result<Self> {
        Ok(Self(image::address(image, "__sheap")?, image::address(image, "_stack_start")?))
    }

    /// Bytes that it had at most until now, since the tasks began.
    ///
    /// # Errors
    /// QEMU doesn't tell.
    pub(crate) fn used(&self, control: &mut Control) -> Result<u64> {
        let Self(bottom, top) = *self;
        let unused = words(&control.memory(bottom, top - bottom)?).take_while(|word| *word == PAINT).count();
        Ok(top - bottom - 4 * u64::try_from(unused)?)
    }
}

/// What the firmware measured, all of it modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Bytes that were sent to the display.
    pub(super) bytes: u32,
    /// How often a frame of the network changed the display.
    pub(super) changes: u32,
    /// Of the last time: cycles from the MAC's interrupt to the display's last byte.
    pub(super) cycles: u32,
    /// And the bytes sent meanwhile.
    pub(super) sent: u32,
    /// The clock's cycles when there was last nothing to do.
    pub(super) idle: u32,
}

impl Meter {
    /// That of `image`.
    ///
    /// # Errors
    /// It has none.
    pub(super) fn of(image: &Path) -> Result<Self> {
        Ok(Self { numbers: image::address(image, "METER")?, stack: Stack::of(image)? })
    }

    /// Bytes that the stack had at most until now, since the tasks began.
    ///
    /// # Errors
    /// QEMU doesn't tell.
    pub(super) fn stack(&self, machine: &mut Machine) -> Result<u64> {
        self.stack.used(&mut machine.control)
    }

    /// The firmware's own numbers.
    ///
    /// # Errors
    /// QEMU doesn't tell.
    pub(super) fn read(&self, machine: &mut Machine) -> Result<Reading> {
        let memory = machine.control.memory(self.numbers, 4 * u64::try_from(NUMBERS)?)?;
        let numbers: Vec<u32> = words(&memory).collect();
        let numbers: [u32; NUMBERS] = numbers.try_into().ok().context("QEMU tells too little")?;
        let [bytes, changes, cycles, sent, idle] = numbers;
        Ok(Reading { bytes, changes, cycles, sent, idle })
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks().0.iter().copied().map(u32::from_le_bytes)
}
