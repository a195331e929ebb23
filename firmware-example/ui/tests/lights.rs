//! What a strip of LEDs shows, and how bright it is at most.

mod support;

use comfyglow_core::{
    state::{Percentage, PromptState},
    time::Instant,
    view::{PromptView, View},
};
use comfyglow_ui::{Scene, leds};
use leds::RGB8;
use support::{Still, percent, prompt, sheet::Sheet, stills};

const LONG: usize = 16;

fn lights(still: &Still, percentage: Option<Percentage>, now: Instant, brightness: u8) -> [RGB8; LONG] {
    let mut strip = [RGB8::default(); LONG];
    leds::paint(&Scene { percentage, ..still.scene() }, now, &mut strip, brightness);
    strip
}

fn running(percentage: Option<Percentage>) -> Still {
    let mut still = stills().into_iter().find(|still| still.name == "running").unwrap();
    let view = still.view.unwrap();
    still.view = Some(View { prompt: Some(PromptView { percentage, ..prompt() }), ..view });
    still
}

fn brightest(strip: &[RGB8]) -> u8 {
    strip.iter().flat_map(|led| [led.r, led.g, led.b]).max().unwrap_or(0)
}

/// Every screen at six moments.
#[test]
fn every_light() {
    let stills = stills();
    let mut sheet = Sheet::new((LONG, 1), stills.len() * 6, 6, 12);
    for (row, still) in stills.iter().enumerate() {
        for moment in 0..6 {
            let strip = lights(still, None, Instant::from_millis(moment * 500), 255);
            let place = row * 6 + usize::try_from(moment).unwrap();
            sheet.put(place, LONG, &strip.map(|led| [led.r, led.g, led.b]));
        }
    }
    let names: Vec<_> = stills.iter().flat_map(|still| [still.name; 6]).collect();
    sheet.check("leds", &names);
}

#[test]
fn nothing_is_brighter_than_allowed() {
    for still in stills() {
        for brightness in [0, 1, 7, 40, 128, 255] {
            let over = (0..60)
                .map(|tick| lights(&still, None, Instant::from_millis(tick * 97), brightness))
                .find(|strip| brightest(strip) > brightness);
            assert!(over.is_none(), "{} at {brightness}: {over:?}", still.name);
        }
    }
}

#[test]
fn the_bar_grows_smoothly_to_its_end() {
    let mut before = [RGB8::default(); LONG];
    for tenths in 0..=1_000 {
        let percentage = Percentage::from_millionths(tenths * 100_000);
        let strip = lights(&running(Some(percentage)), Some(percentage), Instant::ZERO, 255);
        assert!(strip.iter().zip(&before).all(|(led, was)| led.b >= was.b), "falls at {tenths} tenths");
        before = strip;
    }
    assert!(before.iter().all(|led| led.b == 255));
    let half = lights(&running(Some(percent(50))), Some(percent(50)), Instant::ZERO, 255);
    assert_eq!((half[7].b, half[8].b), (255, 0));
}

#[test]
fn where_nobody_knows_a_light_wanders() {
    let still = running(None);
    let at = |ms| lights(&still, None, Instant::from_millis(ms), 255);
    assert_eq!((at(0)[0].b, at(0)[15].b), (255, 0));
    assert_eq!((at(1_500)[0].b, at(1_500)[15].b), (0, 255));
}

#[test]
fn an_end_is_seen_at_any_moment_but_between_two_flashes() {
    for still in stills() {
        let state = still.view.and_then(|view| view.prompt).map(|prompt| prompt.state);
        let moments =
            [0, 130, 500, 1_000, 2_999].map(|ms| brightest(&lights(&still, None, Instant::from_millis(ms), 255)));
        match state {
            Some(PromptState::Success) => assert_eq!(moments, [255; 5], "{}", still.name),
            Some(PromptState::Error) => {
                assert_eq!((moments[0], moments[1]), (255, 0), "{}", still.name);
                assert!(moments[2..].iter().all(|&level| level > 80), "{}", still.name);
            }
            _ => {}
        }
    }
}

#[test]
fn a_strip_may_be_of_any_length() {
    let running = running(None);
    leds::paint(&running.scene(), Instant::ZERO, &mut [], 255);
    let mut one = [RGB8::default()];
    leds::paint(&running.scene(), Instant::ZERO, &mut one, 255);
    assert_eq!(one[0].b, 255);
}
