//! What the server tells by itself: the WebSocket, and whether messages for this client come.

use std::{io, time::Duration};

use comfyglow_core::{
    state::{Fault, FaultKind},
    wire::http::HeadError,
    wire::websocket::{HandshakeError, NotWebSocket, Outgoing},
};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    LEAVING, Visit,
    finding::{Report, Step},
    service::said,
    socket::{Heard, Lost, Socket, Unopened},
    way::millis,
};

/// The first message of ours, as the client has it: the server's answer is addressed to our client id.
const GREETING: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;
/// Pings that are timed.
const PINGS: u8 = 3;
/// A way there and back that is felt.
const SLOW: Duration = Duration::from_millis(250);
/// How often the queue's length may differ between socket and request: it may change in between.
const LOOKS: u8 = 3;
/// How long a change of the queue may take to come.
const SOON: Duration = Duration::from_secs(1);

const PASS_UPGRADES: &str = "Have the proxy pass WebSocket upgrades on; in nginx, for /ws: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";

/// Opens a socket and listens; `greets`: the server answers a greeting.
pub(super) async fn examine(visit: &mut Visit, greets: bool, report: &mut Report<'_>) {
    let opened = Socket::open(visit.dialer.clone(), &visit.address, &visit.client_id);
    match visit.in_time(opened).await {
        Some(Ok(socket)) => {
            report.ok(Step::WebSocket, "the upgrade passes");
            visit.socket = Some(socket);
        }
        failed => {
            let (message, advice) = unopened(failed.and_then(Result::err), visit, report);
            return report.wrong(Step::WebSocket, message, advice);
        }
    }
    if listen(visit, greets, report).await.is_err() {
        // Who is gone needs no good-bye.
        visit.socket = None;
        return;
    }
    log(visit, report).await;
}

/// What is wrong where there is no socket, and what to do; `None`: it took too long.
fn unopened(failure: Option<Unopened>, visit: &Visit, report: &mut Report<'_>) -> (String, String) {
    let (message, advice) = match failure {
        None => (
            format!("requests are answered, but an upgrade is not, in {}", millis(visit.patience)),
            "If a proxy stands between, have it pass WebSocket upgrades on; else look at ComfyUI's terminal.",
        ),
        Some(Unopened::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ("the connection ends when a WebSocket is asked for".to_owned(), PASS_UPGRADES)
        }
        Some(Unopened::Io(error)) => {
            (format!("the connection breaks when a WebSocket is asked for: {error}"), PASS_UPGRADES)
        }
        Some(Unopened::Handshake(HandshakeError::Refused { status, .. })) => {
            let fault = Fault::new(FaultKind::Refused(status));
            report.is_final = fault.needs_a_person();
            match status {
                200..=299 | 400 | 404 | 405 | 426 | 501 => (
                    format!("requests are answered, but the upgrade at /ws is not passed on ({status})"),
                    PASS_UPGRADES,
                ),
                403 => (
                    "requests are answered, but the WebSocket is refused (403)".to_owned(),
                    "Have the proxy allow /ws, and neither add an Origin nor change Host: ComfyUI refuses an Origin that is not its Host.",
                ),
                _ => (format!("{} at /ws ({status})", fault.message()), fault.advice()),
            }
        }
        Some(Unopened::Handshake(HandshakeError::NotWebSocket(NotWebSocket::Accept))) => (
            "the upgrade's answer belongs to another request".to_owned(),
            "A proxy answers /ws by itself or out of a cache: have it pass each upgrade on to ComfyUI.",
        ),
        Some(Unopened::Handshake(HandshakeError::NotWebSocket(what))) => {
            (format!("a proxy changes the upgrade's answer: {what}"), PASS_UPGRADES)
        }
        Some(Unopened::Handshake(HandshakeError::Head(error))) => (unreadable(error), PASS_UPGRADES),
        Some(Unopened::Handshake(error)) => (error.to_string(), PASS_UPGRADES),
    };
    (message, advice.to_owned())
}

fn unreadable(error: HeadError) -> String {
    format!("what answers the upgrade is no HTTP: {error}")
}

/// A socket that was lost while it was listened to.
struct Gone;

