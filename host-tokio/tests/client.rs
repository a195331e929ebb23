//! The client at a simulated server.
mod support;

use std::time::Duration;

use comfyglow::{
    client::{
        CallError, Client, Closed, EventsError, Http, Interrupted, Message, Submission, SubmitError,
        event::{Event, Executed, Executing, ExecutionSuccess, Finish, PreviewImage, Progress, ProgressState, Topics},
    },
    simulator::{Recipients, Simulator},
};
use comfyglow_core::state::{FaultKind, PromptState};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{PATIENCE, workflow};

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a port is free")
}

async fn stepped() -> Simulator {
    Simulator::builder().stepped().seed(1).start().await.expect("a port is free")
}

async fn client(simulator: &Simulator) -> Client {
    let client = Client::builder(simulator.url()).client_id(support::CLIENT).connect().expect("the address is one");
    in_time(client.connected()).await.expect("it connects");
    client
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

fn graph(inputs: Value) -> Value {
    workflow(inputs)["prompt"].take()
}

#[tokio::test]
async fn a_submitted_workflow_is_told_to_its_end() -> Result {
    let simulator = stepped().await;
    let client = client(&simulator).await;
    let mut progress = client.progress();
    let mut finishes = client.events::<Finish>();
    let submitted = in_time(client.submit(&graph(json!({"steps": 4})))).await?;
    assert_eq!(submitted.number, Some(0.0));
    simulator.step(2);
    let half = |steps: f64| {
        move |now: &Option<comfyglow::client::Progress>| {
            now.as_ref().and_then(|now| now.steps).is_some_and(|now| now.value >= steps)
        }
    };
    let now = in_time(progress.wait_for(half(2.0))).await?.expect("a prompt runs");
    // Known from one's own graph: nobody asked the server for it.
    assert_eq!((now.nodes_total, now.percentage), (Some(2), Some(25.0)));
    assert_eq!((now.node.as_deref(), now.class.as_deref()), (Some("1"), Some("SomeSampler")));
    assert_eq!(now.prompt_id.as_deref(), Some(submitted.prompt_id.as_str()));
    simulator.step(100);
    let over =
        |now: &Option<comfyglow::client::Progress>| now.as_ref().is_some_and(comfyglow::client::Progress::is_over);
    let end = in_time(progress.wait_for(over)).await?.expect("a prompt ran");
    assert_eq!((end.state, end.percentage), (PromptState::Success, Some(100.0)));
    let finish = in_time(finishes.next()).await.expect("it goes on")?;
    assert_eq!((finish.prompt_id, finish.state), (Some(submitted.prompt_id.clone()), PromptState::Success));
    let outcome = in_time(client.outcome(&submitted.prompt_id)).await?.expect("it is done");
    assert_eq!((outcome.state, outcome.outputs.len()), (PromptState::Success, 1));
    assert_eq!(outcome.outputs[0].node, "2");
    assert!(!outcome.outputs[0].files.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_prompts_own_end_is_told_though_another_one_begins_right_behind_it() -> Result {
    let simulator = stepped().await;
    let client = client(&simulator).await;
    let submitted = in_time(client.submit(&graph(json!({"seed": 1})))).await?;
    let waiting = tokio::spawn({
        let (client, id) = (client.clone(), submitted.prompt_id.clone());
        async move { client.finished(&id).await }
    });
    // Somebody else's, who uses the same id.
    let address = simulator.url().parse::<comfyglow::address::Address>()?;
    let other = Submission::new(&graph(json!({"seed": 2})), support::CLIENT)?;
    in_time(Http::new(address, &[], PATIENCE).submit(&other)).await?;
    let mut finishes = client.events::<Finish>();
    simulator.step(100);
    let finish = in_time(waiting).await??;
    assert_eq!(finish.prompt_id.as_deref(), Some(submitted.prompt_id.as_str()));
    assert_eq!(finish.state, PromptState::Success);
    let told = in_time(finishes.next()).await.expect("it goes on")?;
    assert_eq!(told.prompt_id.as_deref(), Some(submitted.prompt_id.as_str()));
    let told = in_time(finishes.next()).await.expect("it goes on")?;
    assert_eq!(told.prompt_id.as_deref(), Some(other.prompt_id()), "another one is the newest");
    // It has ended before anybody waited.
    simulator.settled().await;
    let late = in_time(client.finished(&submitted.prompt_id)).await?;
    assert_eq!((late.prompt_id, late.state), (finish.prompt_id, PromptState::Success));
    Ok(())
}

#[tokio::test]
async fn an_end_whose_outcome_nobody_knows_is_told_as_such() -> Result {
    let simulator = stepped().await;
    let client = client(&simulator).await;
    let running = in_time(client.submit(&graph(json!({"seed": 1})))).await?;
    let waiting = in_time(client.submit(&graph(json!({"seed": 2})))).await?;
    simulator.step(1);
    simulator.settled().await;
    let finished = async {
        let (finish, interrupted) =
            tokio::join!(client.finished(&waiting.prompt_id), client.interrupt(&waiting.prompt_id));
        assert_eq!(interrupted, Ok(Interrupted::Waiting));
        finish
    };
    let finish = in_time(finished).await?;
    assert_eq!((finish.prompt_id, finish.state), (Some(waiting.prompt_id), PromptState::Ended));
    assert_eq!(in_time(client.finished("nobody's")).await?.state, PromptState::Ended);
    let left = async { tokio::join!(client.finished(&running.prompt_id), client.close()).0 };
    assert_eq!(in_time(left).await, Err(Closed::Left));
    Ok(())
}

#[tokio::test]
async fn events_come_typed_in_the_wires_order() -> Result {
    let simulator = simulator().await;
    let client = client(&simulator).await;
    let mut steps = client.events::<Progress>();
    let mut states = client.events::<ProgressState>();
    let mut outputs = client.events::<Executed>();
    let topics = Topics::NONE.with::<Executing>().with::<ExecutionSuccess>();
    let mut some = client.events_of(topics, 64);
    let submitted = in_time(client.submit(&graph(json!({})))).await?;
    for step in 1..=5 {
        let now = in_time(steps.next()).await.expect("it goes on")?;
        assert_eq!((now.value, now.max, now.node.as_deref()), (f64::from(step), 5.0, Some("1")));
    }
    let state = in_time(states.next()).await.expect("it goes on")?;
    assert_eq!((state.nodes.len(), state.nodes[0].node_id.as_str()), (1, "1"));
    let output = in_time(outputs.next()).await.expect("it goes on")?;
    assert_eq!((output.node.as_str(), output.files().len()), ("2", 1));
    let mut told = Vec::new();
    while told.len() < 4 {
        told.push(match in_time(some.next()).await.expect("it goes on")? {
            Event::Executing(executing) => executing.node.unwrap_or_else(|| "none".to_owned()),
            Event::ExecutionSuccess(success) => success.prompt_id,
            other => panic!("nobody asked for {other:?}"),
        });
    }
    assert_eq!(told, ["1", "2", submitted.prompt_id.as_str(), "none"]);
    Ok(())
}

#[tokio::test]
async fn previews_messages_and_types_of_ones_own() -> Result {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Load {
        cpu: f64,
    }
    let simulator = simulator().await;
    let client = client(&simulator).await;
    let mut loads = client.decode::<Load>("my.monitor");
    let mut messages = client.messages();
    let mut previews = client.events::<PreviewImage>();
    let text = r#"{"type": "my.monitor", "data": {"cpu": 0.5, "more": [1]}}"#;
    simulator.deliver_text(Recipients::Everyone, text);
    simulator.deliver_text(Recipients::Everyone, r#"{"type": "my.monitor", "data": {"cpu": "hot"}}"#);
    simulator.deliver_text(Recipients::Everyone, "no JSON");
    simulator.deliver_binary(Recipients::Everyone, &[0, 0, 0, 1, 0, 0, 0, 2, 7, 8, 9]);
    assert_eq!(in_time(loads.next()).await, Some(Ok(Load { cpu: 0.5 })));
    assert!(matches!(in_time(loads.next()).await, Some(Err(EventsError::Undecodable(_)))));
    let preview = in_time(previews.next()).await.expect("it goes on")?;
    assert_eq!(&preview.image[..], [7, 8, 9]);
    let mut heard = Vec::new();
    while heard.len() < 4 {
        let message = in_time(messages.next()).await.expect("it goes on")?;
        // The greeting's answers may come late.
        if !matches!(&message, Message::Text(text) if text.starts_with(br#"{"type": "status""#) || text.starts_with(br#"{"type": "feature_flags""#))
        {
            heard.push(message);
        }
    }
    assert_eq!(heard[0], Message::Text(text.as_bytes().into()));
    assert_eq!(heard[2], Message::Text(b"no JSON"[..].into()));
    assert_eq!(heard[3], Message::Binary([0, 0, 0, 1, 0, 0, 0, 2, 7, 8, 9].into()));
    Ok(())
}

#[tokio::test]
async fn the_last_handle_that_is_dropped_ends_it_in_good_order() -> Result {
    let simulator = simulator().await;
    let client = client(&simulator).await;
    let other = client.clone();
    let mut events = client.events::<Event>();
    let mut connection = client.connection();
    drop(client);
    assert!(in_time(other.queue()).await.is_ok());
    drop(other);
    in_time(simulator.wait_for_sockets(0)).await;
    let last = loop {
        if let Err(last) = in_time(events.next()).await.expect("an end is told") {
            break last;
        }
    };
    assert_eq!(last, EventsError::Closed(Closed::Left));
    assert!(in_time(events.next()).await.is_none());
    while in_time(connection.changed()).await.is_ok() {}
    assert_eq!(in_time(connection.changed()).await, Err(Closed::Left));
    Ok(())
}

#[tokio::test]
async fn a_handle_whose_task_has_ended_says_why_at_each_call() {
    let simulator = simulator().await;
    let client = client(&simulator).await;
    assert_eq!(in_time(client.close()).await, Closed::Left);
    let call = CallError::Closed(Closed::Left);
    assert_eq!(in_time(client.submit(&graph(json!({})))).await, Err(SubmitError::Closed(Closed::Left)));
    assert_eq!(in_time(client.queue()).await, Err(call.clone()));
    assert_eq!(in_time(client.interrupt("p")).await, Err(call.clone()));
    assert_eq!(in_time(client.interrupt_current()).await, Err(call.clone()));
    assert_eq!(in_time(client.outcome("p")).await, Err(call));
    assert_eq!(in_time(client.connected()).await, Err(Closed::Left));
    assert_eq!(in_time(client.events::<Event>().next()).await, Some(Err(EventsError::Closed(Closed::Left))));
    assert_eq!(in_time(client.messages().next()).await, Some(Err(EventsError::Closed(Closed::Left))));
    assert_eq!(in_time(client.closed()).await, Closed::Left);
    assert_eq!(in_time(client.close()).await, Closed::Left);
}

#[test]
fn a_runtime_that_is_shut_down_is_told() -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let client = runtime.block_on(async { Client::builder("127.0.0.1:9").connect() })?;
    let mut events = client.events::<Event>();
    runtime.shutdown_background();
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Nobody listens there: either came first.
    let closed = other.block_on(client.closed());
    assert!(matches!(closed, Closed::Aborted | Closed::Fault(..)), "{closed:?}");
    assert_eq!(other.block_on(events.next()), Some(Err(EventsError::Closed(closed))));
    Ok(())
}

#[tokio::test]
async fn who_reads_slowly_or_panics_holds_nobody_up_and_is_told_what_it_lost() -> Result {
    const MESSAGES: u32 = 3_000;
    let simulator = simulator().await;
    let client = client(&simulator).await;
    let mut stalled = client.events_of(Topics::ALL, 8);
    let mut panicking = client.events::<Progress>();
    let panicked = tokio::spawn(async move {
        let _ = panicking.next().await;
        panic!("a subscriber's own fault");
    });
    let mut outputs = client.decode::<Value>("output");
    let mut prompt = |id: u32| {
        simulator.deliver_text(
            Recipients::Everyone,
            &json!({"type": "execution_start", "data": {"prompt_id": id.to_string(), "timestamp": 1}}).to_string(),
        );
        for value in 0..MESSAGES / 3 {
            let text = json!({"type": "progress", "data": {"value": value, "max": MESSAGES, "prompt_id": id.to_string(), "node": "1"}});
            simulator.deliver_text(Recipients::Everyone, &text.to_string());
        }
        simulator.deliver_text(
            Recipients::Everyone,
            &json!({"type": "execution_success", "data": {"prompt_id": id.to_string(), "timestamp": 2}}).to_string(),
        );
    };
    (1..=3).for_each(&mut prompt);
    simulator.deliver_text(Recipients::Everyone, r#"{"type": "output", "data": 7}"#);
    assert_eq!(in_time(outputs.next()).await, Some(Ok(json!(7))));
    assert!(in_time(panicked).await.is_err_and(|error| error.is_panic()));
    // What is told now: that some was lost, and all ends.
    let mut ends = Vec::new();
    let mut lost = 0;
    while ends.len() < 3 {
        match in_time(stalled.next()).await.expect("it goes on") {
            Ok(Event::Finish(finish)) => ends.push(finish.prompt_id.unwrap_or_default()),
            Ok(_) => {}
            Err(EventsError::Lagged(so_many)) => lost += so_many,
            Err(other) => return Err(other.into()),
        }
    }
    assert_eq!(ends, ["1", "2", "3"]);
    assert_eq!(lost, stalled.lost());
    assert!(stalled.merged() > u64::from(MESSAGES) / 2, "{}", stalled.merged());
    assert!(in_time(client.queue()).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn what_waits_is_taken_out_and_what_runs_is_interrupted() -> Result {
    let simulator = stepped().await;
    let client = client(&simulator).await;
    let first = in_time(client.submit(&graph(json!({"seed": 1})))).await?;
    let second = in_time(client.submit(&graph(json!({"seed": 2})))).await?;
    simulator.step(1);
    simulator.settled().await;
    let queue = in_time(client.queue()).await?;
    let ids = |prompts: &[comfyglow::client::Queued]| -> Vec<String> {
        prompts.iter().map(|prompt| prompt.prompt_id.clone()).collect()
    };
    assert_eq!(ids(&queue.running), [first.prompt_id.as_str()]);
    assert_eq!(ids(&queue.pending), [second.prompt_id.as_str()]);
    assert_eq!((queue.running[0].nodes, queue.running[0].client_id.as_deref()), (2, Some(support::CLIENT)));
    assert_eq!(in_time(client.interrupt(&second.prompt_id)).await?, Interrupted::Waiting);
    let mut finishes = client.events::<Finish>();
    assert_eq!(in_time(client.interrupt(&first.prompt_id)).await?, Interrupted::Running);
    simulator.step(1);
    let finish = in_time(finishes.next()).await.expect("it goes on")?;
    assert_eq!(finish.state, PromptState::Interrupted);
    assert_eq!(in_time(client.interrupt(&first.prompt_id)).await?, Interrupted::Nothing);
    in_time(client.interrupt_current()).await?;
    assert_eq!(
        in_time(client.outcome(&first.prompt_id)).await?.map(|outcome| outcome.state),
        Some(PromptState::Interrupted)
    );
    assert_eq!(in_time(client.outcome("nobody's")).await?, None);
    Ok(())
}

#[tokio::test]
async fn an_outcome_that_a_lost_connection_missed_is_told() -> Result {
    let simulator = stepped().await;
    let client = client(&simulator).await;
    let submitted = in_time(client.submit(&graph(json!({})))).await?;
    simulator.step(1);
    simulator.settled().await;
    let mut connection = client.connection();
    let mut finishes = client.events::<Finish>();
    assert!(simulator.disconnect(support::CLIENT));
    let lost = in_time(connection.wait_for(|now| now.waiting.is_some())).await?;
    assert!(lost.fault.is_some() && !lost.is_connected());
    simulator.step(100);
    simulator.settled().await;
    in_time(client.reconnect()).await?;
    let back = in_time(connection.wait_for(|now| now.reconnects == 1)).await?;
    assert!(back.is_connected() && back.waiting.is_none() && back.fault.is_none());
    let finish = in_time(finishes.next()).await.expect("it goes on")?;
    assert_eq!((finish.prompt_id, finish.state), (Some(submitted.prompt_id), PromptState::Success));
    Ok(())
}

#[tokio::test]
async fn what_is_known_and_was_learned_can_be_kept() -> Result {
    let simulator = Simulator::builder().speed(1.0).seed(1).start().await?;
    let teacher = client(&simulator).await;
    let mut finishes = teacher.events::<Finish>();
    in_time(teacher.submit(&graph(json!({"sim_ms": 20})))).await?;
    in_time(finishes.next()).await.expect("it goes on")?;
    let snapshot: Value = serde_json::from_str(&in_time(teacher.snapshot()).await?)?;
    assert_eq!((&snapshot["schema"], &snapshot["prompt"]["state"]), (&json!(1), &json!("success")));
    let learned = in_time(teacher.learned()).await?;
    let pupil = Client::builder(simulator.url()).learned(learned.clone()).connect()?;
    assert_eq!(in_time(pupil.learned()).await?, learned);
    let stranger = Client::builder(simulator.url()).learned(*b"nonsense").connect()?;
    assert_ne!(in_time(stranger.learned()).await?, learned);
    assert_eq!(in_time(pupil.close()).await, Closed::Left);
    assert_eq!(in_time(pupil.snapshot()).await, Err(Closed::Left));
    Ok(())
}

#[tokio::test]
async fn attempts_are_limited_by_choice() -> Result {
    let client = Client::builder("127.0.0.1:9").attempts(1).connect()?;
    let closed = in_time(client.closed()).await;
    assert!(matches!(closed, Closed::Fault(fault, Some(_)) if fault.kind == FaultKind::Unreachable), "{closed:?}");
    assert!(closed.to_string().contains("Check that ComfyUI is running"), "{closed}");
    Ok(())
}

#[tokio::test]
async fn a_refused_workflow_is_told_node_by_node() {
    let simulator = Simulator::builder().stock_nodes_only(true).start().await.expect("a port is free");
    let client = client(&simulator).await;
    let workflow = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": -5, "height": "abc", "batch_size": 1, "color": 1}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    });
    let Err(SubmitError::Rejected(rejection)) = in_time(client.submit(&workflow)).await else {
        panic!("it is refused")
    };
    assert_eq!(rejection.nodes.len(), 1);
    assert_eq!((rejection.nodes[0].node.as_str(), rejection.nodes[0].class.as_deref()), ("1", Some("EmptyImage")));
    let said = rejection.to_string();
    for said_so in
        ["EmptyImage #1", "width is -5, but must be at least 1", "height is \"abc\", but takes a whole number"]
    {
        assert!(said.contains(said_so), "{said}");
    }
    let unknown = json!({"1": {"class_type": "NoSuchNode", "inputs": {}}});
    let refused = in_time(client.submit(&unknown)).await.expect_err("the class is none").to_string();
    assert!(refused.contains("lacks a node") && refused.contains("NoSuchNode #1"), "{refused}");
}

#[tokio::test]
async fn what_is_no_workflow_is_told_before_anything_is_sent() {
    let client = Client::builder("127.0.0.1:9").connect().expect("the address is one");
    let editors = json!({"nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4});
    for (workflow, said) in [
        (editors, "Export (API)"),
        (json!([1]), "it is a list"),
        (json!({"a": 1}), "an object without nodes"),
        (json!(null), "it is null"),
    ] {
        let error = in_time(client.submit(&workflow)).await.expect_err("it is none").to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn secrets_are_sent_and_never_shown() -> Result {
    let builder = Client::builder("http://ann:pass-1@127.0.0.1:9/?token=pass-2")
        .query("key", "pass-3")
        .header("X-Key", "pass-4")
        .bearer("pass-5");
    let shown = format!("{builder:?}");
    let client = builder.request_timeout(Duration::from_secs(5)).connect()?;
    let lost = in_time(client.connection().wait_for(|now| now.fault.is_some())).await?;
    let refused = in_time(client.queue()).await.map_err(|error| format!("{error:?} {error}"));
    for shown in [shown, format!("{client:?}"), format!("{lost:?} {refused:?}")] {
        assert!(!shown.contains("pass-"), "{shown}");
    }
    for (name, value) in [("Host", "x"), ("X-Key", "a\nb"), ("a b", "c")] {
        let error = Client::builder("h").header(name, value).connect().expect_err("it can't be sent").to_string();
        assert!(error.contains(name) && !error.contains("a\nb"), "{error}");
    }
    assert!(Client::builder("ftp://h").connect().is_err());
    Ok(())
}
