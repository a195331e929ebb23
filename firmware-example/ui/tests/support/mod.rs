//! A display in memory, and scenes to be shown on it.
#![allow(dead_code, reason = "each test uses a part of it")]

use comfyglow_core::{
    capacity::GadgetCapacity,
    number::Milli,
    progress::ProgressPoint,
    state::{
        Connection, ConnectionStatus, Fault, FaultKind, NetworkDown, Percentage, PromptState, Source, State, Steps,
        Waiting, WaitingFor,
    },
    time::{Duration, Instant},
    view::{ErrorView, PromptView, View},
};
use comfyglow_ui::{Choices, Ink, Network, Notice, Scene, Sparkline};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{Dimensions, Point, Size},
    primitives::Rectangle,
};

pub(crate) mod sheet;

/// A display in memory, which counts what it is sent and takes offence at what is outside.
pub(crate) struct Canvas<C> {
    pub(crate) size: Size,
    pub(crate) pixels: Vec<Option<C>>,
    /// What would be on the way to the display: 6 bytes for each rectangle, and its pixels packed.
    pub(crate) bytes: u64,
    pub(crate) rectangles: Vec<Rectangle>,
    /// It fails after so many rectangles.
    pub(crate) fails_after: Option<usize>,
}

impl<C: Ink> Canvas<C> {
    /// A display of which nobody knows what it shows.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self {
            size: Size::new(width, height),
            pixels: vec![None; (width * height) as usize],
            bytes: 0,
            rectangles: Vec::new(),
            fails_after: None,
        }
    }
}

impl<C> Dimensions for Canvas<C> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
    }
}

impl<C: Ink> DrawTarget for Canvas<C> {
    type Color = C;
    type Error = &'static str;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(&mut self, _: I) -> Result<(), Self::Error> {
        panic!("single pixels are dear on a bus");
    }

    fn fill_solid(&mut self, area: &Rectangle, color: C) -> Result<(), Self::Error> {
        let count = (area.size.width * area.size.height) as usize;
        self.fill_contiguous(area, std::iter::repeat_n(color, count))
    }

    fn fill_contiguous<I: IntoIterator<Item = C>>(&mut self, area: &Rectangle, colors: I) -> Result<(), Self::Error> {
        if self.fails_after.is_some_and(|most| self.rectangles.len() >= most) {
            return Err("the bus is gone");
        }
        let inside = self.bounding_box().intersection(area);
        assert_eq!(inside, *area, "draws outside of the display");
        let (align, left, width) = (C::ALIGN, area.top_left.x.unsigned_abs(), area.size.width);
        assert_eq!(left % align, 0, "{area:?} begins amid a byte");
        assert!(width % align == 0 || left + width == self.size.width, "{area:?} ends amid a byte");
        let mut colors = colors.into_iter();
        for point in embedded_graphics_core::primitives::PointsIter::points(area) {
            let place = point.y.unsigned_abs() * self.size.width + point.x.unsigned_abs();
            self.pixels[place as usize] = Some(colors.next().expect("a rectangle has all its pixels"));
        }
        assert!(colors.next().is_none(), "a rectangle has no more than its pixels");
        self.bytes += 6 + u64::from((width * C::BITS).div_ceil(8) * area.size.height);
        self.rectangles.push(*area);
        Ok(())
    }
}

/// What a scene is made of, owned.
#[derive(Clone, Debug)]
pub(crate) struct Still {
    pub(crate) name: &'static str,
    pub(crate) network: Network<'static>,
    pub(crate) view: Option<View<'static>>,
    pub(crate) sparkline: Option<Sparkline>,
    pub(crate) choices: Choices,
    pub(crate) notice: Option<Notice<'static>>,
    /// Since the scene began.
    pub(crate) now: Instant,
}

impl Still {
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            network: self.network,
            server: "desk:8188",
            view: self.view,
            percentage: None,
            sparkline: self.sparkline.as_ref(),
            choices: &self.choices,
            notice: self.notice,
        }
    }
}

/// A connection that was made.
pub(crate) fn connection() -> Connection {
    let state = State::<GadgetCapacity>::new();
    let mut connection = *state.connection();
    connection.status = ConnectionStatus::Connected;
    connection
}