/// Tells that the socket was lost during `step`.
fn lost(step: Step, lost: &Lost, report: &mut Report<'_>) -> Gone {
    let advice = match lost {
        Lost::Closed(Some(code)) => {
            let fault = Fault::new(FaultKind::ClosedWith(*code));
            report.is_final |= fault.needs_a_person();
            fault.advice()
        }
        Lost::Closed(None) => {
            "ComfyUI stopped or restarts: look at its terminal. If it runs on, a proxy ends sockets: have it let them live."
        }
        Lost::Io(_) => Fault::new(FaultKind::Broken).advice(),
        Lost::Protocol(_) => Fault::new(FaultKind::Protocol).advice(),
    };
    report.wrong(step, lost.to_string(), advice);
    Gone
}

/// Listens on the socket: whether it is greeted, pings are answered, and what is addressed to it comes.
async fn listen(visit: &mut Visit, greets: bool, report: &mut Report<'_>) -> Result<(), Gone> {
    let is_greeted = status(visit, report).await.map_err(|why| lost(Step::Status, &why, report))?;
    ping(visit, report).await.map_err(|why| lost(Step::Ping, &why, report))?;
    if !is_greeted {
        report.skip(Step::Hearing, "not even the greeting came");
        return Ok(());
    }
    hearing(visit, greets, report).await.map_err(|why| lost(Step::Hearing, &why, report))
}

/// What the server says next, until `deadline`; `None`: nothing.
async fn hear(visit: &mut Visit, deadline: Instant) -> Result<Option<Heard>, Lost> {
    let Some(socket) = &mut visit.socket else { return Err(Lost::Closed(None)) };
    let heard = match timeout_at(deadline, socket.next()).await {
        Ok(heard) => heard?,
        Err(_) => return Ok(None),
    };
    if let Heard::Text(message) = &heard
        && let Some(remaining) = message["data"]["status"]["exec_info"]["queue_remaining"].as_u64()
    {
        visit.remaining = Some(remaining);
    }
    Ok(Some(heard))
}

/// The next message of type `kind` until `deadline`.
async fn message(visit: &mut Visit, kind: &str, deadline: Instant) -> Result<Option<Value>, Lost> {
    loop {
        match hear(visit, deadline).await? {
            None => return Ok(None),
            Some(Heard::Text(message)) if message["type"] == kind => return Ok(Some(message)),
            Some(_) => {}
        }
    }
}

async fn send(visit: &mut Visit, what: &Outgoing<'_>) -> Result<(), Lost> {
    match &mut visit.socket {
        Some(socket) => socket.send(what).await.map_err(Lost::Io),
        None => Err(Lost::Closed(None)),
    }
}

/// Whether the server greets us, as each client, by a `status` with the id that we gave.
async fn status(visit: &mut Visit, report: &mut Report<'_>) -> Result<bool, Lost> {
    let deadline = Instant::now() + visit.patience;
    let sid = loop {
        let Some(message) = message(visit, "status", deadline).await? else {
            let message = format!("the server says nothing on the WebSocket, not in {}", millis(visit.patience));
            let advice = "If a proxy stands between, have it pass messages on at once; else start ComfyUI anew.";
            report.wrong(Step::Status, message, advice);
            return Ok(false);
        };
        // Others' changes of the queue may come before it.
        if let Some(sid) = message["data"]["sid"].as_str() {
            break sid.to_owned();
        }
    };
    if sid == visit.client_id {
        report.ok(Step::Status, "the server greets this client by its id");
    } else {
        report.wrong(
            Step::Status,
            "the server knows this client by another id than the one that it gave",
            "A proxy takes the query from /ws: have it pass ?clientId=… on. Submitters and observers are told nothing otherwise.",
        );
    }
    Ok(true)
}

/// How long pings take there and back: the middle one of a few.
async fn ping(visit: &mut Visit, report: &mut Report<'_>) -> Result<(), Lost> {
    let deadline = Instant::now() + visit.patience;
    let mut times = Vec::new();
    for n in 0..PINGS {
        let began = Instant::now();
        send(visit, &Outgoing::Ping(&[n])).await?;
        let is_answered = loop {
            match hear(visit, deadline).await? {
                Some(Heard::Pong(payload)) if payload == [n] => break true,
                Some(_) => {}
                None => break false,
            }
        };
        if !is_answered && n == 0 {
            let message = format!("pings are not answered, not in {}", millis(visit.patience));
            let advice =
                "Have the proxy pass pings on; without one, the network loses what is sent, or the server is stuck.";
            report.wrong(Step::Ping, message, advice);
            return Ok(());
        }
        times.push(began.elapsed());
    }
    answered(times, report);
    Ok(())
}

