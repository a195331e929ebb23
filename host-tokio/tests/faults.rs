//! Faults of servers and networks, over real sockets: what the client says of them, how it comes back, and that it ends with
//! the server's truth.
mod support;

use std::time::Duration as StdDuration;

use comfyglow::{
    client::{Client, Closed, Connection, Progress, Submitted, Watch},
    simulator::{Fault, Simulator},
};
use comfyglow_core::{
    backoff::{BackoffConfig, Jitter},
    breaker::BreakerConfig,
    heartbeat::HeartbeatConfig,
    session::ReconnectConfig,
    state::{ConnectionStatus, FaultKind, PromptState, Source, WaitingFor},
    time::Duration,
};
use serde_json::{Value, json};
use support::{PATIENCE, workflow};

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

/// Every wait in milliseconds.
const RECONNECT: ReconnectConfig = ReconnectConfig {
    attempts: None,
    backoff: BackoffConfig {
        initial: Duration::from_millis(5),
        factor_percent: 150,
        max: Duration::from_millis(20),
        jitter: Jitter::None,
    },
    breaker: BreakerConfig {
        window: Duration::from_millis(1),
        cool_down: Duration::from_millis(5),
        max_cool_down: Duration::from_millis(20),
    },
    proven: Duration::from_millis(1),
};

const HEARTBEAT: HeartbeatConfig = HeartbeatConfig {
    interval: Duration::from_millis(20),
    timeout: Duration::from_millis(200),
    patience: Duration::from_secs(5),
    ..HeartbeatConfig::DEFAULT
};

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

/// A server whose nodes wait to be allowed each step, with `faults`.
async fn simulator(faults: &[&str]) -> Simulator {
    let builder = Simulator::builder().stepped().seed(1);
    let faults = faults.iter().map(|fault| fault.parse::<Fault>().expect("it is one"));
    faults.fold(builder, comfyglow::simulator::Builder::fault).start().await.expect("a port is free")
}

fn client(simulator: &Simulator) -> Client {
    let builder = Client::builder(simulator.url()).client_id(support::CLIENT).reconnect(RECONNECT);
    builder.connect().expect("the address is one")
}

fn graph() -> Value {
    workflow(json!({}))["prompt"].take()
}

/// Waits until the connection is as `wanted`.
async fn told(client: &Client, wanted: impl FnMut(&Connection) -> bool) -> Connection {
    in_time(client.connection().wait_for(wanted)).await.expect("the client goes on")
}

/// Waits until the prompt is over for the client.
async fn over(progress: &mut Watch<Option<Progress>>, submitted: &Submitted) -> Progress {
    let is_over = |now: &Option<Progress>| {
        now.as_ref().is_some_and(|now| now.is_over() && now.prompt_id.as_deref() == Some(&submitted.prompt_id))
    };
    in_time(progress.wait_for(is_over)).await.expect("the client goes on").expect("a prompt ran")
}

