use comfyglow_core::{
    capacity::GadgetCapacity,
    event::Event,
    number::Milli,
    reducer::{Action, apply},
    state::{Fault, FaultKind, State},
    text::Id,
    time::Instant,
};

use super::{super::Colours, *};

const ID: &str = "9b1c2f3a-77d1-4f0e-9a51-3e2f00c0ffee";

struct Server {
    state: Box<State<GadgetCapacity>>,
    now: Instant,
}

impl Server {
    fn connected(queue: u32) -> Self {
        let mut server = Self { state: Box::new(State::new()), now: Instant::ZERO };
        server.act(Action::Dialling);
        server.act(Action::Established);
        server.says(Event::Status { queue_remaining: queue, sid: None });
        server
    }

    fn act(&mut self, action: Action<'_>) {
        apply(&mut self.state, self.now, action, &mut ());
    }

    fn says(&mut self, event: Event<'_>) {
        self.act(Action::Text(&event));
    }

    /// Its only sampler has done `value` of 20 steps, one each 500 ms.
    fn running(queue: u32, class: &str, value: i64) -> Self {
        let mut server = Self::connected(queue);
        let (prompt_id, node) = (Id::from(ID), Id::from("7"));
        server.says(Event::ExecutionStart { prompt_id, timestamp: None });
        server.act(Action::GraphNode { prompt_id, node, class });
        server.act(Action::Graph { prompt_id, nodes: 2 });
        server.says(Event::Executing { node: Some(node), display_node: None, prompt_id: Some(prompt_id) });
        for step in 1..=value {
            server.now = Instant::from_millis(500 * u64::try_from(step).unwrap_or_default());
            server.step(step);
        }
        server
    }

    fn step(&mut self, value: i64) {
        let (value, max) = (Milli::from_thousandths(1_000 * value), Milli::from_thousandths(20_000));
        self.says(Event::Progress { value, max, prompt_id: Some(Id::from(ID)), node: Some(Id::from("7")) });
    }

    fn row(&self, name: &str, last: Option<&Finish>) -> Row {
        let view = self.state.view(self.now);
        Row::of(&Scene { view, smooth: None, server: name, now: self.now }, last)
    }
}

/// Two that run, one that waits, one that is away.
fn rows() -> Vec<Row> {
    let mut ended = Server::running(1, "KSampler", 20);
    ended.says(Event::ExecutionSuccess { prompt_id: Id::from(ID), timestamp: None });
    ended.says(Event::Status { queue_remaining: 0, sid: None });
    let finish = ended.state.view(ended.now).prompt.as_ref().map(Finish::of);
    let mut away = Server::connected(3);
    away.act(Action::Lost(Some(Fault::new(FaultKind::Closed))));
    vec![
        Server::running(2, "KSampler", 5).row("gpu1", None),
        ended.row("gpu2", finish.as_ref()),
        Server::running(11, "UltimateSDUpscaleNoUpscaleCustomSample", 15).row("workshop", None),
        away.row("nas", None),
    ]
}

fn lines_as(rows: &[Row], look: Look, most: usize) -> Vec<Line> {
    let lines = Servers { rows, now_ms: 500 }.lines(look, most);
    assert!(lines.iter().all(|line| line.width() <= look.width), "{look:?}: {lines:?}");
    assert!(lines.len() <= most.max(4));
    lines
}

