//! What is written of the board in several places is the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FOLDER, Image};
use crate::project::Project;

fn read(file: &str) -> String {
    let path = Project::read().unwrap().root.join(FOLDER).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pins of the table: what is wired to which GPIO of a C3, of a C6 and of an S3.
fn pins() -> BTreeMap<String, [String; 3]> {
    let source = read("src/pins.rs");
    let pins = source.lines().filter_map(|line| {
        let (name, gpios) = line.trim().strip_suffix(';')?.split_once(':')?;
        let mut gpios = gpios.split_whitespace().map(|gpio| gpio.strip_prefix("GPIO").map(str::to_owned));
        Some((name.to_owned(), [gpios.next()??, gpios.next()??, gpios.next()??]))
    });
    pins.collect()
}

#[test]
fn no_pin_has_two_jobs_on_one_board() {
    let pins = pins();
    assert_eq!(pins.len(), 11, "{pins:?}");
    // A display is on one bus or on the other.
    let oled = ["sda", "scl"];
    for chip in 0..3 {
        for on_i2c in [true, false] {
            let used = pins.iter().filter(|(name, _)| {
                ["button", "page", "leds"].contains(&name.as_str()) || oled.contains(&name.as_str()) == on_i2c
            });
            let mut used: Vec<_> = used.map(|(_, gpios)| &gpios[chip]).collect();
            let count = used.len();
            used.sort_unstable();
            used.dedup();
            assert_eq!(used.len(), count, "{pins:?}");
        }
    }
}

#[test]
fn the_simulator_s_wires_are_the_table_s() {
    let diagram: Value = serde_json::from_str(&read("diagram.json")).unwrap();
    let parts: Vec<_> = diagram["parts"].as_array().unwrap().iter().map(|part| part["id"].as_str().unwrap()).collect();
    let mut wires = BTreeMap::new();
    for connection in diagram["connections"].as_array().unwrap() {
        let [from, to] = [0, 1].map(|end| connection[end].as_str().unwrap().split_once(':').unwrap());
        assert!(parts.contains(&from.0) && parts.contains(&to.0), "{connection}");
        assert_eq!(to.0, "esp", "{connection}");
        if to.1.parse::<u8>().is_ok() {
            wires.insert(format!("{}:{}", from.0, from.1), to.1.to_owned());
        }
    }
    let pins = pins();
    let wanted = [("button:1.l", "button"), ("leds:DIN", "leds"), ("oled:SCL", "scl"), ("oled:SDA", "sda")];
    let wanted = wanted.map(|(wire, name)| (wire.to_owned(), pins[name][0].clone()));
    assert_eq!(wires, BTreeMap::from(wanted));
}

#[test]
fn the_simulator_runs_what_is_made() {
    let toml = read("wokwi.toml");
    let file = Image::file(super::Chip::Esp32c3.board());
    for name in ["firmware", "elf"] {
        let line = format!("{name} = \"../../{}\"", file.display());
        assert!(toml.lines().any(|said| said == line), "wokwi.toml lacks {line}");
    }
}

#[test]
fn the_readme_has_the_pins() {
    let readme = read("README.md");
    for (name, gpios) in pins() {
        let row = |line: &&str| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.len() == 5 && cells[0] == format!("`{name}`") && cells[2..] == gpios
        };
        assert!(readme.lines().any(|line| row(&line)), "README.md has no row of {name}, {gpios:?}");
    }
}

#[test]
fn the_flash_is_divided_as_the_program_believes() {
    let number = |text: &str| u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).unwrap();
    let mut last = 0;
    let table: BTreeMap<_, _> = read("partitions.csv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            let (offset, size) = (number(cells[3]), number(cells[4]));
            assert!(offset >= last && offset.is_multiple_of(0x1000) && size.is_multiple_of(0x1000), "{line}");
            last = offset + size;
            (cells[0].to_uppercase(), (offset, size))
        })
        .collect();
    assert!(last <= 4 * 1024 * 1024);
    let source = read("src/main.rs").replace('_', "");
    for (name, constant) in [("KEPT", "KEPT"), ("SETTINGS", "SETUP")] {
        let (offset, size) = table[name];
        let line = format!("const {constant}: (u32, u32) = (0x{offset:X}, 0x{size:X});");
        assert!(source.lines().any(|said| said == line), "main.rs lacks {line}");
    }
}

#[test]
fn the_page_for_beginners_has_the_pins() {
    let (pins, page) = (pins(), read("../../docs/esp32.md"));
    let picture = read("../../docs/wiring.svg");
    for (row, name) in [("OLED SCL", "scl"), ("OLED SDA", "sda"), ("LEDs DIN, through 330 Ω", "leds")] {
        let [c3, c6, _] = &pins[name];
        let row = format!("| {row} | GPIO {c3} | GPIO {c6} |");
        assert!(page.contains(&row), "docs/esp32.md lacks {row}");
        assert!(picture.contains(&format!(">GPIO {c3}<")), "docs/wiring.svg lacks GPIO {c3}");
    }
}
