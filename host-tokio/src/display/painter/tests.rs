use comfyglow_core::{
    api::{Item, JobStatus},
    capacity::GadgetCapacity,
    event::{Event, NodeStatus, Part},
    number::Milli,
    reducer::{Action, apply},
    state::{Fault, FaultKind, ObserveMode, State},
    text::Id,
};

use super::{super::Colours, *};

const ID: &str = "9b1c2f3a-77d1-4f0e-9a51-3e2f00c0ffee";

struct Server {
    state: Box<State<GadgetCapacity>>,
    now: Instant,
}

impl Server {
    fn new() -> Self {
        let mut server = Self { state: Box::new(State::new()), now: Instant::ZERO };
        server.act(Action::Dialling);
        server
    }

    fn act(&mut self, action: Action<'_>) {
        apply(&mut self.state, self.now, action, &mut ());
    }

    fn says(&mut self, event: Event<'_>) {
        self.act(Action::Text(&event));
    }

    fn connected(queue: u32) -> Self {
        let mut server = Self::new();
        server.act(Action::Established);
        server.says(Event::Status { queue_remaining: queue, sid: None });
        server
    }

    /// A run at its fifth node of nine, two of them cached.
    fn running(class: &str) -> Self {
        let mut server = Self::connected(2);
        let prompt_id = Id::from(ID);
        server.says(Event::ExecutionStart { prompt_id, timestamp: None });
        for node in ["4", "5"] {
            server.act(Action::Part(&Part::CachedNode { node: Id::from(node) }));
        }
        server.says(Event::ExecutionCached { prompt_id, nodes: 2 });
        server.act(Action::GraphNode { prompt_id, node: Id::from("7"), class });
        server.act(Action::Graph { prompt_id, nodes: 9 });
        for node in ["6", "7"] {
            let (state, max) = if node == "7" { (NodeStatus::Running, 1) } else { (NodeStatus::Finished, 1) };
            server.act(Action::Part(&Part::NodeState {
                prompt_id,
                node_id: Id::from(node),
                value: Milli::from_thousandths(0),
                max: Milli::from_thousandths(max * 1_000),
                state,
                display_node_id: Some(Id::from(node)),
            }));
        }
        server.says(Event::ProgressState { prompt_id, nodes: 2 });
        server.now = Instant::from_millis(5_900);
        server
    }

    fn step(&mut self, value: i64, max: i64) {
        self.says(Event::Progress {
            value: Milli::from_thousandths(value * 1_000),
            max: Milli::from_thousandths(max * 1_000),
            prompt_id: Some(Id::from(ID)),
            node: Some(Id::from("7")),
        });
    }

    fn drawn(&self, width: usize) -> String {
        self.drawn_as(Look { width, colours: Colours::None, unicode: true })
    }

    fn drawn_as(&self, look: Look) -> String {
        let view = self.state.view(self.now);
        let lines = live(&Scene { view, smooth: None, server: "127.0.0.1:8188", now: self.now }, look);
        assert!(lines.iter().all(|line| line.width() <= look.width), "{lines:?}");
        text(&lines)
    }

    fn left(&self, width: usize) -> String {
        let view = self.state.view(self.now);
        let finish = view.prompt.as_ref().map(Finish::of).expect("a prompt was seen");
        let lines = finished(&finish, Look { width, colours: Colours::None, unicode: true });
        assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
        text(&lines)
    }
}

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.text().trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn assert_shows(drawn: &str, expected: &str) {
    assert!(drawn == expected.trim_start_matches('\n'), "it shows:\n{drawn}");
}

#[test]
fn a_run_at_a_usual_width() {
    let mut server = Server::running("KSampler");
    server.step(5, 20);
    assert_shows(
        &server.drawn(80),
        "
● 127.0.0.1:8188 · queue: 2
  Workflow              ████████████████▉░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   36.1 %
                        5.9 s, about 11 s left · 3 of 9 nodes · 2 cached
  KSampler #7           ███████████▊░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░     5/20
",
    );
}

