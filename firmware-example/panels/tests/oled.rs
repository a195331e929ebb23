//! OLEDs: what is drawn is seen, pixel for pixel, by chips that take offence; a bus that fails is got over.

#[path = "support/mod.rs"]
mod support;
#[path = "../../ui/tests/support/mod.rs"]
mod ui;

use std::pin::pin;

use comfyglow_app::{Gadget, Panel, Settings, Start, setup::Display};
use comfyglow_core::time::Instant;
use comfyglow_panels::oled::{ADDRESS, DISPLAYS, Error, Model, Oled};
use comfyglow_rig::oled::{Bus, Fate, Glass};
use comfyglow_ui::{Options, Ui};
use embassy_futures::{block_on, poll_once};
use embassy_time::{Duration, MockDriver};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    pixelcolor::BinaryColor,
    primitives::Rectangle,
};
use ssd1306::{I2CDisplayInterface, Ssd1306, mode::DisplayConfig, prelude::*};
use support::check_fixture;
use ui::{sheet::Sheet, stills};

/// A module for each model, its name, and how many of its pictures are in a row of the sheet that shows them all.
const MODULES: [(Model, Glass, &str, usize, usize); 4] = [
    (Model::Ssd1306Of72x40, Glass::TINY, "72x40", 5, 2),
    (Model::Ssd1306Of128x32, Glass::STRIP, "128x32", 4, 2),
    (Model::Ssd1306Of128x64, Glass::CARD, "128x64", 4, 2),
    (Model::Sh1106Of128x64, Glass::WIDE, "128x64", 4, 2),
];

fn start(model: Model, glass: Glass) -> (Bus, Oled<Bus>) {
    let bus = Bus::new(glass, ADDRESS);
    let mut oled = Oled::new(bus.clone(), ADDRESS, model);
    block_on(oled.start(100)).unwrap();
    (bus, oled)
}

/// Draws and flushes as the app does, a slice at a time.
fn show(ui: &mut Ui, oled: &mut Oled<Bus>) -> Result<(), Error<embedded_hal::i2c::ErrorKind>> {
    loop {
        let drawn = ui.show(oled)?;
        if drawn.pixels > 0 {
            block_on(oled.flush(drawn.area))?;
        }
        if drawn.finished {
            return Ok(());
        }
    }
}

#[test]
fn every_screen_is_seen_as_it_was_drawn() {
    for (model, glass, size, columns, scale) in MODULES {
        let stills = stills();
        let mut sheet = Sheet::new((glass.width, glass.height), stills.len(), columns, scale);
        let (bus, mut oled) = start(model, glass);
        let surface = comfyglow_ui::Surface::of::<BinaryColor>(oled.size());
        for (place, still) in stills.iter().enumerate() {
            // One display shows them all, one after the other: what changes is sent, and nothing of the last stays.
            let mut ui = Ui::new(Options { pixels_at_once: 512, ..Options::new() });
            for now in [Instant::ZERO, still.now] {
                ui.compose(&still.scene(), now, surface);
                show(&mut ui, &mut oled).unwrap();
            }
            let seen = bus.module().picture().into_iter().map(|lit| if lit { [0xe8, 0xf4, 0xff] } else { [0; 3] });
            sheet.put(place, glass.width, &seen.collect::<Vec<_>>());
        }
        let names: Vec<_> = stills.iter().map(|still| still.name).collect();
        sheet.check(&format!("mono-{size}"), &names);
    }
}

#[test]
fn models_are_the_setting_s() {
    let models: Vec<_> = Display::ALL.into_iter().filter_map(|display| Some((display, Model::of(display)?))).collect();
    assert_eq!(models.len(), Model::ALL.len());
    assert!(models.iter().all(|(display, _)| DISPLAYS.contains(display)));
    for ((display, model), (module, glass, ..)) in models.into_iter().zip(MODULES) {
        assert_eq!(model, module);
        let (width, height) = model.size();
        assert_eq!(display.size(), (width.into(), height.into()));
        assert_eq!((usize::from(width), usize::from(height)), (glass.width, glass.height));
    }
}

#[test]
fn what_is_said_at_the_start_is_known() {
    for (model, glass, ..) in MODULES {
        let (bus, _) = start(model, glass);
        let said: Vec<String> = bus.transactions().iter().map(|bytes| support::hex(bytes)).collect();
        check_fixture(&format!("{model:?}"), &(said.join("\n") + "\n"));
        assert!(bus.module().is_on());
        assert!(bus.module().picture().iter().all(|lit| !lit), "noise is seen");
    }
}

#[test]
fn brightness_is_contrast() {
    for (percent, contrast) in [(0, 1), (1, 2), (50, 127), (100, 255), (200, 255)] {
        let bus = Bus::new(Glass::CARD, ADDRESS);
        block_on(Oled::new(bus.clone(), ADDRESS, Model::Ssd1306Of128x64).start(percent)).unwrap();
        assert_eq!(bus.module().contrast(), contrast);
    }
}