/// Runs a prompt through a connection that is sound.
async fn runs_a_prompt(simulator: &Simulator, client: &Client) {
    told(client, Connection::is_connected).await;
    let mut progress = client.progress();
    let submitted = in_time(client.submit(&graph())).await.expect("it is valid");
    simulator.step(100);
    let end = over(&mut progress, &submitted).await;
    assert_eq!((end.state, end.percentage), (PromptState::Success, Some(100.0)));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_and_tried_until_it_can() -> Result {
    use ConnectionStatus::{Disconnected, Error};
    for (fault, status, kind) in [
        ("refuse", Disconnected, FaultKind::Unreachable),
        ("reset,on=all", Disconnected, FaultKind::Closed),
        ("end,on=all", Disconnected, FaultKind::Closed),
        ("garbage,on=all", Error, FaultKind::NotComfyUi),
        ("accept-key", Error, FaultKind::NotComfyUi),
        ("status:200,on=all", Error, FaultKind::NotComfyUi),
        ("status:429,on=all", Disconnected, FaultKind::Refused(429)),
        ("status:502,on=all", Disconnected, FaultKind::Refused(502)),
        ("status:503,on=all", Disconnected, FaultKind::Refused(503)),
    ] {
        let simulator = simulator(&[fault]).await;
        let client = client(&simulator);
        let known = told(&client, |now| now.fault.is_some() && now.attempt >= 3 && now.waiting.is_some()).await;
        assert_eq!((known.status, known.fault.map(|fault| fault.kind)), (status, Some(kind)), "{fault}");
        simulator.mend();
        let known = told(&client, Connection::is_connected).await;
        assert_eq!((known.fault, known.attempt, known.waiting), (None, 0, None), "{fault}");
        runs_a_prompt(&simulator, &client).await;
        assert_eq!(in_time(client.close()).await, Closed::Left, "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn what_needs_a_person_ends_the_client() {
    for (fault, kind) in [
        ("redirect", FaultKind::Refused(302)),
        ("status:401", FaultKind::Refused(401)),
        ("status:403", FaultKind::Refused(403)),
        ("status:404", FaultKind::Refused(404)),
        ("close:1008", FaultKind::ClosedWith(1008)),
    ] {
        let simulator = simulator(&[fault]).await;
        let client = client(&simulator);
        let Closed::Fault(known, _) = in_time(client.closed()).await else { panic!("{fault}: it ended otherwise") };
        assert_eq!(known.kind, kind, "{fault}");
        assert!(!known.advice().is_empty());
        simulator.wait_for_strikes(1).await;
    }
}

/// Time stands still where nothing is under way, and jumps to the next deadline.
#[tokio::test]
async fn a_server_that_never_answers_is_given_up_after_ten_seconds() {
    let simulator = simulator(&["half-open,on=all"]).await;
    let client = client(&simulator);
    in_time(simulator.wait_for_strikes(1)).await;
    tokio::time::pause();
    let known = told(&client, |now| now.fault.is_some()).await;
    assert_eq!(known.fault.map(|fault| fault.kind), Some(FaultKind::TimedOut));
    simulator.mend();
    runs_a_prompt(&simulator, &client).await;
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() {
    let simulator = simulator(&["status:503/20,on=all"]).await;
    let client = client(&simulator);
    let known = told(&client, |now| now.waiting.is_some()).await;
    let (until, why) = known.waiting.expect("it waits");
    assert_eq!(why, WaitingFor::Server);
    let wait = until.duration_since(tokio::time::Instant::now());
    assert!(wait > StdDuration::from_secs(10) && wait <= StdDuration::from_secs(20), "{wait:?}");
    simulator.mend();
    in_time(client.reconnect()).await.expect("it goes on");
    runs_a_prompt(&simulator, &client).await;
}

/// Connections that fail amid a prompt, which then ends: before the client is back, or after.
#[tokio::test]
async fn a_connection_lost_amid_a_prompt_loses_no_outcome() {
    for fault in [
        "reset,after=8",
        "end,after=8",
        "garbage,after=8",
        "truncated,after=8",
        "masked,after=8",
        "huge,after=8",
        "huge:1099511627776,after=8",
        "close,after=8",
        "close:1000,after=8",
        "close:1001,after=8",
        "close:1012,after=8",
        "close:1013,after=8",
        "stall,after=8",
        "drip,after=8",
    ] {
        for ends_meanwhile in [false, true] {
            let simulator = simulator(&[&format!("{fault},times=1")]).await;
            let heartbeat = HeartbeatConfig { patience: Duration::from_millis(300), ..HEARTBEAT };
            let builder = Client::builder(simulator.url()).client_id(support::CLIENT);
            let client = builder.reconnect(RECONNECT).heartbeat(heartbeat).connect().expect("the address is one");
            told(&client, Connection::is_connected).await;
            let mut progress = client.progress();
            let submitted = in_time(client.submit(&graph())).await.expect("it is valid");
            simulator.step(if ends_meanwhile { 100 } else { 3 });
            in_time(simulator.wait_for_strikes(1)).await;
            simulator.step(100);
            let end = over(&mut progress, &submitted).await;
            assert_eq!((end.state, end.percentage), (PromptState::Success, Some(100.0)), "{fault}");
            assert_eq!(simulator.queue_remaining(), 0, "{fault}: nothing was submitted twice");
            assert_eq!(client.queue().await.map(|queue| queue.pending.len()), Ok(0));
        }
    }
}

#[tokio::test]
async fn failures_and_interruptions_are_heard_of_after_a_loss_too() -> Result {
    for (inputs, interrupts, state) in [
        (json!({"sim_error": "out of memory", "sim_error_at": 4}), false, PromptState::Error),
        (json!({}), true, PromptState::Interrupted),
    ] {
        let simulator = simulator(&[]).await;
        let client = client(&simulator);
        told(&client, Connection::is_connected).await;
        let mut progress = client.progress();
        let submitted = in_time(client.submit(&workflow(inputs)["prompt"])).await?;
        simulator.step(2);
        simulator.settled().await;
        simulator.fault("status:503,on=all".parse()?);
        simulator.disconnect(support::CLIENT);
        in_time(simulator.wait_for_strikes(3)).await;
        if interrupts {
            simulator.interrupt();
        }
        simulator.step(100);
        simulator.settled().await;
        assert!(progress.get().is_some_and(|now| now.state == PromptState::Running), "nothing else is known");
        simulator.mend();
        let end = over(&mut progress, &submitted).await;
        assert_eq!(end.state, state);
        assert_eq!(end.failure.is_some(), state == PromptState::Error);
    }
    Ok(())
}

#[tokio::test]
async fn without_a_socket_http_tells() -> Result {
    for fault in ["status:503", "half-open", "accept-key"] {
        let simulator = simulator(&[fault]).await;
        let client = client(&simulator);
        let mut progress = client.progress();
        let prompt_id = simulator.submit(&workflow(json!({})))?;
        simulator.step(2);
        simulator.settled().await;
        tokio::time::pause();
        let runs = |now: &Option<Progress>| now.as_ref().and_then(|now| now.prompt_id.as_deref()) == Some(&prompt_id);
        let now = in_time(progress.wait_for(runs)).await?.expect("a prompt runs");
        assert_eq!((now.state, now.nodes_total), (PromptState::Running, Some(2)), "{fault}");
        assert_eq!(client.connection().get().source, Source::Polling, "{fault}");
        simulator.step(100);
        let now = in_time(progress.wait_for(|now| now.as_ref().is_some_and(Progress::is_over))).await?;
        assert_eq!(now.expect("a prompt ran").state, PromptState::Success, "{fault}");
        tokio::time::resume();
    }
    Ok(())
}

#[tokio::test]
async fn without_http_the_socket_tells() -> Result {
    for fault in ["reset,on=http", "status:502,on=http", "garbage,on=http"] {
        let simulator = simulator(&[fault]).await;
        let client = client(&simulator);
        told(&client, Connection::is_connected).await;
        let mut progress = client.progress();
        let prompt_id = simulator.submit(&workflow(json!({})))?;
        simulator.step(100);
        let now = in_time(progress.wait_for(|now| now.as_ref().is_some_and(Progress::is_over))).await?;
        let now = now.expect("a prompt ran");
        assert_eq!((now.state, now.prompt_id.as_deref()), (PromptState::Success, Some(prompt_id.as_str())), "{fault}");
        assert!(client.connection().get().is_connected(), "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn an_old_server_is_asked_otherwise() -> Result {
    let simulator = simulator(&["no-jobs"]).await;
    let client = client(&simulator);
    told(&client, Connection::is_connected).await;
    let mut progress = client.progress();
    let mut others = workflow(json!({}));
    others["client_id"] = "somebody else".into();
    let prompt_id = simulator.submit(&others)?;
    simulator.step(2);
    let runs = |now: &Option<Progress>| now.as_ref().and_then(|now| now.prompt_id.as_deref()) == Some(&prompt_id);
    in_time(progress.wait_for(runs)).await?;
    in_time(simulator.wait_for_strikes(1)).await;
    simulator.step(100);
    let now = in_time(progress.wait_for(|now| now.as_ref().is_some_and(Progress::is_over))).await?;
    assert_eq!(now.expect("a prompt ran").state, PromptState::Success);
    Ok(())
}

/// Pings are answered all the while: only the queue gives it away.
#[tokio::test]
async fn a_deaf_socket_is_found_out_and_replaced() -> Result {
    let simulator = simulator(&["deaf,after=8,times=1"]).await;
    let client = client(&simulator);
    let before = told(&client, Connection::is_connected).await;
    let mut progress = client.progress();
    let submitted = in_time(client.submit(&graph())).await?;
    simulator.step(100);
    in_time(simulator.wait_for_strikes(1)).await;
    simulator.settled().await;
    tokio::time::pause();
    let end = over(&mut progress, &submitted).await;
    assert_eq!(end.state, PromptState::Success);
    tokio::time::resume();
    let after = told(&client, |now| now.is_connected() && now.reconnects > 0).await;
    assert_ne!(after.client_id, before.client_id, "a fresh id, which the server hasn't lost");
    runs_a_prompt(&simulator, &client).await;
    Ok(())
}

#[tokio::test]
async fn a_prompt_that_a_restart_forgot_is_said_to_be_over() -> Result {
    let simulator = simulator(&["restart,after=8,times=1"]).await;
    let client = client(&simulator);
    told(&client, Connection::is_connected).await;
    let mut progress = client.progress();
    let submitted = in_time(client.submit(&graph())).await?;
    simulator.step(3);
    in_time(simulator.wait_for_strikes(1)).await;
    let ended = |now: &Option<Progress>| now.as_ref().is_some_and(|now| now.state == PromptState::Ended);
    let end = in_time(progress.wait_for(ended)).await?.expect("a prompt ran");
    assert_eq!(end.prompt_id.as_deref(), Some(submitted.prompt_id.as_str()));
    assert_eq!(simulator.queue_remaining(), 0, "nobody submitted it again");
    assert_eq!(in_time(client.outcome(&submitted.prompt_id)).await?, None);
    let before = client.connection().get().reconnects;
    simulator.restart().await;
    told(&client, |now| now.is_connected() && now.reconnects > before).await;
    runs_a_prompt(&simulator, &client).await;
    Ok(())
}

/// The connection was lost when it was submitted, and it was over before there was another.
#[tokio::test]
async fn a_prompt_that_began_and_ended_unheard_is_asked_for() -> Result {
    let simulator = simulator(&[]).await;
    let client = client(&simulator);
    told(&client, Connection::is_connected).await;
    let mut progress = client.progress();
    simulator.fault("status:503".parse()?);
    simulator.disconnect(support::CLIENT);
    let submitted = in_time(client.submit(&graph())).await?;
    simulator.step(100);
    simulator.settled().await;
    simulator.mend();
    let end = over(&mut progress, &submitted).await;
    assert_eq!(end.state, PromptState::Success);
    Ok(())
}

/// Each byte comes alone, from the handshake on.
#[tokio::test]
async fn bytes_that_drip_mean_the_same() {
    let simulator = simulator(&["drip,on=all"]).await;
    let client = client(&simulator);
    runs_a_prompt(&simulator, &client).await;
    assert_eq!(client.connection().get().reconnects, 0);
}
