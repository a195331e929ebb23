//! `comfyglow watch` of several servers at once.
mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use comfyglow::simulator::Simulator;
use serde_json::{Value, json};
use support::{CLIENT, PATIENCE, Ran, comfyglow, ended, run, workflow};

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a port is free")
}

/// A server that moves when it is told to.
async fn stepped() -> Simulator {
    Simulator::builder().stepped().seed(1).start().await.expect("a port is free")
}

/// An address that nobody listens at.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", listener.local_addr().expect("it has an address"))
}

/// What a server is called among others on this machine.
fn name(simulator: &Simulator) -> String {
    format!(":{}", simulator.addr().port())
}

async fn connected(simulators: &[&Simulator], count: usize) {
    for simulator in simulators {
        let sockets = simulator.wait_for_sockets(count);
        tokio::time::timeout(PATIENCE, sockets).await.expect("it connects, or leaves, in time");
    }
}

/// Starts the command `watch` with `args` at `simulators`, and waits until it is connected to all of them.
async fn watching(simulators: &[&Simulator], args: &[&str]) -> Child {
    let urls: Vec<String> = simulators.iter().map(|simulator| simulator.url()).collect();
    let urls = urls.iter().map(String::as_str);
    let all: Vec<&str> = ["watch", "--client-id", CLIENT].into_iter().chain(args.iter().copied()).chain(urls).collect();
    let child = comfyglow(&all).spawn().expect("the command starts");
    connected(simulators, 1).await;
    child
}

fn submit(simulator: &Simulator, inputs: Value) {
    simulator.submit(&workflow(inputs)).expect("the workflow is valid");
}

/// The last snapshot of a server.
fn last_of(ran: &Ran, url: &str) -> Value {
    let of_it = ran.json().into_iter().rfind(|snapshot| snapshot["server"] == url);
    of_it.unwrap_or_else(|| panic!("nothing of {url}: {ran:?}"))
}

#[tokio::test]
async fn with_once_each_tells_its_prompts_end_and_the_worst_is_the_status() {
    let failing = json!({"sim_error": "out of memory"});
    for (inputs, status) in [(json!({}), 0), (failing, 1)] {
        let (one, other) = (simulator().await, simulator().await);
        let child = watching(&[&one, &other], &["--once", "--json"]).await;
        submit(&one, inputs);
        // That one has had its end doesn't end the other.
        connected(&[&one], 0).await;
        submit(&other, json!({}));
        let ran = ended(child).await;
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(status), ""));
        let state = if status == 0 { "success" } else { "error" };
        assert_eq!(last_of(&ran, &one.url())["prompt"]["state"], state);
        assert_eq!(last_of(&ran, &other.url())["prompt"]["state"], "success");
    }
}

#[tokio::test]
async fn a_dead_server_disturbs_no_other_and_is_4() {
    let (one, other, dead) = (simulator().await, simulator().await, nobody());
    let child = watching(&[&one, &other], &["--once", "--json", "--attempts", "2", &dead]).await;
    submit(&one, json!({"sim_error": "no"}));
    submit(&other, json!({}));
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stderr.contains(&format!("error: {dead}: no answer at this address")), "{ran:?}");
    let state = |url: &str| last_of(&ran, url)["prompt"]["state"].clone();
    assert_eq!((state(&one.url()), state(&other.url())), (json!("error"), json!("success")));
    let dead = last_of(&ran, &dead);
    assert_eq!((&dead["prompt"], &dead["connection"]["error"]["kind"]), (&Value::Null, &json!("unreachable")));
    assert!(ran.json().iter().all(|snapshot| snapshot["schema"] == 1 && snapshot["server"].is_string()));
}

