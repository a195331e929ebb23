//! `comfyglow flash` as far as it goes without a chip.
#![cfg(all(unix, feature = "boards"))]

mod support;

use std::{fs, path::Path};

use comfyglow::board::{Chip, Image};
use comfyglow_setup::Settings;
use support::{
    Ran,
    board::{FakeBoard, Script},
    comfyglow, elf,
};

/// What `comfyglow flash` with `args` does in `folder`.
fn flash(folder: &Path, args: &[&str]) -> Ran {
    let all: Vec<&str> = ["flash", "--json"].iter().chain(args).copied().collect();
    Ran::of(comfyglow(&all).current_dir(folder).output().expect("the command starts"))
}

fn made(chip: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("target/esp32")).expect("a folder");
    fs::write(folder.path().join(format!("target/esp32/comfyglow-{chip}.elf")), elf::image(chip)).expect("a file");
    folder
}

#[test]
fn a_dry_run_tells_what_would_be_written_where_and_writes_nothing() {
    let saved = Settings::parse("ssid=home server=127.1:1").expect("they are settings");
    let board = FakeBoard::new(Script { saved: saved.clone(), ..Script::default() });
    let (folder, port) = (made("esp32c3"), board.port());
    let ran = flash(folder.path(), &["--dry-run", "--port", &port, "password=correct horse", "leds=8"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let plan: Vec<String> =
        ran.json().iter().filter(|line| line["step"] == "plan").map(|line| line["message"].to_string()).collect();
    for part in ["bootloader", "at 0x000000", "partitions", "at 0x008000", "firmware", "at 0x010000", "stays as it is"]
    {
        assert!(plan.iter().any(|line| line.contains(part)), "{part}: {plan:?}");
    }
    assert!(plan.last().is_some_and(|line| line.contains("password=(set)") && line.contains("leds=8")), "{plan:?}");
    assert!(!format!("{ran:?}").contains("correct horse"));
    assert_eq!((board.saved(), board.starts()), (saved, 0));
}

#[test]
fn a_dry_run_needs_no_board() {
    let ran = flash(made("esp32c6").path(), &["--dry-run", "ssid=home", "server=127.1:1"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.last()["message"], "Nothing was written: this was a dry run.");
}

#[test]
fn images_that_cannot_be_used_are_told() {
    let folder = made("esp32c3");
    let text = folder.path().join("text.elf");
    fs::write(&text, "no image").expect("it is written");
    let text = text.to_str().expect("UTF-8");
    let half = folder.path().join("half.elf");
    fs::write(&half, &elf::image("esp32c3")[..300]).expect("it is written");
    let half = half.to_str().expect("UTF-8");
    for (args, said) in [
        (&["--image", "none.elf"][..], "there is no image none.elf"),
        (&["--image", text], "no ELF file"),
        (&["--image", half, "--chip", "esp32c3"], "can't be used"),
        (
            &["--image", "target/esp32/comfyglow-esp32c3.elf", "--chip", "esp32c6"],
            "is for an esp32c3, not for an esp32c6",
        ),
        (&["--chip", "esp32c6"], "there is no image target/esp32/comfyglow-esp32c6.elf"),
    ] {
        let ran = flash(folder.path(), &[args, &["--dry-run"]].concat());
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.last()["message"].as_str().is_some_and(|words| words.contains(said)), "{ran:?}");
    }
}

#[test]
fn an_image_in_one_piece_has_each_part_in_its_place() {
    let folder = made("esp32c3");
    let image = Image::read(&folder.path().join(Image::file(Chip::Esp32c3)), None).expect("it is one");
    let merged = image.merged();
    for part in &image.parts {
        let at = part.offset as usize;
        assert_eq!(merged[at..at + part.bytes.len()], part.bytes[..], "{}", part.name);
    }
    assert_eq!(merged[0x1_0000], 0xE9, "the firmware begins as the bootloader wants it");
}
