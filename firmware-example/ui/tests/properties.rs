//! Whatever a session says, and whatever the display's size.

mod support;

use comfyglow_core::{
    capacity::GadgetCapacity,
    number::Milli,
    state::{NetworkDown, Percentage, PromptState, State, Steps},
    time::{Duration, Instant},
    view::{ErrorView, PromptView, View},
};
use comfyglow_ui::{Choices, DoneStays, Ink, Network, Options, Scene, Shape, Sparkline, Ui, leds};
use embedded_graphics_core::pixelcolor::{BinaryColor, Gray2, Gray4, Rgb565};
use proptest::{collection, option, prelude::*, sample::select};
use support::{Canvas, connection};

fn sizes() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![
        select(vec![(72, 40), (128, 32), (128, 64), (128, 96), (135, 240), (240, 240)]),
        (0..300_u32, 0..300_u32),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let shape = select(vec![Shape::Rectangle, Shape::Round]);
    let at_once = prop_oneof![Just(u32::MAX), 1..2_000_u32];
    (shape, 0..40_u16, at_once).prop_map(|(shape, window_bytes, pixels_at_once)| Options {
        shape,
        window_bytes,
        pixels_at_once,
    })
}

fn networks() -> impl Strategy<Value = Network<'static>> {
    select(vec![
        Network::Up,
        Network::Up,
        Network::Up,
        Network::Starting,
        Network::Joining { name: None },
        Network::Unset,
        Network::Lost { name: Some("Café 采样器 with a name of 32 bytes"), why: NetworkDown::NotFound },
    ])
}

/// Draws until all is shown.
fn draw<C: Ink>(ui: &mut Ui, scene: &Scene<'_>, now: Instant, canvas: &mut Canvas<C>) {
    while !ui.draw(scene, now, canvas).unwrap().finished {}
}

/// A display that is drawn on again and again, with its colours.
struct Desk<C> {
    canvas: Canvas<C>,
    ui: Ui,
}

impl<C: Ink> Desk<C> {
    fn new(options: Options, (width, height): (u32, u32)) -> Self {
        Self { canvas: Canvas::new(width, height), ui: Ui::new(options) }
    }

    fn see(&mut self, scene: &Scene<'_>, now: Instant) -> Result<(), TestCaseError> {
        draw(&mut self.ui, scene, now, &mut self.canvas);
        let before = self.canvas.rectangles.len();
        draw(&mut self.ui, scene, now, &mut self.canvas);
        prop_assert_eq!(self.canvas.rectangles.len(), before, "drawn again, it draws nothing");
        prop_assert!(self.canvas.pixels.iter().all(Option::is_some), "all of the display is painted");
        let steps = self.canvas.pixels.clone();
        self.ui.forget();
        draw(&mut self.ui, scene, now, &mut self.canvas);
        prop_assert!(steps == self.canvas.pixels, "in steps it is another picture than at once");
        Ok(())
    }
}

/// Plays what a session may be told and looks at the display in between.
fn plays<C: Ink>(
    acts: &[(comfyglow_proptest::actions::Act, Duration)],
    options: Options,
    size: (u32, u32),
    network: Network<'_>,
    done_stays: DoneStays,
) -> Result<(), TestCaseError> {
    let mut state = State::<GadgetCapacity>::new();
    let mut desk = Desk::<C>::new(options, size);
    let mut choices = Choices::new().with_done_stays(done_stays);
    let mut now = Instant::ZERO;
    for (place, (act, wait)) in acts.iter().enumerate() {
        now = now.saturating_add(*wait);
        act.play(&mut state, now);
        let view = state.view(now);
        choices.follow(Some(&view), now);
        match place % 7 {
            2 => choices.next_page(),
            5 => choices.dismiss(),
            _ => {}
        }
        let percentage = view.prompt.and_then(|prompt| prompt.percentage);
        let sparkline = Sparkline::of(|| state.history().iter());
        desk.see(
            &Scene {
                network,
                server: "desk:8188",
                view: Some(view),
                percentage,
                sparkline: Some(&sparkline),
                choices: &choices,
                notice: None,
            },
            now,
        )?;
    }
    Ok(())
}

fn milli() -> impl Strategy<Value = Milli> {
    prop_oneof![any::<i64>(), 0..100_000_i64].prop_map(Milli::from_thousandths)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,60}", "[a-zA-Z_]{0,50}", any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_session_on_any_display(
        acts in comfyglow_proptest::actions(),
        options in options(),
        size in sizes(),
        network in networks(),
        seconds in option::of(0..20_u64),
        depth in 0..4_u8,
    ) {
        let acts = &acts[..acts.len().min(24)];
        let done_stays = seconds.map_or(DoneStays::UntilDismissed, |seconds| DoneStays::For(Duration::from_secs(seconds)));
        match depth {
            0 => plays::<BinaryColor>(acts, options, size, network, done_stays)?,
            1 => plays::<Gray2>(acts, options, size, network, done_stays)?,
            2 => plays::<Gray4>(acts, options, size, network, done_stays)?,
            _ => plays::<Rgb565>(acts, options, size, network, done_stays)?,
        }
    }

    #[test]
    fn any_figures_and_any_texts(
        (options, size, network) in (options(), sizes(), networks()),
        state in select(vec![PromptState::Running, PromptState::Success, PromptState::Error, PromptState::Interrupted, PromptState::Ended]),
        percentage in option::of(any::<u32>().prop_map(Percentage::from_millionths)),
        steps in option::of((milli(), milli())),
        texts in [text(), text(), text(), text()],
        (elapsed, eta, next) in (option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u64>())),
        (total, cached, finished, queue, warnings) in (option::of(any::<u32>()), option::of(any::<u32>()), any::<u32>(), option::of(any::<u32>()), any::<u32>()),
        moments in collection::vec(any::<u64>(), 1..6),
        details in any::<bool>(),
        strip in 0..40_usize,
        brightness in any::<u8>(),
    ) {
        let connection = connection();
        let [node, class, kind, message] = &texts;
        let error = ErrorView { node_id: Some(node), node_type: Some(class), exception_type: kind, exception_message: message, truncated: true };
        let prompt = PromptView {
            prompt_id: Some(node),
            state,
            is_settled: true,
            percentage,
            current_node: Some(node),
            current_class: Some(class.as_str()),
            steps: steps.and_then(|(value, max)| Steps::new(value, max)),
            elapsed: elapsed.map(Duration::from_micros),
            eta: eta.map(Duration::from_micros),
            nodes_total: total,
            nodes_cached: cached,
            nodes_finished: finished,
            outputs: 0,
            previews: 0,
            warnings,
            error: (state == PromptState::Error).then_some(error),
        };
        let view = View { connection: &connection, latency: next.map(Duration::from_micros), next_attempt: next.map(Duration::from_micros), queue_remaining: queue, prompt: Some(prompt) };
        let mut choices = Choices::new();
        if details {
            choices.next_page();
        }
        let mut desk = Desk::<Gray4>::new(options, size);
        let sparkline = support::sparkline();
        let mut lights = vec![leds::RGB8::default(); strip];
        for moment in moments {
            let now = Instant::from_micros(moment);
            choices.follow(Some(&view), now);
            let scene = Scene { network, server: message, view: Some(view), percentage, sparkline: Some(&sparkline), choices: &choices, notice: None };
            desk.see(&scene, now)?;
            leds::paint(&scene, now, &mut lights, brightness);
            let most = lights.iter().flat_map(|led| [led.r, led.g, led.b]).max().unwrap_or(0);
            prop_assert!(most <= brightness, "{most} is brighter than {brightness}");
        }
    }
}