fn drawn(rows: &[Row], width: usize, most: usize) -> String {
    let look = Look { width, colours: Colours::None, unicode: true };
    lines_as(rows, look, most).iter().map(|line| line.text().trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn assert_shows(drawn: &str, expected: &str) {
    assert!(drawn == expected.trim_start_matches('\n'), "it shows:\n{drawn}");
}

#[test]
fn at_usual_widths() {
    assert_shows(
        &drawn(&rows(), 119, 20),
        "
● gpu1        ████░░░░░░░░░░░░░░░░░░░░░░░░░░░░   12.5 %        18 s left  queue: 2   KSampler #7  5/20
● gpu2        ✔ 9b1c2f3a · 10.0 s · 2 nodes                               queue: 0
● workshop    ████████████░░░░░░░░░░░░░░░░░░░░   37.5 %        13 s left  queue: 11  UltimateSDUpsc…stomSample #7 15/20
● nas         the server closed the connection
  2 of 4 run  ████████░░░░░░░░░░░░░░░░░░░░░░░░   25.0 %        18 s left  queue: 13  1 not connected
",
    );
    assert_shows(
        &drawn(&rows(), 79, 20),
        "
● gpu1        ███▌░░░░░░░░░░░░░░░░░░░░░░░░   12.5 %        18 s left  queue: 2
● gpu2        ✔ 9b1c2f3a · 10.0 s · 2 nodes                           queue: 0
● workshop    ██████████▌░░░░░░░░░░░░░░░░░   37.5 %        13 s left  queue: 11
● nas         the server closed the connection
  2 of 4 run  ███████░░░░░░░░░░░░░░░░░░░░░   25.0 %        18 s left  queue: 13
",
    );
    assert_shows(
        &drawn(&rows(), 39, 20),
        "
● gpu1        ██░░░░░░░░░░░░░░   12.5 %
● gpu2        ✔ 9b1c2f3a · 10.0 s
● workshop    ██████░░░░░░░░░░   37.5 %
● nas         the server closed the co…
  2 of 4 run  ████░░░░░░░░░░░░   25.0 %
              18 s left · queue: 13
",
    );
    assert_shows(
        &drawn(&rows(), 19, 20),
        "
● gpu1       12.5 %
● gpu2       ✔ 9b1…
● workshop   37.5 %
● nas        the s…
  2 of… run  25.0 %
  18 s left
",
    );
}

#[test]
fn where_nothing_runs_there_is_no_bar() {
    assert_shows(
        &drawn(&[Server::connected(0).row("a", None), Row::new("b")], 60, 20),
        "
● a           waiting for a prompt
● b           connecting
  0 of 2 run  queue: 0 · 1 not connected
",
    );
}

#[test]
fn those_that_run_stay_where_there_is_no_room_for_all() {
    assert_shows(
        &drawn(&rows(), 60, 4),
        "
● gpu1        ██▌░░░░░░░░░░░░░░░░░   12.5 %        18 s left
… 3 more
  2 of 4 run  █████░░░░░░░░░░░░░░░   25.0 %        18 s left
              queue: 13 · 1 not connected
",
    );
}

#[test]
fn a_server_that_is_over_tells_how_its_prompt_ended() {
    let mut rows = rows();
    let finish = Finish::unheard(Some(ID.to_owned()));
    rows[0].over(Some(&finish));
    rows[3].over(None);
    assert_shows(
        &drawn(&rows, 79, 20),
        "
● gpu1        ? 9b1c2f3a · ended · its outcome was not heard
● gpu2        ✔ 9b1c2f3a · 10.0 s · 2 nodes                           queue: 0
● workshop    ██████████▌░░░░░░░░░░░░░░░░░   37.5 %        13 s left  queue: 11
● nas         the server closed the connection
  1 of 4 run  ██████████▌░░░░░░░░░░░░░░░░░   37.5 %        13 s left  queue: 11
",
    );
}

#[test]
fn without_a_workflow_there_are_the_nodes_steps() {
    let mut server = Server::connected(1);
    server.says(Event::Executing { node: Some(Id::from("7")), display_node: None, prompt_id: None });
    let unknown = server.row("b", None);
    server.step(7);
    let rows = [server.row("a", None), unknown, Server::running(1, "KSampler", 10).row("c", None)];
    assert_shows(
        &drawn(&rows, 79, 20),
        "
● a           ██████████▏░░░░░░░░░░░░░░░░░░     7/20                   queue: 1
● b           ░░░░░░░━━━━━━━━░░░░░░░░░░░░░░                            queue: 1
● c           ███████▎░░░░░░░░░░░░░░░░░░░░░   25.0 %        15 s left  queue: 1
  3 of 3 run  ███████▎░░░░░░░░░░░░░░░░░░░░░   25.0 %   over 15 s left  queue: 3
",
    );
}

#[test]
fn a_terminal_without_unicode() {
    let lines = lines_as(&rows(), Look { width: 79, colours: Colours::None, unicode: false }, 20);
    let drawn: String = lines.iter().map(|line| line.text().trim_end().to_owned() + "\n").collect();
    assert_shows(
        &drawn,
        "
* gpu1        [###-----------------------]   12.5 %        18 s left  queue: 2
* gpu2        + 9b1c2f3a | 10.0 s | 2 nodes                           queue: 0
* workshop    [#########-----------------]   37.5 %        13 s left  queue: 11
* nas         the server closed the connection
  2 of 4 run  [######--------------------]   25.0 %        18 s left  queue: 13
",
    );
}

#[test]
fn no_width_nor_height_is_too_small_or_too_large() {
    let long = Server::running(1, "K", 3).row("a-very-long-name-of-a-server.somewhere.far.away:65535", None);
    for (rows, width) in (4..=250).flat_map(|width| [(rows(), width), (vec![long.clone()], width)]) {
        for (colours, unicode, most) in [(Colours::True, true, 10), (Colours::None, false, 0)] {
            lines_as(&rows, Look { width, colours, unicode }, most);
        }
    }
}