/// A connection that was lost.
pub(crate) fn lost(fault: FaultKind, why: WaitingFor, attempt: u32) -> Connection {
    let mut connection = connection();
    connection.status = if matches!(why, WaitingFor::Circuit) || Fault::new(fault).needs_a_person() {
        ConnectionStatus::Error
    } else {
        ConnectionStatus::Disconnected
    };
    connection.fault = Some(Fault::new(fault));
    connection.waiting = Some(Waiting { until: Instant::from_millis(60_000), why });
    connection.attempt = attempt;
    connection
}

/// A view of that connection, which lives as long as the tests.
pub(crate) fn view(connection: Connection) -> View<'static> {
    View {
        connection: Box::leak(Box::new(connection)),
        latency: Some(Duration::from_millis(3)),
        next_attempt: None,
        queue_remaining: Some(0),
        prompt: None,
    }
}

/// A prompt that has run for a while.
pub(crate) fn prompt() -> PromptView<'static> {
    PromptView {
        prompt_id: Some("5ba5e3c1-2b1f-4a53-9a58-5c6f2d0f4f11"),
        state: PromptState::Running,
        is_settled: true,
        percentage: Some(Percentage::from_millionths(42_300_000)),
        current_node: Some("7"),
        current_class: Some("KSampler"),
        steps: steps(12, 20),
        elapsed: Some(Duration::from_secs(59)),
        eta: Some(Duration::from_millis(83_400)),
        nodes_total: Some(9),
        nodes_cached: Some(2),
        nodes_finished: 3,
        outputs: 0,
        previews: 4,
        warnings: 0,
        error: None,
    }
}

/// How that prompt came to 42.3 %: a node that loads models, then one that samples, slower once the memory is full.
pub(crate) fn sparkline() -> Sparkline {
    let points = [(0, 0), (2_000, 40), (14_000, 110)].into_iter();
    let quick = (1..=8).map(|step| (14_000 + step * 1_500, 110 + step * 27));
    let slow = (1..=4).map(|step| (26_000 + step * 8_250, 326 + step * 24));
    let points: Vec<_> = points.chain(quick).chain(slow).collect();
    let point = |&(at_ms, permille): &(u32, u32)| ProgressPoint {
        at_ms,
        permille: u16::try_from(permille).ok(),
        value: 0,
        max: 0,
    };
    Sparkline::of(|| points.iter().map(point))
}

pub(crate) fn steps(value: i64, max: i64) -> Option<Steps> {
    Steps::new(Milli::from_thousandths(value * 1_000), Milli::from_thousandths(max * 1_000))
}

pub(crate) const fn percent(percent: u32) -> Percentage {
    Percentage::from_millionths(percent * 1_000_000)
}

/// A prompt that ended.
pub(crate) fn ended(state: PromptState) -> PromptView<'static> {
    PromptView {
        state,
        is_settled: true,
        percentage: if state == PromptState::Success { Some(Percentage::FULL) } else { prompt().percentage },
        current_node: None,
        current_class: None,
        steps: None,
        elapsed: Some(Duration::from_secs(142)),
        eta: None,
        ..prompt()
    }
}

