//! Every screen on every display, compared pixel for pixel with the pictures in `goldens/`; `COMFYGLOW_REWRITE=1` writes
//! them. They are what the README shows.

mod support;

use comfyglow_core::time::Instant;
use comfyglow_ui::{Ink, Options, Shape, Ui};
use embedded_graphics_core::pixelcolor::{BinaryColor, Gray4, GrayColor, Rgb888, RgbColor};
use support::{Canvas, sheet::Sheet, stills};

fn check<C: Ink>(
    file: &str,
    (width, height): (u32, u32),
    shape: Shape,
    grid: (usize, usize),
    seen: impl Fn(C) -> [u8; 3],
) {
    let stills = stills();
    let size = (width as usize, height as usize);
    let mut sheet = Sheet::new(size, stills.len(), grid.0, grid.1);
    for (place, still) in stills.iter().enumerate() {
        let mut canvas = Canvas::<C>::new(width, height);
        let mut ui = Ui::new(Options { shape, ..Options::new() });
        ui.draw(&still.scene(), Instant::ZERO, &mut canvas).unwrap();
        ui.draw(&still.scene(), still.now, &mut canvas).unwrap();
        let mut pixels: Vec<_> =
            canvas.pixels.iter().map(|&pixel| seen(pixel.expect("all of the display is painted"))).collect();
        if shape == Shape::Round {
            let middle = i64::from(width) - 1;
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let from_middle = |place: usize| 2 * i64::try_from(place).unwrap() - middle;
                let (x, y) = (from_middle(at % size.0), from_middle(at / size.0));
                if x * x + y * y > (middle + 1) * (middle + 1) {
                    let at_edge = x * x + y * y <= (middle + 3) * (middle + 3);
                    assert!(
                        at_edge || *pixel == [0; 3],
                        "{} shows something where a round display has no pixels",
                        still.name
                    );
                    *pixel = [0x30, 0x32, 0x36];
                }
            }
        }
        sheet.put(place, size.0, &pixels);
    }
    let names: Vec<_> = stills.iter().map(|still| still.name).collect();
    sheet.check(file, &names);
}

fn mono(on: BinaryColor) -> [u8; 3] {
    if on.is_on() { [0xe8, 0xf4, 0xff] } else { [0; 3] }
}

fn grey(grey: Gray4) -> [u8; 3] {
    // As an OLED shows it: with a yellowish tinge.
    let luma = u16::from(grey.luma()) * 17;
    [luma, luma * 15 / 16, luma * 11 / 16].map(|channel| u8::try_from(channel).unwrap())
}

fn colour(colour: Rgb888) -> [u8; 3] {
    [colour.r(), colour.g(), colour.b()]
}

#[test]
fn mono_72_by_40() {
    check("mono-72x40", (72, 40), Shape::Rectangle, (5, 2), mono);
}

#[test]
fn mono_128_by_32() {
    check("mono-128x32", (128, 32), Shape::Rectangle, (4, 2), mono);
}

#[test]
fn mono_128_by_64() {
    check("mono-128x64", (128, 64), Shape::Rectangle, (4, 2), mono);
}

#[test]
fn grey_128_by_64() {
    check("grey-128x64", (128, 64), Shape::Rectangle, (4, 2), grey);
}

#[test]
fn grey_128_by_96() {
    check("grey-128x96", (128, 96), Shape::Rectangle, (4, 2), grey);
}

#[test]
fn colour_135_by_240() {
    check("colour-135x240", (135, 240), Shape::Rectangle, (7, 1), colour);
}

#[test]
fn colour_240_by_240() {
    check("colour-240x240", (240, 240), Shape::Rectangle, (4, 1), colour);
}

#[test]
fn colour_240_by_240_round() {
    check("colour-240x240-round", (240, 240), Shape::Round, (4, 1), colour);
}
