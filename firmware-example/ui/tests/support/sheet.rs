//! Contact sheets: all screens of a display in one picture, as they are kept beside the sources.

use std::{fs::File, io::BufWriter, path::PathBuf};

/// The variable that has pictures written instead of compared.
const REWRITE: &str = "COMFYGLOW_REWRITE";

/// Pixels around each screen.
const MARGIN: usize = 6;
const GROUND: [u8; 3] = [0x50, 0x54, 0x5c];

/// A picture of red, green and blue.
pub(crate) struct Sheet {
    width: usize,
    pixels: Vec<[u8; 3]>,
    cell: (usize, usize),
    columns: usize,
    scale: usize,
}

impl Sheet {
    /// Room for `count` screens of a size, so many in a row, each of their pixels `scale` wide.
    pub(crate) fn new((width, height): (usize, usize), count: usize, columns: usize, scale: usize) -> Self {
        let cell = (width * scale + MARGIN, height * scale + MARGIN);
        let all = (cell.0 * columns + MARGIN, cell.1 * count.div_ceil(columns) + MARGIN);
        Self { width: all.0, pixels: vec![GROUND; all.0 * all.1], cell, columns, scale }
    }

    /// Puts a screen at its place.
    pub(crate) fn put(&mut self, place: usize, width: usize, screen: &[[u8; 3]]) {
        let (left, top) = self.corner(place);
        for (at, pixel) in screen.iter().enumerate() {
            for cell in 0..self.scale * self.scale {
                let x = left + at % width * self.scale + cell % self.scale;
                let y = top + at / width * self.scale + cell / self.scale;
                self.pixels[y * self.width + x] = *pixel;
            }
        }
    }

    fn corner(&self, place: usize) -> (usize, usize) {
        (MARGIN + place % self.columns * self.cell.0, MARGIN + place / self.columns * self.cell.1)
    }

    /// Compares with the picture that is kept, or keeps this one. `names` are the screens'.
    pub(crate) fn check(&self, file: &str, names: &[&str]) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ui/goldens").join(file).with_extension("png");
        if std::env::var_os(REWRITE).is_some() {
            self.write(&path);
            return;
        }
        let kept = read(&path);
        assert_eq!(kept.len(), self.pixels.len(), "{file} has another size: {REWRITE}=1 writes it");
        let differs = |(place, _): &(usize, &&str)| {
            let (left, top) = self.corner(*place);
            (top..top + self.cell.1 - MARGIN).any(|y| {
                let row = y * self.width + left..y * self.width + left + self.cell.0 - MARGIN;
                kept[row.clone()] != self.pixels[row]
            })
        };
        let different: Vec<_> = names.iter().enumerate().filter(differs).map(|(_, name)| name).collect();
        assert!(kept == self.pixels, "{file} shows {different:?} otherwise: look, and {REWRITE}=1 writes it");
    }

    fn write(&self, path: &PathBuf) {
        let file = File::create(path).unwrap();
        let (width, height) = (self.width, self.pixels.len() / self.width);
        let mut encoder =
            png::Encoder::new(BufWriter::new(file), u32::try_from(width).unwrap(), u32::try_from(height).unwrap());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(self.pixels.as_flattened()).unwrap();
    }
}

fn read(path: &PathBuf) -> Vec<[u8; 3]> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}; {REWRITE}=1 writes it", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    bytes[..info.buffer_size()].as_chunks().0.to_vec()
}