pub(crate) fn failed(message: &'static str) -> PromptView<'static> {
    let error = ErrorView {
        node_id: Some("7"),
        node_type: Some("KSampler"),
        exception_type: "torch.cuda.OutOfMemoryError",
        exception_message: message,
        truncated: false,
    };
    PromptView { error: Some(error), ..ended(PromptState::Error) }
}

/// Every screen there is.
pub(crate) fn stills() -> Vec<Still> {
    let up = |name, view: View<'static>| Still {
        name,
        network: Network::Up,
        view: Some(view),
        sparkline: None,
        choices: Choices::new(),
        notice: None,
        now: Instant::from_millis(1_000),
    };
    let runs = |name, prompt: PromptView<'static>| {
        up(name, View { queue_remaining: Some(1), prompt: Some(prompt), ..view(connection()) })
    };
    let away = |name, fault, why, attempt, next: u64| {
        let view = view(lost(fault, why, attempt));
        up(name, View { next_attempt: (next > 0).then(|| Duration::from_millis(next)), ..view })
    };
    let network = |name, network| Still { network, view: None, ..up(name, view(connection())) };
    let absent = |name, why| network(name, Network::Lost { name: Some("Attic Wi-Fi"), why });
    let notice = |name, notice| Still { notice: Some(notice), ..network(name, Network::Starting) };
    let mut connecting = connection();
    connecting.status = ConnectionStatus::Connecting;
    let mut again = lost(FaultKind::Unreachable, WaitingFor::Backoff, 3);
    again.status = ConnectionStatus::Connecting;
    again.waiting = None;
    let mut polled = connection();
    polled.source = Source::Polling;
    let mut courtesy = lost(FaultKind::Overrun, WaitingFor::Courtesy, 1);
    courtesy.source = Source::Polling;
    let mut details = runs("details", prompt());
    details.choices.next_page();
    details.sparkline = Some(sparkline());
    let mut long = prompt();
    long.current_class = Some("UltimateSDUpscaleCustomSample (échantillonneur)");
    long.percentage = Some(Percentage::ALMOST);
    long.steps = steps(1_024, 2_048);
    long.eta = Some(Duration::from_secs(3_730));
    let out_of_memory = "Allocation on device 0 would exceed allowed memory. (out of memory)\nCurrently allocated: 21.46 GiB\nRequested: 3.00 GiB\n";
    let mut scrolled = runs("failed, later", failed(out_of_memory));
    scrolled.now = Instant::from_millis(6_800);
    let offline = lost(FaultKind::ClosedWith(1001), WaitingFor::Backoff, 2);
    let outlived = View { prompt: Some(ended(PromptState::Success)), ..view(offline) };
    let interrupted =
        View { prompt: Some(prompt()), next_attempt: Some(Duration::from_millis(3_200)), ..view(offline) };
    vec![
        network("starting", Network::Starting),
        network("joining", Network::Joining { name: Some("Attic Wi-Fi") }),
        up("connecting", View { queue_remaining: None, ..view(connecting) }),
        up("connecting again", View { queue_remaining: None, ..view(again) }),
        up("idle", view(connection())),
        up("idle with a queue", View { queue_remaining: Some(3), ..view(connection()) }),
        runs(
            "begun",
            PromptView {
                percentage: Some(percent(0)),
                eta: None,
                steps: None,
                current_class: Some("CheckpointLoaderSimple"),
                elapsed: Some(Duration::from_secs(2)),
                nodes_finished: 0,
                ..prompt()
            },
        ),
        runs("running", prompt()),
        up(
            "with a queue",
            View {
                queue_remaining: Some(4),
                prompt: Some(PromptView {
                    percentage: Some(percent(71)),
                    steps: None,
                    current_class: Some("VAEDecode"),
                    eta: Some(Duration::from_secs(8)),
                    ..prompt()
                }),
                ..view(connection())
            },
        ),
        up("inferred", View { queue_remaining: Some(1), prompt: Some(prompt()), ..view(polled) }),
        runs(
            "nothing known",
            PromptView {
                percentage: None,
                current_node: None,
                current_class: None,
                steps: None,
                eta: None,
                nodes_total: None,
                ..prompt()
            },
        ),
        runs("long", long),
        details,
        up("done", View { prompt: Some(ended(PromptState::Success)), ..view(connection()) }),
        up("done, offline", outlived),
        runs("failed", failed(out_of_memory)),
        scrolled,
        runs("interrupted", ended(PromptState::Interrupted)),
        runs("ended", ended(PromptState::Ended)),
        up("offline", interrupted),
        away("circuit open", FaultKind::Unreachable, WaitingFor::Circuit, 6, 42_000),
        away("too many visitors", FaultKind::Refused(429), WaitingFor::Server, 2, 118_000),
        up("could not keep up", View { next_attempt: Some(Duration::from_millis(51_000)), ..view(courtesy) }),
        away("needs a person", FaultKind::Refused(401), WaitingFor::Backoff, 1, 0),
        away("unknown name", FaultKind::NameUnknown, WaitingFor::Backoff, 2, 3_000),
        away("no ComfyUI", FaultKind::NotComfyUi, WaitingFor::Backoff, 1, 4_000),
        absent("no network", NetworkDown::SignalLost),
        absent("wrong password", NetworkDown::WrongPassword),
        absent("not found", NetworkDown::NotFound),
        absent("refused", NetworkDown::Refused),
        absent("no address", NetworkDown::NoAddress),
        network("no line", Network::Lost { name: None, why: NetworkDown::NoLink }),
        network("not set up", Network::Unset),
        notice("panic", Notice::Panic("src/main.rs:120")),
        notice("brown-out", Notice::BrownOut),
        notice("watchdog", Notice::Watchdog),
    ]
    .into_iter()
    .map(|mut still| {
        still.choices.follow(still.view.as_ref(), Instant::ZERO);
        still
    })
    .collect()
}
