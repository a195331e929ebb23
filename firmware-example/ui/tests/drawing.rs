//! What is sent to a display: only what changed, only inside of it, and in the end the same as afresh.

mod support;

use comfyglow_core::{
    state::Percentage,
    time::{Duration, Instant},
    view::PromptView,
};
use comfyglow_ui::{Choices, Ink, Network, Options, Scene, Shape, Surface, Ui};
use embedded_graphics_core::{
    geometry::{Point, Size},
    pixelcolor::{BinaryColor, Gray2, Gray4, Rgb565},
    primitives::Rectangle,
};

use support::{Canvas, Still, connection, prompt, steps, stills, view};

const SIZES: [(u32, u32); 6] = [(72, 40), (128, 32), (128, 64), (128, 96), (135, 240), (240, 240)];

/// Frames a second.
const RATE: u64 = 30;

fn afresh<C: Ink>(still: &Still, options: Options, (width, height): (u32, u32)) -> Canvas<C> {
    let (mut canvas, mut ui) = (Canvas::new(width, height), Ui::new(options));
    // What wanders begins with the first frame.
    ui.draw(&still.scene(), Instant::ZERO, &mut canvas).unwrap();
    ui.forget();
    while !ui.draw(&still.scene(), still.now, &mut canvas).unwrap().finished {}
    canvas
}

/// Every screen after every other, on one display.
fn steps_lead_where_a_fresh_start_leads<C: Ink>(options: Options, (width, height): (u32, u32)) {
    let stills = stills();
    let (mut canvas, mut ui) = (Canvas::<C>::new(width, height), Ui::new(options));
    for stride in [1, 7] {
        for turn in 0..stills.len() {
            let still = &stills[turn * stride % stills.len()];
            // Away from the topic and back, so that it begins anew.
            let away = Still { network: Network::Starting, view: None, ..still.clone() };
            let draw = |ui: &mut Ui, still: &Still, now, canvas: &mut Canvas<C>| {
                while !ui.draw(&still.scene(), now, canvas).unwrap().finished {}
            };
            if turn % 2 == 0 {
                draw(&mut ui, &away, Instant::ZERO, &mut canvas);
            }
            ui.compose(&away.scene(), Instant::ZERO, Surface::of::<C>(canvas.size));
            draw(&mut ui, still, Instant::ZERO, &mut canvas);
            draw(&mut ui, still, still.now, &mut canvas);
            let fresh = afresh::<C>(still, options, (width, height));
            assert!(canvas.pixels == fresh.pixels, "{} on {width}×{height}", still.name);

            let before = canvas.rectangles.len();
            let drawn = ui.draw(&still.scene(), still.now, &mut canvas).unwrap();
            assert_eq!(canvas.rectangles.len(), before, "{}: drawn again, it draws nothing", still.name);
            assert_eq!((drawn.pixels, drawn.rectangles, drawn.finished), (0, 0, true));
        }
    }
}

#[test]
fn a_frame_drawn_in_steps_is_one_drawn_afresh() {
    for size in SIZES {
        steps_lead_where_a_fresh_start_leads::<Gray4>(Options::new(), size);
    }
    let at_once = Options { pixels_at_once: 300, ..Options::new() };
    steps_lead_where_a_fresh_start_leads::<BinaryColor>(at_once, (128, 64));
    steps_lead_where_a_fresh_start_leads::<Gray2>(Options { window_bytes: 0, ..at_once }, (128, 32));
    steps_lead_where_a_fresh_start_leads::<Rgb565>(Options { window_bytes: 11, ..at_once }, (135, 240));
    steps_lead_where_a_fresh_start_leads::<Rgb565>(Options { shape: Shape::Round, ..Options::new() }, (240, 240));
}

#[test]
fn a_ring_that_grows_is_the_ring() {
    let options = Options { shape: Shape::Round, ..Options::new() };
    let (mut canvas, mut ui) = (Canvas::<Rgb565>::new(240, 240), Ui::new(options));
    let mut running = stills().into_iter().find(|still| still.name == "running").unwrap();
    running.now = Instant::ZERO;
    let mut most = 0;
    for tenths in 0..=999 {
        let percentage = Some(Percentage::from_millionths(tenths * 100_000));
        running.view.as_mut().unwrap().prompt = Some(PromptView { percentage, ..prompt() });
        let drawn = ui.draw(&running.scene(), Instant::ZERO, &mut canvas).unwrap();
        // Besides the number.
        if tenths % 10 != 0 && tenths > 1 {
            most = most.max(drawn.pixels);
        }
        if tenths % 9 == 0 {
            let fresh = afresh::<Rgb565>(&running, options, (240, 240));
            assert!(canvas.pixels == fresh.pixels, "at {tenths} tenths");
        }
    }
    assert!(most < 1_500, "{most} pixels for a tenth of a percent");
}