#[test]
fn a_run_at_other_widths() {
    let mut server = Server::running("KSampler");
    server.step(15, 20);
    assert_shows(
        &server.drawn(120),
        "
● 127.0.0.1:8188 · queue: 2
  Workflow                        ████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   41.6 %
                                  5.9 s, about 9 s left · 3 of 9 nodes · 2 cached · 9b1c2f3a
  KSampler #7                     █████████████████████████████████████████████████████████▊░░░░░░░░░░░░░░░░░░░    15/20
",
    );
    assert_shows(
        &server.drawn(48),
        "
● 127.0.0.1:8188 · queue: 2
  Workflow    ██████████▍░░░░░░░░░░░░░░   41.6 %
              5.9 s, about 9 s left
  KSampler    ██████████████████▊░░░░░░    15/20
",
    );
    assert_shows(
        &server.drawn(30),
        "
● 127.0.0.1:8188 · queue: 2
████████▊░░░░░░░░░░░░   41.6 %
5.9 s, about 9 s left
███████████████▊░░░░░    15/20
",
    );
    assert_shows(
        &server.drawn(20),
        "
● 127.0.0.1:8188
████▌░░░░░░   41.6 %
5.9 s, about 9 s le…
████████▎░░    15/20
",
    );
}

#[test]
fn long_names_are_cut_in_the_middle() {
    let mut server = Server::running("UltimateSDUpscaleNoUpscaleCustomSample");
    server.step(1, 4);
    assert_shows(
        &server.drawn(64),
        "
● 127.0.0.1:8188 · queue: 2
  Workflow          ████████████▋░░░░░░░░░░░░░░░░░░░░░░   36.1 %
                    5.9 s, about 11 s left · 3 of 9 nodes
  Ultimate…mSample  ████████▊░░░░░░░░░░░░░░░░░░░░░░░░░░      1/4
",
    );
}

