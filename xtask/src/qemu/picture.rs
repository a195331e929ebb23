//! What the display shows.
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// The display's pixels; QEMU shows each of them as a square.
pub(super) const WIDTH: usize = 128;
pub(super) const HEIGHT: usize = 64;
const SQUARE: usize = 4;

/// What the display shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// A grey from 0 to 15 for each pixel, row by row.
    pub(super) greys: Vec<u8>,
    /// Pixels are lit, or aren't.
    pub(super) is_mono: bool,
}

impl Picture {
    /// Reads a PPM that QEMU wrote.
    ///
    /// # Errors
    /// It is none, or of another size.
    pub(super) fn read_ppm(bytes: &[u8]) -> Result<Self> {
        let header = format!("P6\n{} {}\n255\n", WIDTH * SQUARE, HEIGHT * SQUARE);
        let pixels = bytes.strip_prefix(header.as_bytes()).context("QEMU's picture is of another size")?;
        ensure!(pixels.len() == WIDTH * HEIGHT * SQUARE * SQUARE * 3, "QEMU's picture is cut off");
        let grey = |place: usize| {
            let (x, y) = (place % WIDTH * SQUARE, place / WIDTH * SQUARE);
            // 17 is a step of 16 greys.
            pixels[(y * WIDTH * SQUARE + x) * 3 + 1] / 17
        };
        Ok(Self { greys: (0..WIDTH * HEIGHT).map(grey).collect(), is_mono: false })
    }

    /// That of a display whose pixels are lit, or aren't.
    ///
    /// # Errors
    /// It is of another size.
    pub(crate) fn of_lit(lit: &[bool]) -> Result<Self> {
        ensure!(lit.len() == WIDTH * HEIGHT, "a display of another size");
        Ok(Self { greys: lit.iter().map(|lit| if *lit { 15 } else { 0 }).collect(), is_mono: true })
    }

    /// One on which nothing was drawn yet.
    pub(super) fn black(is_mono: bool) -> Self {
        Self { greys: vec![0; WIDTH * HEIGHT], is_mono }
    }

    /// Writes it as a PNG, each pixel a square, in the warm white of the panel.
    ///
    /// # Errors
    /// The file can't be written.
    pub(super) fn write_png(&self, path: &Path) -> Result<()> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let side = |pixels: usize| u32::try_from(pixels * SQUARE);
        let mut encoder = png::Encoder::new(BufWriter::new(file), side(WIDTH)?, side(HEIGHT)?);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut pixels = Vec::with_capacity(WIDTH * HEIGHT * SQUARE * SQUARE);
        for row in self.greys.chunks(WIDTH) {
            let line: Vec<_> = row.iter().flat_map(|grey| [grey * 17; SQUARE]).collect();
            (0..SQUARE).for_each(|_| pixels.extend(&line));
        }
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(())
    }

    /// For a terminal: two rows of pixels a line.
    pub(super) fn halves(&self) -> String {
        let mut text = String::new();
        for rows in self.greys.chunks(WIDTH * 2) {
            let (upper, lower) = rows.split_at(WIDTH);
            for (upper, lower) in upper.iter().zip(lower) {
                let [upper, lower] = [upper, lower].map(|grey| u16::from(*grey) * 17);
                // Writing to a text never fails.
                _ = write!(text, "\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m▀");
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// Whether both are the same within a rectangle: left, top, width, height.
    pub(crate) fn agrees(&self, other: &Self, (left, top, width, height): (usize, usize, usize, usize)) -> bool {
        (top..top + height).all(|row| {
            let row = row * WIDTH + left..row * WIDTH + left + width;
            self.greys[row.clone()] == other.greys[row]
        })
    }
}

/// Of a file, which QEMU may not have finished.
///
/// # Errors
/// As those of [`Picture::read_ppm`].
pub(super) fn read(path: &Path) -> Result<Picture> {
    match std::fs::read(path) {
        Ok(bytes) => Picture::read_ppm(&bytes),
        Err(error) => bail!("cannot read {}: {error}", path.display()),
    }
}
