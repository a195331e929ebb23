//! Pictures for previews: small, real ones, so that a client under test can decode them.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};

use super::messages::{Format, Image};

/// A JPEG of 24 × 24 pixels, as a node of a real server sent it.
const JPEG: &[u8] = include_bytes!("preview.jpg");

/// A preview of at least `bytes` bytes; a PNG's colour follows `part`, 0 to 1, how much is done.
pub(super) fn preview(format: Format, part: f64, bytes: usize) -> Image {
    let bytes = match format {
        Format::Jpeg => jpeg(bytes),
        Format::Png => png(part, bytes),
    };
    Image { format, bytes }
}

/// The JPEG, with comment segments behind its first marker until it's as long as asked for.
fn jpeg(bytes: usize) -> Vec<u8> {
    const SEGMENT: usize = 65_535;
    let (start, rest) = JPEG.split_at(2);
    let mut file = start.to_vec();
    while file.len() + rest.len() < bytes {
        let length = (bytes - file.len() - rest.len()).clamp(4, SEGMENT + 2) - 2;
        file.extend([0xff, 0xfe]);
        file.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        file.resize(file.len() + length - 2, b' ');
    }
    file.extend(rest);
    file
}

/// A PNG of one colour, uncompressed, with as many rows as it takes.
fn png(part: f64, bytes: usize) -> Vec<u8> {
    const WIDTH: u32 = 64;
    let rows = u32::try_from(bytes / (1 + 3 * WIDTH as usize)).unwrap_or(u32::MAX).saturating_add(1).max(64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let grey = (part.clamp(0.0, 1.0) * 255.0) as u8;
    let row: Vec<u8> = std::iter::once(0).chain((0..WIDTH).flat_map(|_| [grey, 128, 255 - grey])).collect();
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::none());
    for _ in 0..rows {
        // Writing to a Vec can't fail.
        let _ = pixels.write_all(&row);
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&WIDTH.to_be_bytes()[..], &rows.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &pixels.finish().unwrap_or_default());
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&name);
    crc.update(data);
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend(name);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_as_large_as_asked() {
        for bytes in [0, 1000, 70_000, 500_000] {
            for format in [Format::Jpeg, Format::Png] {
                let image = preview(format, 0.5, bytes).bytes;
                assert!(image.len() >= bytes && image.len() < bytes + 20_000, "{format:?} {bytes}: {}", image.len());
            }
        }
        assert!(preview(Format::Jpeg, 0.5, 70_000).bytes.ends_with(&[0xff, 0xd9]));
    }
}