#[test]
fn a_terminal_without_unicode() {
    let mut server = Server::running("KSampler");
    server.step(10, 20);
    assert_shows(
        &server.drawn_as(Look { width: 64, colours: Colours::None, unicode: false }),
        "
* 127.0.0.1:8188 | queue: 2
  Workflow          [############---------------------]   38.8 %
                    5.9 s, about 10 s left | 3 of 9 nodes
  KSampler #7       [################-----------------]    10/20
",
    );
}

#[test]
fn a_node_without_steps_has_a_light_that_wanders() {
    assert_shows(
        &Server::running("VAEDecode").drawn(64),
        "
● 127.0.0.1:8188 · queue: 2
  Workflow          ███████████▋░░░░░░░░░░░░░░░░░░░░░░░   33.3 %
                    5.9 s, about 12 s left · 3 of 9 nodes
  VAEDecode #7      ━━━━━░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
",
    );
}

#[test]
fn joined_midway_there_is_no_percentage() {
    let mut server = Server::connected(1);
    server.says(Event::Executing { node: Some(Id::from("7")), display_node: None, prompt_id: None });
    server.step(7, 20);
    assert_shows(
        &server.drawn(64),
        "
● 127.0.0.1:8188 · queue: 1
  Workflow          joined midway · 0 nodes done · 9b1c2f3a
  Node 7            ████████████▎░░░░░░░░░░░░░░░░░░░░░░     7/20
",
    );
}

#[test]
fn when_nothing_runs_it_says_what_it_waits_for() {
    assert_shows(
        &Server::connected(0).drawn(64),
        "
● 127.0.0.1:8188
  waiting for a prompt (queue: 0)
",
    );
    assert_shows(
        &Server::connected(3).drawn(20),
        "
● 127.0.0.1:8188
waiting for a promp…
",
    );
    assert_shows(
        &Server::new().drawn(64),
        "
● 127.0.0.1:8188 · connecting
",
    );
}

#[test]
fn a_lost_connection_is_told() {
    let mut server = Server::connected(0);
    server.act(Action::Lost(Some(Fault::new(FaultKind::Closed))));
    assert_shows(
        &server.drawn(64),
        "
● 127.0.0.1:8188 · the server closed the connection
",
    );
}

/// A server that tells of another client's prompt by its log.
fn followed() -> Server {
    let mut server = Server::connected(1);
    server.act(Action::Observe(ObserveMode::Logs));
    let item = Item::Prompt { prompt_id: Id::from(ID), status: JobStatus::Running };
    let since = server.state.socket_generation();
    server.act(Action::Response { since, item });
    for (node, class) in [("4", "CheckpointLoader"), ("3", "KSampler"), ("8", "VAEDecode"), ("9", "SaveImage")] {
        server.act(Action::GraphNode { prompt_id: Id::from(ID), node: Id::from(node), class });
    }
    server.act(Action::Graph { prompt_id: Id::from(ID), nodes: 4 });
    server
}

#[test]
fn what_is_inferred_from_the_log_is_marked() {
    let mut server = followed();
    server.act(Action::Part(&Part::Log("\r 25%|##5       | 5/20 [00:01<00:04,  3.70it/s]".as_bytes())));
    server.says(Event::Logs { entries: 1 });
    assert_shows(
        &server.drawn(80),
        "
● 127.0.0.1:8188 · queue: 1
  Workflow              ██████████████▋░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  ≈31.2 %
                        about 4 s left · inferred from the log · 1 of 4 nodes
  KSampler #3           ███████████▊░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░     5/20
",
    );
}

#[test]
fn who_waits_is_told_what_will_be_seen() {
    for (way, says) in [
        (ObserveMode::Extension, "all clients' prompts by the extension"),
        (ObserveMode::Logs, "other clients' steps by the server's log"),
        (ObserveMode::Polling, "of other clients' prompts starts and ends only"),
    ] {
        let mut server = Server::connected(0);
        server.act(Action::Observe(way));
        let expected = format!("● 127.0.0.1:8188\n  waiting for a prompt (queue: 0) · {says}\n");
        assert_shows(&server.drawn(90), &expected);
    }
}

#[test]
fn a_success_stays_as_a_line() {
    let mut server = Server::running("KSampler");
    server.now = Instant::from_millis(12_340);
    server.says(Event::ExecutionSuccess { prompt_id: Id::from(ID), timestamp: None });
    assert_shows(
        &server.left(80),
        "
✔ 9b1c2f3a · 12.3 s · 9 nodes, 2 cached
",
    );
}

#[test]
fn a_failure_names_node_type_and_message() {
    let mut server = Server::running("KSampler");
    server.says(Event::ExecutionError {
        prompt_id: Id::from(ID),
        node_id: Some(Id::from("7")),
        node_type: Some(Id::from("KSampler")),
        exception_type: Id::from("torch.OutOfMemoryError"),
        exception_message: Id::from("Allocation on device 0 failed.\n\x1b[31mRequested: 2.25 GiB\n"),
        timestamp: None,
    });
    assert_shows(
        &server.left(60),
        "
✖ 9b1c2f3a · failed after 5.9 s · at KSampler #7
  torch.OutOfMemoryError: Allocation on device 0 failed.
  Requested: 2.25 GiB
",
    );
    assert_shows(
        &server.left(24),
        "
✖ 9b1c2f3a
  at KSampler #7
  torch.OutOfMemoryError
  : Allocation on device
  0 failed.
  Requested: 2.25 GiB
",
    );
}

#[test]
fn other_ends() {
    let mut server = Server::running("KSampler");
    server.says(Event::ExecutionInterrupted {
        prompt_id: Id::from(ID),
        node_id: None,
        node_type: None,
        timestamp: None,
    });
    assert_shows(
        &server.left(80),
        "
■ 9b1c2f3a · interrupted after 5.9 s
",
    );
    let mut server = Server::running("KSampler");
    server.says(Event::Status { queue_remaining: 0, sid: None });
    assert_shows(
        &server.left(80),
        "
? 9b1c2f3a · ended after 5.9 s · its outcome was not heard
",
    );
}

#[test]
fn no_width_is_too_small_or_too_large() {
    let mut server = Server::running("KSampler");
    server.step(3, 20);
    for width in 4..=300 {
        for (colours, unicode) in [(Colours::True, true), (Colours::None, false)] {
            server.drawn_as(Look { width, colours, unicode });
        }
    }
}