#[test]
fn a_picture_that_stays_is_dimmed() {
    let (bus, mut oled) = start(Model::Ssd1306Of128x64, Glass::CARD);
    bus.transactions();
    block_on(oled.rest(299)).unwrap();
    assert!(bus.transactions().is_empty());
    block_on(oled.rest(300)).unwrap();
    block_on(oled.rest(400)).unwrap();
    assert_eq!((bus.transactions().len(), bus.module().contrast()), (1, 31));
    block_on(oled.flush(Rectangle::new(Point::zero(), Size::new(1, 1)))).unwrap();
    assert_eq!(bus.module().contrast(), 255);
}

#[test]
fn only_what_changed_is_sent() {
    let (bus, mut oled) = start(Model::Sh1106Of128x64, Glass::WIDE);
    bus.transactions();
    let area = Rectangle::new(Point::new(10, 7), Size::new(5, 2));
    oled.fill_contiguous(&area, std::iter::repeat(BinaryColor::On)).unwrap();
    block_on(oled.flush(area)).unwrap();
    let sent = bus.transactions();
    assert_eq!(
        sent,
        [
            vec![0x80, 0xB0, 0x80, 0x0C, 0x80, 0x10, 0x40, 0x80, 0x80, 0x80, 0x80, 0x80],
            vec![0x80, 0xB1, 0x80, 0x0C, 0x80, 0x10, 0x40, 1, 1, 1, 1, 1],
        ]
    );
    let lit = bus.module().picture().iter().filter(|lit| **lit).count();
    assert_eq!(lit, 10);
}

#[test]
fn what_is_outside_is_left_out() {
    let (bus, mut oled) = start(Model::Ssd1306Of72x40, Glass::TINY);
    let outside = [(-1, 0), (0, -1), (72, 0), (0, 40), (i32::MAX, i32::MIN)];
    oled.draw_iter(outside.map(|(x, y)| Pixel(Point::new(x, y), BinaryColor::On))).unwrap();
    block_on(oled.flush(Rectangle::new(Point::new(-10, -10), Size::new(200, 200)))).unwrap();
    assert!(bus.module().picture().iter().all(|lit| !lit));
}

/// Another driver, of many years and users, is understood by the model as well, and draws the same.
#[test]
fn another_driver_is_a_witness() {
    fn check<S: DisplaySize>(size: S, glass: Glass) {
        let bus = Bus::new(glass, ADDRESS);
        let interface = I2CDisplayInterface::new(bus.clone());
        let mut witness = Ssd1306::new(interface, size, DisplayRotation::Rotate0).into_buffered_graphics_mode();
        witness.init().unwrap();
        for still in stills() {
            let mut canvas = ui::Canvas::<BinaryColor>::new(S::WIDTH.into(), S::HEIGHT.into());
            Ui::new(Options::new()).draw(&still.scene(), still.now, &mut canvas).unwrap();
            let lit: Vec<_> = canvas.pixels.iter().map(|pixel| pixel.is_some_and(BinaryColor::is_on)).collect();
            for (at, lit) in (0_u32..).zip(&lit) {
                witness.set_pixel(at % u32::from(S::WIDTH), at / u32::from(S::WIDTH), *lit);
            }
            witness.flush().unwrap();
            assert_eq!(bus.module().picture(), lit, "{}", still.name);
        }
    }
    check(DisplaySize72x40, Glass::TINY);
    check(DisplaySize128x32, Glass::STRIP);
    check(DisplaySize128x64, Glass::CARD);
}

/// Runs the app's own task for so many milliseconds.
fn paint_through(fate: Fate, failing: Option<usize>) -> (usize, bool, Vec<bool>) {
    let settings = Box::leak(Box::new(Settings::new()));
    let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, 1))), Start::default());
    let bus = Bus::new(Glass::CARD, ADDRESS);
    if let Some(failing) = failing {
        bus.fails_after(failing, fate);
    }
    let mut oled = Oled::new(bus.clone(), ADDRESS, Model::Ssd1306Of128x64);
    let mut paint = pin!(gadget.paint(&mut oled));
    for _ in 0..60 {
        for _ in 0..30 {
            assert!(poll_once(paint.as_mut()).is_pending());
        }
        MockDriver::get().advance(Duration::from_millis(40));
    }
    let picture = bus.module().picture();
    (bus.transactions().len(), bus.is_to_fail(), picture)
}

#[test]
fn a_transaction_that_fails_is_got_over_wherever_it_is() {
    let (transactions, _, wanted) = paint_through(Fate::Refused, None);
    assert!(wanted.iter().any(|lit| *lit), "something is to be seen");
    assert!((10..200).contains(&transactions), "{transactions}");
    for fate in [Fate::Refused, Fate::Hangs] {
        for failing in 0..transactions {
            let (_, is_to_fail, seen) = paint_through(fate, Some(failing));
            assert!(!is_to_fail, "transaction {failing} was not reached");
            assert!(seen == wanted, "{fate:?} at transaction {failing} is still seen");
        }
    }
}

#[test]
fn nobody_there_is_an_error() {
    let bus = Bus::new(Glass::CARD, 0x3D);
    let mut oled = Oled::new(bus, ADDRESS, Model::Ssd1306Of128x64);
    assert!(matches!(block_on(oled.start(100)), Err(Error::Bus(_))));
}
