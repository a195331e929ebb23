//! The observers' connections of the recordings, the log and HTTP beside them, say in the end what the submitter's does.

use comfyglow::{recording::Recording, replay::Replay};
use comfyglow_core::state::{ObserveMode, PromptState, Source};
use comfyglow_tests::{
    fixtures,
    observer::{
        MILLI, Micros, Network, Told, World,
        recorded::{AFTER, NEAR, Recorded, micros},
    },
};

/// Networks: what arrives whole and at once, in pieces, and late.
const NETWORKS: [Network; 5] = [
    NEAR,
    Network { pieces: usize::MAX, ..NEAR },
    Network { pieces: 1, ..NEAR },
    Network { http: 4 * MILLI, pieces: 7, ..NEAR },
    Network { http: 20 * MILLI, ..NEAR },
];

fn recording(name: &str) -> Recording {
    Recording::read(&fixtures().join("traces").join(format!("{name}.jsonl"))).expect("the recording can be read")
}

/// The world of the connection `conn`, at the time when that was opened.
fn world(recording: &Recording, conn: i64, mirror: bool, network: Network) -> World<Recorded> {
    World::new(Recorded::new(recording, conn, mirror), network, Recorded::opened(recording, conn))
}

/// When the recording ends.
fn end(recording: &Recording) -> Micros {
    let last = recording.rows.last().expect("it has rows").t_ms;
    micros(last)
}

/// The texts of an error, and the prompt that it is of.
type Shown = (String, PromptState, Option<[String; 4]>);

/// What is shown in the end.
macro_rules! shown {
    ($session:expr) => {{
        let prompt = $session.state().prompt().expect("there was one");
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let error = prompt.error().map(|error| {
            [
                text(error.node_id.as_ref().map(|id| id.as_str())),
                text(error.node_type.as_ref().map(|id| id.as_str())),
                error.exception_type.as_str().to_owned(),
                error.exception_message.as_str().to_owned(),
            ]
        });
        let shown: Shown = (text(prompt.prompt_id().map(|id| id.as_str())), prompt.state(), error);
        shown
    }};
}

/// All prompts that were submitted, and how they ended.
fn truth(server: &Recorded) -> Vec<Told> {
    server.prompts.iter().map(|prompt| Told { id: prompt.id.clone(), state: prompt.state }).collect()
}

/// Plays the connection `observer`, by each network: every prompt's end is told, in order, and in the end it shows what the
/// connection `submitter` does.
fn play(name: &str, observer: i64, submitter: Option<i64>, mirror: bool) -> Vec<World<Recorded>> {
    let recording = recording(name);
    let expected = submitter.map(|conn| {
        let replayed = Replay { conn, ..Replay::default() }.play(&recording).expect("the recording is sound");
        shown!(replayed.session)
    });
    let worlds = NETWORKS.map(|network| {
        let mut world = world(&recording, observer, mirror, network);
        world.run(end(&recording) + AFTER);
        let context = format!("{name}, connection {observer}, {network:?}: {:#?}", world.asked);
        assert_eq!(world.notes.ends, truth(&world.server), "{context}");
        assert_eq!(world.notes.falls, Vec::<String>::new(), "{context}");
        let last = world.server.prompts.last().expect("there was one");
        let shown = shown!(world.session);
        assert_eq!((&shown.0, shown.1), (&last.id, last.state), "{context}");
        if let Some(expected) = &expected {
            assert_eq!(shown, *expected, "{context}");
        }
        assert_eq!(world.session.state().messages().malformed, 0);
        assert_eq!(world.session.state().queue_remaining(), Some(0));
        world
    });
    worlds.into()
}

fn way(world: &World<Recorded>) -> Option<ObserveMode> {
    world.session.state().connection().way
}

#[test]
fn another_clients_prompt_ends_as_its_submitter_saw_it() {
    for observer in [1, 2] {
        for world in play("g_observer_other_client", observer, Some(0), false) {
            assert_eq!(way(&world), Some(ObserveMode::Polling));
        }
    }
}

#[test]
fn who_shows_up_late_knows_the_end_too() {
    // The submitter's id was taken over by connection 2, which saw the end.
    play("g_observer_steals_clientid", 1, Some(2), false);
}

#[test]
fn prompts_of_nobody_are_told_all_the_same() {
    for (name, observers) in [
        ("g_prompt_client_id_absent", &[0][..]),
        ("g_prompt_client_id_empty", &[0]),
        ("g_prompt_without_client_id", &[0, 1]),
    ] {
        for observer in observers {
            play(name, *observer, None, false);
        }
    }
}

#[test]
fn a_mirror_tells_an_observer_what_its_submitter_is_told() {
    for world in play("g_observer_mirror_plugin", 1, Some(0), true) {
        let connection = world.session.state().connection();
        assert_eq!((connection.source, connection.way), (Source::Websocket, Some(ObserveMode::Extension)));
    }
    // Whom it doesn't tell, HTTP does.
    play("g_observer_mirror_plugin", 2, Some(0), false);
}

#[test]
fn the_log_tells_the_samplers_steps_as_the_submitter_sees_them() {
    for world in play("g_observer_logs", 1, Some(0), false) {
        assert_eq!(way(&world), Some(ObserveMode::Logs));
    }
    let recording = recording("g_observer_logs");
    // The submitter's steps of the sampler, and since when.
    let mut submitted = Vec::new();
    let replay = Replay { conn: 0, ..Replay::default() };
    replay
        .play_to(&recording, |session, now| {
            let prompt = session
                .state()
                .prompt()
                .filter(|prompt| prompt.current_node().is_some_and(|node| node.as_str() == "3"));
            let steps = prompt.and_then(comfyglow_core::state::Prompt::steps);
            let whole = steps.map(|steps| [steps.value, steps.max].map(|milli| milli.thousandths() / 1_000));
            submitted.push((now.as_micros(), whole));
        })
        .expect("the recording is sound");
    for network in NETWORKS {
        let mut world = world(&recording, 1, false, network);
        let mut compared = 0;
        for now in (0..=end(&recording)).step_by(50 * 1_000).filter(|now| *now >= world.now).collect::<Vec<_>>() {
            world.run(now);
            let submitted = submitted.iter().rev().find(|(at, _)| *at <= now).and_then(|(_, steps)| *steps);
            let Some([value, max]) = submitted.filter(|[value, _]| *value > 0) else { continue };
            let [shown, of] = world.steps().unwrap_or_else(|| panic!("nothing of {value}/{max} is shown at {now}"));
            assert!(of == max && shown.abs_diff(value) <= 1, "{shown}/{of} instead of {value}/{max} at {now}");
            let state = world.session.state();
            assert_eq!(state.connection().source, Source::Logs);
            let node = state.prompt().and_then(|prompt| prompt.current_node());
            assert!(node.is_some_and(|node| node.as_str() == "3"));
            compared += 1;
        }
        assert!(compared > 100, "only {compared} times");
    }
}