/// What a step of a sampler that is `share` percent of the workflow costs on the way to a display of 128×64 greys, until
/// the bar has come to rest: the average, and the most.
fn bytes_of_steps(total: u32, share: u32) -> (u64, u64) {
    let (mut canvas, mut ui) = (Canvas::<Gray4>::new(128, 64), Ui::new(Options::new()));
    let choices = Choices::new();
    let mut smooth = comfyglow_core::progress::Smooth::new();
    let mut frame = 0;
    let bytes: Vec<_> = (0..=total)
        .map(|step| {
            let before = canvas.bytes;
            let percentage = Percentage::from_millionths(20_000_000 + share * 1_000_000 / total * step);
            // Two seconds a step.
            let prompt = PromptView {
                percentage: Some(percentage),
                steps: steps(step.into(), total.into()),
                eta: Some(Duration::from_secs(u64::from(total - step) * 2 + 5)),
                ..prompt()
            };
            let view = comfyglow_core::view::View { prompt: Some(prompt), ..view(connection()) };
            smooth.set(Instant::from_micros(frame * 1_000_000 / RATE), percentage);
            for _ in 0..2 * RATE {
                let now = Instant::from_micros(frame * 1_000_000 / RATE);
                let scene = Scene {
                    network: Network::Up,
                    server: "desk:8188",
                    view: Some(view),
                    percentage: Some(smooth.at(now)),
                    sparkline: None,
                    choices: &choices,
                    notice: None,
                };
                ui.draw(&scene, now, &mut canvas).unwrap();
                frame += 1;
            }
            canvas.bytes - before
        })
        .skip(1)
        .collect();
    (bytes.iter().sum::<u64>() / bytes.len() as u64, bytes.iter().copied().max().unwrap_or(0))
}

#[test]
fn a_step_takes_few_bytes() {
    // One of nine nodes of which nothing was learned; and one that is known to be most of the workflow.
    for (total, share, average) in [(20, 11, 200), (30, 11, 200), (50, 70, 300), (20, 70, 320)] {
        let (mean, most) = bytes_of_steps(total, share);
        println!("{total} steps of {share} %: {mean} bytes a step, {most} at most");
        assert!(mean <= average, "{mean} bytes a step, where {total} are {share} %");
        assert!(most <= 500, "{most} bytes for a step, where {total} are {share} %");
    }
}

#[test]
fn a_display_that_failed_is_painted_whole() {
    let still = &stills()[7];
    let (mut canvas, mut ui) = (Canvas::<Gray4>::new(128, 64), Ui::new(Options::new()));
    ui.draw(&stills()[0].scene(), still.now, &mut canvas).unwrap();
    canvas.fails_after = Some(canvas.rectangles.len() + 3);
    assert!(ui.draw(&still.scene(), still.now, &mut canvas).is_err());
    assert!(ui.draw(&still.scene(), still.now, &mut canvas).is_err());
    let mut canvas = Canvas::<Gray4>::new(128, 64);
    let drawn = ui.draw(&still.scene(), still.now, &mut canvas).unwrap();
    assert_eq!(drawn.area, Rectangle::new(Point::zero(), Size::new(128, 64)));
    assert!(canvas.pixels == afresh::<Gray4>(still, Options::new(), (128, 64)).pixels);
}

#[test]
fn a_slice_is_bounded() {
    let at_once = 500;
    let options = Options { pixels_at_once: at_once, ..Options::new() };
    let (mut canvas, mut ui) = (Canvas::<Gray4>::new(128, 64), Ui::new(options));
    for still in stills() {
        ui.compose(&still.scene(), still.now, Surface::of::<Gray4>(canvas.size));
        loop {
            let drawn = ui.show(&mut canvas).unwrap();
            assert!(drawn.pixels <= at_once + 128 * 11 * 2, "{}: {drawn:?}", still.name);
            if drawn.finished {
                break;
            }
        }
    }
}
