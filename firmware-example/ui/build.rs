//! Packs the fonts, which are kept as pictures made of letters in `fonts/`, into tables.
//!
//! A picture is `'A'` in a line of its own, then its rows: `.` is empty, `#` full, `-` and `+` a third and two thirds.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

/// A font's file, what it is called in the program, and the feature that wants it.
const FONTS: [(&str, &str, Option<&str>); 8] = [
    ("text", "TEXT", None),
    ("head", "HEAD", None),
    ("number", "NUMBER", None),
    ("icons", "ICONS", None),
    ("large-text", "LARGE_TEXT", Some("CARGO_FEATURE_LARGE")),
    ("large-head", "LARGE_HEAD", Some("CARGO_FEATURE_LARGE")),
    ("large-number", "LARGE_NUMBER", Some("CARGO_FEATURE_LARGE")),
    ("large-icons", "LARGE_ICONS", Some("CARGO_FEATURE_LARGE")),
];

/// Codes of what is beyond ASCII.
const BEYOND: [(char, u8); 3] = [('…', 0x80), ('□', 0x81), ('·', 0x82)];

struct Glyph {
    code: u8,
    rows: Vec<Vec<u8>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=fonts");
    println!("cargo::rerun-if-changed=build.rs");
    let mut tables = String::new();
    for (file, name, feature) in FONTS {
        if feature.is_some_and(|feature| env::var_os(feature).is_none()) {
            continue;
        }
        let path = Path::new("fonts").join(file).with_extension("txt");
        let glyphs = read(&fs::read_to_string(&path)?).map_err(|why| format!("{}: {why}", path.display()))?;
        write_font(&mut tables, name, &glyphs)?;
    }
    if env::var_os("CARGO_FEATURE_LARGE").is_some() {
        write_sine(&mut tables)?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("fonts.rs"), tables)?;
    Ok(())
}

fn read(text: &str) -> Result<Vec<Glyph>, String> {
    let mut glyphs: Vec<Glyph> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(';')) {
        let mut characters = line.chars();
        if let (Some('\''), Some(c), Some('\''), None) =
            (characters.next(), characters.next(), characters.next(), characters.next())
        {
            let beyond = BEYOND.iter().find(|(character, _)| *character == c);
            let code = beyond.map(|(_, code)| *code).or_else(|| u8::try_from(c).ok());
            glyphs.push(Glyph { code: code.ok_or_else(|| format!("no code for {c:?}"))?, rows: Vec::new() });
            continue;
        }
        let glyph = glyphs.last_mut().ok_or("a row before the first glyph")?;
        let row = line.chars().map(|c| ".-+#".find(c).and_then(|level| u8::try_from(level).ok()));
        glyph.rows.push(row.collect::<Option<_>>().ok_or_else(|| format!("no row: {line}"))?);
    }
    glyphs.sort_by_key(|glyph| glyph.code);
    let (height, even) = (glyphs.first().map_or(0, |glyph| glyph.rows.len()), |glyph: &Glyph| {
        glyph.rows.iter().all(|row| row.len() == glyph.rows[0].len())
    });
    match glyphs.iter().find(|glyph| glyph.rows.len() != height || height == 0 || !even(glyph)) {
        Some(glyph) => Err(format!("the glyph {:?} isn't as high as the others, or ragged", char::from(glyph.code))),
        None => Ok(glyphs),
    }
}

fn write_font(tables: &mut String, name: &str, glyphs: &[Glyph]) -> Result<(), Box<dyn Error>> {
    let levels = || glyphs.iter().flat_map(|glyph| glyph.rows.iter().flatten().copied());
    // Pixel fonts are all or nothing: one bit a pixel, and a column between two glyphs, which the others bring along.
    let plain = levels().all(|level| level == 0 || level == 3);
    let depth = if plain { 1 } else { 2 };
    let mut bits = Vec::new();
    for (place, level) in levels().enumerate() {
        let at = place * depth;
        if at % 8 == 0 {
            bits.push(0);
        }
        let value = if plain { level & 1 } else { level };
        *bits.last_mut().ok_or("no bits")? |= value << (8 - depth - at % 8);
    }
    let codes: Vec<u8> = glyphs.iter().map(|glyph| glyph.code).collect();
    // Where each glyph's columns begin, and where the last one's end.
    let starts: Vec<usize> = glyphs.iter().fold(vec![0], |mut starts, glyph| {
        starts.push(starts[starts.len() - 1] + glyph.rows[0].len());
        starts
    });
    let height = glyphs[0].rows.len();
    writeln!(
        tables,
        "pub(crate) static {name}: Font = Font {{ height: {height}, depth: {depth}, spacing: {}, codes: &{codes:?}, \
         starts: &{starts:?}, bits: &{bits:?} }};",
        u8::from(plain)
    )?;
    Ok(())
}

/// The sines of a quarter turn in 64 parts, of 16,384: a microcontroller has the table, not the function.
fn write_sine(tables: &mut String) -> Result<(), Box<dyn Error>> {
    let sines: Vec<String> = (0..=64_u8)
        .map(|part| format!("{:.0}", (f64::from(part) / 64.0 * std::f64::consts::FRAC_PI_2).sin() * 16_384.0))
        .collect();
    writeln!(tables, "pub(crate) static SINE: [i16; 65] = [{}];", sines.join(", "))?;
    Ok(())
}