#[tokio::test]
async fn a_server_that_dies_midway_leaves_the_others_as_they_are() {
    let (dying, living) = (stepped().await, stepped().await);
    let child = watching(&[&dying, &living], &["--once", "--attempts", "1"]).await;
    for simulator in [&dying, &living] {
        submit(simulator, json!({}));
        simulator.step(2);
        simulator.settled().await;
    }
    let (died, lives) = (name(&dying), name(&living));
    dying.shutdown().await;
    living.step(10);
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stderr.contains(&format!("127.0.0.1{died}: the server closed the connection")), "{ran:?}");
    let ends: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("✔ ")).collect();
    assert!(ends.len() == 1 && ends[0].starts_with(&lives), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_comes_back_is_watched_again() {
    let (one, other) = (simulator().await, simulator().await);
    let mut child = watching(&[&one, &other], &["--once", "--json"]).await;
    submit(&other, json!({}));
    one.restart().await;
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut snapshots = lines.by_ref().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let url = one.url();
    let is_back = |snapshot: &Value| {
        let connection = &snapshot["connection"];
        snapshot["server"] == url && connection["reconnects"] == 1 && connection["status"] == "connected"
    };
    assert!(snapshots.any(|snapshot| is_back(&snapshot)), "it comes back");
    submit(&one, json!({}));
    let last = snapshots.filter(|snapshot| snapshot["server"] == url).last().expect("there is more of it");
    assert_eq!(last["prompt"]["state"], "success");
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn one_server_alone_is_named_in_json_too_and_no_login_is_shown() {
    let simulator = simulator().await;
    let (address, dead) = (simulator.addr(), nobody());
    let login = format!("http://ann:secret@{address}/?token=secret");
    for more in [None, Some(dead.as_str())] {
        let args = ["watch", "--once", "--json", "--client-id", CLIENT, "--attempts", "1", &login];
        let args: Vec<&str> = args.into_iter().chain(more).collect();
        let child = comfyglow(&args).spawn().expect("the command starts");
        connected(&[&simulator], 1).await;
        submit(&simulator, json!({}));
        let ran = ended(child).await;
        assert_eq!(ran.status, Some(if more.is_some() { 4 } else { 0 }), "{ran:?}");
        assert_eq!(last_of(&ran, &format!("http://{address}"))["prompt"]["state"], "success");
        assert!(!format!("{ran:?}").contains("secret"), "{ran:?}");
        connected(&[&simulator], 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lines_for_a_pipe_begin_with_the_servers_names() {
    let (one, other, dead) = (stepped().await, stepped().await, nobody());
    let mut child = watching(&[&one, &other], &["--once", "--attempts", "1", &dead]).await;
    for simulator in [&one, &other] {
        submit(simulator, json!({}));
    }
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut text = String::new();
    // A node's line is told while it runs.
    while text.matches("#1\n").count() < 2 {
        let line = lines.next().expect("there are more lines");
        text += &(line.expect("it is UTF-8") + "\n");
    }
    one.step(10);
    other.step(10);
    text.extend(lines.map(|line| line.expect("it is UTF-8") + "\n"));
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    for simulator in [&one, &other] {
        let name = name(simulator);
        let of_it: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(&name)).map(str::trim_start).collect();
        assert!(of_it.contains(&format!("connected to {}", simulator.addr()).as_str()), "{text}");
        assert!(
            of_it.iter().any(|line| line.ends_with("#1")) && of_it.iter().any(|line| line.starts_with("✔ ")),
            "{text}"
        );
    }
    assert!(text.lines().all(|line| line.starts_with(':')), "{text}");
}

#[tokio::test]
async fn a_server_named_twice_is_watched_once() {
    let (one, other) = (simulator().await, simulator().await);
    let again = format!("ws://{}/ws", one.addr());
    let child = watching(&[&one, &other], &["--once", "--json", &again]).await;
    submit(&one, json!({}));
    submit(&other, json!({}));
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stderr, format!("warning: {} is named twice, and watched once\n", one.url()));
    // Of one that is left there is nothing that would need a name before each line.
    let child = watching(&[&one], &["--once", &again]).await;
    submit(&one, json!({}));
    let ran = ended(child).await;
    assert!(ran.status == Some(0) && ran.stdout.contains("\n✔ "), "{ran:?}");
}

#[test]
fn one_file_of_what_was_learned_cannot_be_for_several() {
    let ran = run(&["watch", "one", "two", "--state", "file"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("--state names one file") && ran.stderr.contains("without it"), "{ran:?}");
    let ran = run(&["watch", "one", "http://two:99999"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("invalid port number"), "{ran:?}");
}

#[tokio::test]
async fn the_history_of_all_is_one_file_that_tells_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.jsonl");
    let (one, other) = (simulator().await, simulator().await);
    let child = watching(&[&one, &other], &["--once", "--history", file.to_str().expect("the path is UTF-8")]).await;
    submit(&one, json!({}));
    submit(&other, json!({"steps": 3}));
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let text = std::fs::read_to_string(&file).expect("it was written");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let steps_of = |simulator: &Simulator| -> Vec<f64> {
        let url = simulator.url();
        lines.iter().filter(|line| line["server"] == url).filter_map(|line| line["value"].as_f64()).collect()
    };
    assert_eq!(steps_of(&one), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(steps_of(&other), [1.0, 2.0, 3.0]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn each_server_has_its_own_file_of_what_was_learned() {
    let folder = tempfile::tempdir().expect("a folder");
    let slow = async || Simulator::builder().speed(1.0).seed(1).start().await.expect("a port is free");
    let (one, other) = (slow().await, slow().await);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_comfyglow"));
    command.args(["watch", "--once", "--json", "--client-id", CLIENT, &one.url(), &other.url()]);
    command.env("XDG_STATE_HOME", folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the command starts");
    connected(&[&one, &other], 1).await;
    for simulator in [&one, &other] {
        // Slow enough that the graph is known before it is over.
        submit(simulator, json!({"sim_ms": 300}));
    }
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    for simulator in [&one, &other] {
        let file = folder.path().join(format!("comfyglow/127.0.0.1_{}.learned", simulator.addr().port()));
        assert!(file.is_file(), "{}", file.display());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_leaves_all_politely() {
    let (one, other, dead) = (stepped().await, simulator().await, nobody());
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        for args in [&["--json", dead.as_str()][..], &["--once", &dead]] {
            let child = watching(&[&one, &other], args).await;
            let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
            assert!(sent.is_ok_and(|sent| sent.success()));
            let ran = ended(child).await;
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(status), ""), "{args:?}");
            connected(&[&one, &other], 0).await;
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_reader_that_leaves_ends_all() {
    for (args, status) in [(&["--once", "--json"][..], 141), (&["--json"], 0)] {
        let (one, other) = (stepped().await, stepped().await);
        let mut child = watching(&[&one, &other], args).await;
        drop(child.stdout.take());
        submit(&one, json!({}));
        let ran = ended(child).await;
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(status), ""), "{args:?}");
    }
}

#[cfg(unix)]
mod in_a_terminal {
    use std::io::Write as _;

    use super::{support::seen::Seen, *};

    fn seen(columns: u16, urls: &[&str], args: &[&str]) -> Seen {
        let all = ["watch", "--no-learn", "--client-id", CLIENT];
        let all: Vec<&str> = all.into_iter().chain(args.iter().copied()).chain(urls.iter().copied()).collect();
        Seen::new(columns, &all, &[])
    }

    /// The line that tells of a server, or of all.
    fn line(screen: &vt100::Screen, part: &str) -> Option<String> {
        screen.contents().lines().find(|line| line.contains(part)).map(str::to_owned)
    }

    /// The columns of a bar's first block, full or not, and of `queue`.
    fn columns(line: &str) -> [Option<usize>; 2] {
        let column = |is: fn(char) -> bool| line.chars().position(is);
        [column(|c| ('\u{2588}'..='\u{258f}').contains(&c)), column(|c| c == 'q')]
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn there_is_a_line_for_each_server_and_a_total() {
        let (one, other, dead) = (stepped().await, stepped().await, nobody());
        let mut seen = seen(120, &[&one.url(), &other.url(), &dead], &[]);
        connected(&[&one, &other], 1).await;
        for (simulator, steps) in [(&one, 4), (&other, 2)] {
            submit(simulator, json!({}));
            submit(simulator, json!({"seed": 2}));
            simulator.step(steps);
        }
        let (first, second, dead) = (name(&one), name(&other), dead.replace("http://127.0.0.1", ""));
        seen.until("all three", |screen| {
            let is = |name: &str, parts: &[&str]| {
                line(screen, name).is_some_and(|line| parts.iter().all(|part| line.contains(part)))
            };
            is(&first, &["● ", "█", " %", " left", "queue: 2", "SomeSampler #1 4/5"])
                && is(&second, &["● ", "█", " %", " left", "queue: 2", "SomeSampler #1 2/5"])
                && is(&dead, &["● ", "no answer at this address · next try in "])
                && is("2 of 3 run", &["█", " %", " left", "queue: 4", "1 not connected"])
        });
        let lines = [&first, &second, "2 of 3 run"].map(|part| line(seen.screen.screen(), part).unwrap_or_default());
        let [expected, others @ ..] = lines.each_ref().map(|line| columns(line));
        assert!(expected.iter().all(Option::is_some) && others == [expected; 2], "{lines:#?}");
        assert_eq!(seen.text().lines().count(), 4, "{}", seen.text());

        // One's prompt ends: a line that stays, above the lines that move.
        one.step(2);
        seen.until("an end", |screen| {
            let contents = screen.contents();
            let mut lines = contents.lines();
            lines.next().is_some_and(|line| line.starts_with(&first) && line.contains("✔ ")) && lines.count() == 4
        });
        seen.keys.write_all(b"\x03").expect("the key is pressed");
        assert_eq!(seen.end(), 130);
        assert_eq!(seen.text().lines().count(), 1, "{}", seen.text());
        assert!(!seen.screen.screen().hide_cursor());
        connected(&[&one, &other], 0).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn with_once_the_ends_stay_and_who_is_given_up_is_told() {
        let (one, other, dead) = (stepped().await, stepped().await, nobody());
        let mut seen = seen(80, &[&one.url(), &other.url(), &dead], &["--once", "--attempts", "1"]);
        connected(&[&one, &other], 1).await;
        submit(&one, json!({"sim_error": "out of memory"}));
        submit(&other, json!({}));
        one.step(10);
        let (first, second) = (name(&one), name(&other));
        seen.until("one is over, the other runs", |screen| {
            let contents = screen.contents();
            let over = contents.lines().filter(|line| line.contains(&first) && line.contains("✖ ")).count();
            over == 2 && contents.contains("1 of 3 run") && contents.contains("error: http://127.0.0.1")
        });
        other.step(10);
        assert_eq!(seen.end(), 4);
        let text = seen.text();
        let stays = |name: &str, part: &str| text.lines().any(|line| line.starts_with(name) && line.contains(part));
        assert!(stays(&first, "✖ ") && stays(&second, "✔ ") && text.contains("out of memory"), "{text}");
        assert!(!text.contains(" of 3 run") && !text.contains('●'), "{text}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn more_servers_than_lines() {
        let one = stepped().await;
        let dead = nobody();
        let dead: Vec<String> = (1..=30).map(|n| format!("{dead}/{n}")).collect();
        let url = one.url();
        let urls: Vec<&str> = dead.iter().map(String::as_str).chain([url.as_str()]).collect();
        let mut seen = seen(40, &urls, &[]);
        connected(&[&one], 1).await;
        submit(&one, json!({}));
        one.step(3);
        seen.until("the one that runs, and that there are more", |screen| {
            let running = line(screen, &name(&one)).is_some_and(|line| line.contains('█') && line.contains(" %"));
            running && line(screen, "more").is_some() && line(screen, "1 of 31 run").is_some()
        });
        seen.keys.write_all(b"\x03").expect("the key is pressed");
        assert_eq!(seen.end(), 130);
        assert_eq!(seen.text(), "", "nothing of the display is left");
    }
}
