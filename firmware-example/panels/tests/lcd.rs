//! Displays of colours: what is drawn is seen, pixel for pixel, by chips that take offence.

mod support;
#[path = "../../ui/tests/support/mod.rs"]
mod ui;

use std::pin::pin;

use comfyglow_app::{Panel, setup::Display};
use comfyglow_core::time::Instant;
use comfyglow_panels::lcd::{DISPLAYS, Lcd, Model, Pins};
use comfyglow_rig::lcd::{Glass, Wire, Wires};
use comfyglow_ui::{Options, Shape, Surface, Ui};
use embassy_futures::poll_once;
use embassy_time::{Duration, MockDriver};
use embedded_graphics_core::{
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    pixelcolor::{IntoStorage, Rgb565},
    primitives::Rectangle,
};
use support::check_fixture;
use ui::{Canvas, stills};

/// A module for each model, and whether it lies.
const MODULES: [(Model, Glass, bool); 4] = [
    (Model::St7789Of135x240, Glass::SMALL, false),
    (Model::St7789Of240x135, Glass::SMALL, true),
    (Model::St7789Of240x240, Glass::SQUARE, false),
    (Model::Gc9a01Of240x240, Glass::ROUND, false),
];

type Module<'a> = Lcd<'a, Wires, Wire, Wire, Wires, Wires>;

fn lcd<'a>(model: Model, wires: &Wires, buffer: &'a mut [u8]) -> Module<'a> {
    let pins = Pins { data: wires.data(), reset: wires.reset(), light: wires.clone() };
    Lcd::new(wires.clone(), pins, wires.clone(), model, buffer)
}

/// Starts it; what it waits for passes.
fn start(lcd: &mut Module<'_>, wires: &Wires, brightness: u8) {
    let mut start = pin!(lcd.start(brightness));
    loop {
        if let std::task::Poll::Ready(started) = poll_once(start.as_mut()) {
            return started.unwrap();
        }
        MockDriver::get().advance(Duration::from_millis(1));
        wires.pass(1_000);
    }
}

#[test]
fn every_screen_is_seen_as_it_was_drawn() {
    for (model, glass, lies) in MODULES {
        let wires = Wires::new(glass);
        let mut buffer = [0; 512];
        let mut lcd = lcd(model, &wires, &mut buffer);
        start(&mut lcd, &wires, 100);
        let shape = if glass == Glass::ROUND { Shape::Round } else { Shape::Rectangle };
        for still in stills() {
            let options = Options { shape, ..Options::new() };
            let (mut ui, mut drawn) = (Ui::new(options), Ui::new(options));
            let mut canvas = Canvas::<Rgb565>::new(lcd.size().width, lcd.size().height);
            for now in [Instant::ZERO, still.now] {
                ui.compose(&still.scene(), now, Surface::of::<Rgb565>(lcd.size()));
                while !ui.show(&mut lcd).unwrap().finished {}
                drawn.draw(&still.scene(), now, &mut canvas).unwrap();
            }
            let wanted: Vec<_> = canvas.pixels.iter().map(|pixel| pixel.unwrap().into_storage()).collect();
            assert!(wires.module().picture(lies) == wanted, "{model:?} shows {} otherwise", still.name);
        }
    }
}

#[test]
fn models_are_the_setting_s() {
    let models: Vec<_> = Display::ALL.into_iter().filter_map(|display| Some((display, Model::of(display)?))).collect();
    assert_eq!(models.len(), Model::ALL.len());
    assert!(models.iter().all(|(display, _)| DISPLAYS.contains(display)));
    for ((display, model), (module, ..)) in models.into_iter().zip(MODULES) {
        assert_eq!((model, display.size()), (module, model.size()));
    }
}

#[test]
fn what_is_said_at_the_start_is_known() {
    for (model, glass, lies) in MODULES {
        let wires = Wires::new(glass);
        let mut buffer = [0; 512];
        let mut lcd = lcd(model, &wires, &mut buffer);
        start(&mut lcd, &wires, 60);
        assert_eq!(wires.module().light(), 60);
        assert!(wires.module().picture(lies).iter().all(|pixel| *pixel == 0), "noise is seen");
        let said: Vec<_> = wires.commands().into_iter().map(|(command, arguments)| said(command, &arguments)).collect();
        check_fixture(&format!("{model:?}"), &(said.join("\n") + "\n"));
        // Once more, as after a cable came loose.
        start(&mut lcd, &wires, 60);
        assert!(wires.module().picture(lies).iter().all(|pixel| *pixel == 0));
    }
}

fn said(command: u8, arguments: &[u8]) -> String {
    let command = [&[command], arguments].concat();
    support::hex(&command)
}

#[test]
fn what_is_outside_is_left_out() {
    let wires = Wires::new(Glass::SMALL);
    let mut buffer = [0; 64];
    let mut lcd = lcd(Model::St7789Of135x240, &wires, &mut buffer);
    start(&mut lcd, &wires, 100);
    let area = Rectangle::new(Point::new(-1, 239), Size::new(137, 2));
    lcd.fill_contiguous(&area, std::iter::repeat(Rgb565::new(31, 63, 31))).unwrap();
    let picture = wires.module().picture(false);
    assert!(picture[..239 * 135].iter().all(|pixel| *pixel == 0));
    assert!(picture[239 * 135..].iter().all(|pixel| *pixel == 0xFFFF));
}