/// What it means that pings took these `times`, of which there is one at least.
fn answered(mut times: Vec<Duration>, report: &mut Report<'_>) {
    times.sort_unstable();
    let time = times[times.len() / 2];
    let message = format!("a ping is answered after {}", millis(time));
    if time >= SLOW {
        report.better(Step::Ping, message, "The way is slow: a nearer network, Wi-Fi or VPN shows steps sooner.");
    } else {
        report.ok(Step::Ping, message);
    }
}

/// Whether what is addressed to this client comes: ComfyUI's server.py finds sockets by client id, and can lose one
/// while pings are still answered.
async fn hearing(visit: &mut Visit, greets: bool, report: &mut Report<'_>) -> Result<(), Lost> {
    const DEAF: &str = "the socket is open, but nothing that is addressed to this client comes";
    let deadline = Instant::now() + visit.patience;
    send(visit, &Outgoing::Text(GREETING)).await?;
    if greets && message(visit, "feature_flags", deadline).await?.is_none() {
        let advice = "Run this again. If it stays so, start ComfyUI anew, and look at what stands between: it swallows messages.";
        report.wrong(Step::Hearing, DEAF, advice);
        return Ok(());
    }
    let mut asked = None;
    for _ in 0..LOOKS {
        let Ok(Ok(answer)) = timeout_at(deadline, visit.http.get("/prompt")).await else { break };
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        asked = answer["exec_info"]["queue_remaining"].as_u64();
        // What changed just now is still to come.
        let soon = deadline.min(Instant::now() + SOON);
        while asked.is_some() && asked != visit.remaining && message(visit, "status", soon).await?.is_some() {}
        if asked.is_none() || asked == visit.remaining {
            break;
        }
    }
    let count = |count: Option<u64>| count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
    match asked {
        None => report.ok(Step::Hearing, "messages for this client come"),
        _ if asked == visit.remaining => {
            report.ok(Step::Hearing, "messages for this client come, and agree with what is asked");
        }
        _ => report.wrong(
            Step::Hearing,
            format!(
                "the socket says that {} prompts wait or run, requests say {}",
                count(visit.remaining),
                count(asked)
            ),
            "Are there several ComfyUIs behind this address? Use the address of one, or have the proxy keep a client with one.",
        ),
    }
    Ok(())
}

/// Whether the server tells its log, which it is asked for and at once asked to leave.
async fn log(visit: &mut Visit, report: &mut Report<'_>) {
    const LOSS: &str = "without it, and without the extension, nobody's steps are told but one's own";
    match visit.subscribe(true).await {
        Ok(200..=299) => match timeout(LEAVING, visit.subscribe(false)).await {
            Ok(Ok(200..=299)) => report.ok(Step::Log, "the log can be subscribed to: it tells the steps of samplers"),
            _ => report.better(
                Step::Log,
                "the log can be subscribed to, but not left",
                "Nothing: the server leaves it when the connection ends.",
            ),
        },
        Ok(404) => report.better(
            Step::Log,
            format!("there is no log to subscribe to (404); {LOSS}"),
            "Behind a proxy, have it pass PATCH /internal/logs/subscribe on; else update ComfyUI, or install the extension.",
        ),
        Ok(status) => report.better(
            Step::Log,
            format!("the log is refused ({status}); {LOSS}"),
            "Have the proxy pass PATCH /internal/logs/subscribe on, or install the extension.",
        ),
        Err(error) => {
            let (message, advice) = said(&error);
            report.better(Step::Log, format!("the log can't be asked for: {message}; {LOSS}"), advice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn a_slow_way_is_felt_by_most_pings() {
        for (times, message, mark) in [
            ([1, 2, 3], "after 2.0 ms", Mark::Ok),
            ([2_000, 1, 249], "after 249 ms", Mark::Ok),
            ([250, 1, 2_000], "after 250 ms", Mark::Better),
        ] {
            let mut tell = |_: &crate::doctor::Finding| {};
            let mut report = Report::new(&mut tell);
            answered(times.map(Duration::from_millis).to_vec(), &mut report);
            let finding = report.find(Step::Ping).expect("it was told");
            assert!(finding.message.ends_with(message), "{finding:?}");
            assert_eq!((finding.mark, finding.advice.is_some()), (mark, mark == Mark::Better));
        }
    }
}
