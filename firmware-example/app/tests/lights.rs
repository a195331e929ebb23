//! A strip of LEDs is told what changes, and now and then what stays; one that fails is tried again.
use std::{cell::RefCell, pin::pin, rc::Rc};

use comfyglow_app::{Gadget, LEDS, Settings, Start, Strip, setup::limits, ui::leds::RGB8};
use embassy_futures::poll_once;
use embassy_time::{Duration, MockDriver};

/// What a strip was told, and whether it can be.
#[derive(Clone, Default)]
struct Told(Rc<RefCell<(Vec<Vec<RGB8>>, bool)>>);

impl Strip for Told {
    type Error = ();

    async fn show(&mut self, colours: &[RGB8]) -> Result<(), ()> {
        let (told, fails) = &mut *self.0.borrow_mut();
        told.push(colours.to_vec());
        if *fails { Err(()) } else { Ok(()) }
    }
}

#[test]
fn a_strip_is_told_what_there_is_to_see() {
    assert_eq!(LEDS, usize::from(limits::LEDS));
    let settings = Settings::parse("server=desk leds=5 leds-brightness=40").unwrap();
    let settings = Box::leak(Box::new(settings));
    let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, 1))), Start::default());
    let told = Told::default();
    let mut strip = told.clone();
    let mut light = pin!(gadget.light(&mut strip));
    let mut pass = |frames| {
        told.0.borrow_mut().0.clear();
        for _ in 0..frames {
            assert!(poll_once(light.as_mut()).is_pending());
            MockDriver::get().advance(Duration::from_millis(40));
        }
        told.0.borrow().0.clone()
    };
    // It starts: a breath of blue.
    let seen = pass(50);
    assert!(seen.len() > 25, "{} pictures within 2 s", seen.len());
    let brightest = seen.iter().flatten().map(|led| led.r.max(led.g).max(led.b)).max();
    assert!(seen.iter().all(|colours| colours.len() == 5));
    assert!(brightest.is_some_and(|brightest| (20..=102).contains(&brightest)), "{brightest:?}");
    // The wire is cut: it is tried each second.
    told.0.borrow_mut().1 = true;
    assert_eq!(pass(100).len(), 4);
    told.0.borrow_mut().1 = false;
    assert!(pass(50).len() > 20);
}

#[test]
fn a_gadget_without_leds_says_nothing() {
    let settings = Box::leak(Box::new(Settings::parse("server=desk").unwrap()));
    let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, 1))), Start::default());
    let told = Told::default();
    let mut strip = told.clone();
    let mut light = pin!(gadget.light(&mut strip));
    for _ in 0..10 {
        assert!(poll_once(light.as_mut()).is_pending());
    }
    assert!(told.0.borrow().0.is_empty());
}
