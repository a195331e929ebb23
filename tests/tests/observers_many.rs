//! Prompts of other clients, one after the other, on servers old and new: how each ends is told, in order.

use comfyglow_core::state::{PromptState, Source};
use comfyglow_tests::observer::{
    MILLI, Micros, Network, SECOND, World,
    stock::{Bar, Job, Kind, Stock, TODAY},
};
use proptest::{collection, prelude::*, sample::select};

/// When the first is submitted: by then it is known how they are followed.
const FIRST: Micros = 3 * SECOND;

/// One that takes longer than it takes to ask how the one before ended, two exchanges of up to 80 ms.
fn job(at: impl Strategy<Value = Micros>, least: Micros) -> impl Strategy<Value = Job> {
    let bar = (1..30_u32, MILLI..300 * MILLI).prop_map(|(steps, each)| Bar { steps, each });
    let end = select(&[PromptState::Success, PromptState::Success, PromptState::Error, PromptState::Interrupted][..]);
    let around = prop_oneof![3 => 0..50 * MILLI, 1 => 0..5 * SECOND];
    (at, [around.clone(), around], collection::vec(bar, 0..3), end).prop_map(
        move |(at, [before, behind], bars, end)| Job { at: FIRST + at, around: [before + least, behind], bars, end },
    )
}

/// Twenty of them; fewer where that fails too.
fn jobs(at: impl Strategy<Value = Micros>, least: Micros) -> impl Strategy<Value = Vec<Job>> {
    collection::vec(job(at, least), 1..21)
}

/// What is asked takes as long as what is told, or a little longer.
fn network() -> impl Strategy<Value = Network> {
    let pieces = prop_oneof![Just(usize::MAX), 1..200_usize];
    (0..20 * MILLI, 0..10 * MILLI, pieces).prop_map(|(socket, more, pieces)| Network {
        socket,
        http: (socket + more).min(20 * MILLI),
        pieces,
    })
}

/// How each ends is told, in order, and no bar falls.
fn check(kind: Kind, jobs: Vec<Job>, network: Network) -> Result<(), TestCaseError> {
    let mut world = World::new(Stock::new(kind, jobs), network, 0);
    let over = world.server.over();
    world.run(over + 40 * SECOND);
    let truth = world.server.truth();
    prop_assert_eq!(&world.notes.ends, &truth, "{:?}", world.asked);
    prop_assert_eq!(&world.notes.falls, &Vec::<String>::new());
    let state = world.session.state();
    prop_assert_eq!((state.queue_remaining(), state.messages().malformed), (Some(0), 0));
    let error = state.prompt().and_then(|prompt| prompt.error());
    let error = error.map(|error| (error.exception_type.as_str(), error.exception_message.as_str().to_owned()));
    let failed = truth.last().is_some_and(|last| last.state == PromptState::Error);
    prop_assert_eq!(error, failed.then(|| ("module.Error", format!("no {}", truth.len() - 1))));
    Ok(())
}

fn config() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if asked { ProptestConfig::default().cases } else { 60 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn queued_at_once(jobs in jobs(Just(0), 200 * MILLI), network in network()) {
        check(TODAY, jobs, network)?;
    }

    #[test]
    fn now_and_then(jobs in jobs(0..60 * SECOND, 200 * MILLI), network in network()) {
        check(TODAY, jobs, network)?;
    }

    #[test]
    fn of_an_old_server_without_jobs(jobs in jobs(0..60 * SECOND, 200 * MILLI), network in network()) {
        check(Kind { jobs: false, ..TODAY }, jobs, network)?;
    }

    #[test]
    fn without_the_logs_route(jobs in jobs(0..60 * SECOND, 200 * MILLI), network in network()) {
        check(Kind { log: false, ..TODAY }, jobs, network)?;
    }

    #[test]
    fn of_an_old_server_without_jobs_and_the_logs_route(
        jobs in jobs(0..60 * SECOND, 200 * MILLI),
        network in network(),
    ) {
        check(Kind { log: false, jobs: false, ..TODAY }, jobs, network)?;
    }

    #[test]
    // That the log is silent, takes a while to see.
    fn where_the_log_is_of_warnings_only(jobs in jobs(0..60 * SECOND, 600 * MILLI), network in network()) {
        check(Kind { info: false, ..TODAY }, jobs, network)?;
    }
}

#[test]
fn the_bars_of_several_samplers_are_shown_as_they_move() {
    let bars = vec![Bar { steps: 30, each: 100 * MILLI }, Bar { steps: 12, each: 250 * MILLI }];
    let job = Job { at: FIRST, around: [2 * SECOND, SECOND], bars, end: PromptState::Success };
    let network = Network { socket: 5 * MILLI, http: 5 * MILLI, pieces: 64 };
    let mut world = World::new(Stock::new(TODAY, vec![job.clone(), job]), network, 0);
    let mut compared = 0;
    for now in (FIRST + SECOND..world.server.over()).step_by(50 * 1_000) {
        world.run(now);
        let Some((_, Some([value, max]))) = world.server.running else { continue };
        let [shown, of] = world.steps().expect("a bar is shown");
        let state = world.session.state();
        let node = state.prompt().and_then(|prompt| prompt.current_node()).map(comfyglow_core::text::Text::as_str);
        // One is on its way.
        if of == i64::from(max) {
            assert!(shown.abs_diff(value.into()) <= 1, "{shown} instead of {value} of {max} at {now}");
            assert_eq!((node, state.connection().source), (Some(if max == 30 { "2" } else { "3" }), Source::Logs));
            compared += 1;
        }
    }
    assert!(compared > 200, "only {compared} times");
    assert_eq!(world.notes.falls, Vec::<String>::new());
}
