//! Whatever goes wrong with server, network and host: the session never stalls and never spins, makes no more attempts than
//! its breaker allows, and once it's over is connected again and says what is true.

mod world;

use comfyglow_core::{limits::BREAKER_ATTEMPTS, session::ClientId, state::PromptState};
use comfyglow_tests::server::Outcome;
use proptest::{collection, prelude::*, sample::select};
use world::{Deed, Fault, World, config};

const SECOND: u64 = 1_000;
/// Faults begin within these minutes.
const TROUBLE: u64 = 300 * SECOND;
/// The longest that a session may take to be connected again: a dead link is found out 45 s after it was heard last, the
/// circuit is open for 5 minutes at most, or the server was left alone for one, and dialling takes 10 s at most, before.
const BOUND: u64 = (45 + 300 + 10 + 5) * SECOND;
/// How long after that everything is known: half a minute until a silent socket is compared with HTTP, once or twice.
const SETTLED: u64 = 100 * SECOND;

fn fault() -> impl Strategy<Value = Fault> {
    let lasts = || prop_oneof![6 => 0..20 * SECOND, 3 => 0..120 * SECOND, 1 => 0..4_000 * SECOND];
    prop_oneof![
        2 => lasts().prop_map(Fault::Restart),
        2 => lasts().prop_map(Fault::NoRoute),
        2 => lasts().prop_map(Fault::Offline),
        2 => lasts().prop_map(Fault::Blackhole),
        2 => lasts().prop_map(Fault::Stall),
        1 => Just(Fault::Reset),
        2 => (lasts(), select(&[429_u16, 500, 502, 503, 504, 400, 200][..])).prop_map(|(l, status)| Fault::Proxy(l, status)),
        1 => lasts().prop_map(Fault::Garbage),
        1 => lasts().prop_map(Fault::HttpHangs),
        2 => Just(Fault::Deaf),
        1 => select(&[1000_u16, 1001, 1011, 1012, 1013, 4000][..]).prop_map(Fault::Close),
        1 => Just(Fault::Broken),
        1 => prop_oneof![lasts(), 0..20_000 * SECOND].prop_map(Fault::Sleep),
    ]
}

/// Prompts: when they are submitted, how often they go on, how they end and when.
#[derive(Clone, Debug)]
struct Prompt {
    at: u64,
    steps: u64,
    lasts: u64,
    outcome: Outcome,
}

fn prompts() -> impl Strategy<Value = Vec<Prompt>> {
    let outcome = select(&[Outcome::Success, Outcome::Error, Outcome::Interrupted][..]);
    let prompt = (0..TROUBLE, 0..8_u64, 100..100 * SECOND, outcome);
    collection::vec(prompt.prop_map(|(at, steps, lasts, outcome)| Prompt { at, steps, lasts, outcome }), 0..5)
}

#[derive(Clone, Debug)]
struct Case {
    faults: Vec<(u64, Fault)>,
    prompts: Vec<Prompt>,
    wakes: Vec<u64>,
    seed: u64,
    latency: u64,
    late: u64,
    old: bool,
    fresh: bool,
}

fn cases(fault: impl Strategy<Value = Fault>) -> impl Strategy<Value = Case> {
    (
        collection::vec((0..TROUBLE, fault), 0..10),
        prompts(),
        collection::vec(0..TROUBLE, 0..20),
        any::<u64>(),
        1..400_u64,
        0..50_u64,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(faults, prompts, wakes, seed, latency, late, old, fresh)| Case {
            faults,
            prompts,
            wakes,
            seed,
            latency,
            late,
            old,
            fresh,
        })
}

/// Plays a case; returns the world when all is over, and that time.
fn play(case: &Case) -> (World, u64) {
    let id = if case.fresh { ClientId::Fresh } else { ClientId::Own("me") };
    let mut world = World::new(config(id), case.seed, case.latency, case.late);
    world.server.old = case.old;
    let mut over = TROUBLE;
    for (at, fault) in &case.faults {
        world.fault(*at, fault.clone());
        over = over.max(at + fault.lasts());
    }
    for (n, prompt) in case.prompts.iter().enumerate() {
        world.deed(prompt.at, Deed::Submit(format!("p{n}")));
        for step in 0..prompt.steps {
            world.deed(prompt.at + (step + 1) * prompt.lasts / (prompt.steps + 1), Deed::Step);
        }
        world.deed(prompt.at + prompt.lasts, Deed::End(prompt.outcome));
        over = over.max(prompt.at + prompt.lasts);
    }
    for at in &case.wakes {
        world.wake(*at);
        world.wake(*at);
    }
    world.run(over);
    (world, over)
}

/// The session says what is true of the server.
fn assert_true(world: &World) {
    let state = world.session.state();
    assert_eq!(state.queue_remaining().map(|n| n as usize), Some(world.server.remaining()));
    let shown = state.prompt().map(|prompt| (prompt.prompt_id().map_or("", |id| id.as_str()), prompt.state()));
    if let Some((id, _)) = &world.server.running {
        assert_eq!(shown, Some((id.as_str(), PromptState::Running)));
        return;
    }
    let Some((id, shown)) = shown else { return };
    let truth = match world.server.history.get(id) {
        Some(Outcome::Success) => PromptState::Success,
        Some(Outcome::Error) => PromptState::Error,
        Some(Outcome::Interrupted) => PromptState::Interrupted,
        // The server forgot it: what the socket told stands, else that it is over.
        None => {
            assert_ne!(shown, PromptState::Running);
            return;
        }
    };
    assert_eq!(shown, truth, "{id}");
}

/// The socket tells live what happens now: where it was deaf, that is found out.
fn assert_hears(world: &mut World, from: u64) {
    world.deed(from + SECOND, Deed::Submit("last".to_owned()));
    for step in 0..SETTLED / SECOND {
        world.deed(from + (2 + step) * SECOND, Deed::Step);
    }
    world.run(from + SETTLED + 10 * SECOND);
    assert_true(world);
    if let Some((id, steps)) = world.server.running.as_ref().filter(|(id, _)| id == "last") {
        let shown = world.session.state().prompt().and_then(comfyglow_core::state::Prompt::steps);
        assert_eq!(shown.map(|shown| shown.value.thousandths()), Some(i64::from(*steps) * 1_000), "{id} is not heard");
    }
}

/// At most `most` of `times` within any `span`.
fn assert_rate(times: &[u64], most: usize, span: u64) {
    for window in times.windows(most + 1) {
        assert!(window[most] - window[0] >= span, "{} within {span} ms: {window:?}", most + 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 300 }))]

    #[test]
    fn it_comes_back_and_tells_the_truth(case in cases(fault())) {
        let (mut world, over) = play(&case);
        world.run(over + BOUND);
        prop_assert!(world.is_connected(), "{:?}", world.session.state().connection());
        let end = over + BOUND + SETTLED;
        world.run(end);
        prop_assert!(world.is_connected());
        assert_true(&world);
        assert_hears(&mut world, end);
        // Five, and a probe once the first cool-down is over.
        assert_rate(&world.dials, BREAKER_ATTEMPTS + 1, 60 * SECOND);
        assert_rate(&world.asks, 12, SECOND);
    }

    #[test]
    fn a_person_who_tries_by_hand_again_and_again_does_no_harm(
        case in cases(prop_oneof![fault(), Just(Fault::ByHand)]),
    ) {
        let (mut world, over) = play(&case);
        world.run(over + BOUND + SETTLED);
        prop_assert!(world.is_connected());
        assert_true(&world);
    }
}
