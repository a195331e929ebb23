//! What the server answers to requests.

use comfyglow_core::state::{Fault, FaultKind};
use hyper::{
    StatusCode,
    header::{self, HeaderName},
};
use serde_json::Value;
use url::Url;

use super::{
    Visit,
    finding::{Report, Step},
    way,
};
use crate::{
    address::Address,
    client::{RequestError, http::Answer},
    display::clean,
    simulator::Version,
};

/// The oldest and the newest release that is known.
const KNOWN: (Version, Version) = (Version::new(0, 3, 10), Version::new(0, 38, u16::MAX));
/// The first release that tells `progress_state` and its features.
const PROGRESS_STATE: Version = Version::new(0, 3, 44);
/// The first release with `/api/jobs`.
const JOBS: Version = Version::new(0, 6, 0);
/// The releases that told each prompt's `progress_state` to everyone.
const TOLD_ALL: (Version, Version) = (Version::new(0, 3, 44), Version::new(0, 3, 56));

/// Characters of what the server said that are shown.
const SHOWN: usize = 80;

/// Asks the server for all that is of use; whether it answers a greeting on a socket. `None`: it is of no use to go on.
pub(super) async fn examine(visit: &Visit, url: &str, report: &mut Report<'_>) -> Option<bool> {
    let stats = http(visit, url, report).await?;
    let version = version(stats.as_ref(), report);
    let has_features = features(visit, version, report).await;
    queue(visit, report).await;
    jobs(visit, version, report).await;
    extension(visit, report).await;
    Some(has_features || version.is_some_and(|version| version >= PROGRESS_STATE))
}

/// Whether it is ComfyUI that answers; what it tells of itself, where it does.
async fn http(visit: &Visit, url: &str, report: &mut Report<'_>) -> Option<Option<Value>> {
    // It may take several requests to find out.
    let stats = visit.in_time(asked(visit, url, report)).await.flatten();
    if report.find(Step::Http).is_none() {
        let (message, advice) = unanswered(visit);
        report.wrong(Step::Http, message, advice);
    }
    stats
}

fn unanswered(visit: &Visit) -> (String, String) {
    (
        format!("connections are taken, but a request is not answered in {}", way::millis(visit.patience)),
        "Is it ComfyUI's port? If so, ComfyUI is busy or stuck: look at its terminal, or start it anew.".to_owned(),
    )
}

async fn asked(visit: &Visit, url: &str, report: &mut Report<'_>) -> Option<Option<Value>> {
    let answer = match visit.http.get("/system_stats").await {
        Ok(answer) => answer,
        Err(error) => {
            let (message, advice) = match error.fault().kind {
                _ if way_is_tls(visit, &error).await => tls_wanted(visit),
                FaultKind::TimedOut => unanswered(visit),
                FaultKind::Broken => (
                    "connections are taken, but end without an answer".to_owned(),
                    "Is it ComfyUI's port? If so, look at its terminal; if something stands between, at its log."
                        .to_owned(),
                ),
                FaultKind::NotComfyUi => (
                    "what answers speaks no HTTP".to_owned(),
                    "This is another program's port. Write the one that ComfyUI tells at its start.".to_owned(),
                ),
                _ => said(&error),
            };
            report.wrong(Step::Http, message, advice);
            return None;
        }
    };
    if let Some(stats) = json(&answer).filter(|stats| stats["system"].is_object()) {
        report.ok(Step::Http, "ComfyUI answers requests");
        return Some(Some(stats));
    }
    // A proxy may pass on only what it thinks is needed.
    if let Ok(prompt) = visit.http.get("/prompt").await
        && json(&prompt).is_some_and(|prompt| prompt["exec_info"].is_object())
    {
        let message = format!("ComfyUI answers, but /system_stats is kept back ({})", answer.status);
        report.better(Step::Http, message, "Have the proxy pass on all of ComfyUI's paths.");
        return Some(None);
    }
    let (message, advice) = refused(visit, url, &answer).await;
    report.is_final = Fault::new(FaultKind::Refused(answer.status.as_u16())).needs_a_person();
    report.wrong(Step::Http, message, advice);
    None
}

/// Whether a request failed since TLS is spoken there.
async fn way_is_tls(visit: &Visit, error: &RequestError) -> bool {
    let may_be = matches!(error.fault().kind, FaultKind::NotComfyUi | FaultKind::Broken);
    may_be && !visit.address.is_tls() && way::speaks_tls(visit).await
}

fn tls_wanted(visit: &Visit) -> (String, String) {
    let (host, port) = visit.address.endpoint();
    let advice = format!("Write https:// before {host}:{port}.");
    ("the server wants TLS, and the address says http".to_owned(), advice)
}

/// What an answer means that is none of ComfyUI's, and what to do.
async fn refused(visit: &Visit, url: &str, answer: &Answer) -> (String, String) {
    let fault = Fault::new(FaultKind::Refused(answer.status.as_u16()));
    let status = answer.status;
    let with_status = |message: &str| format!("{message} ({status})");
    match status.as_u16() {
        401 | 407 => {
            let has_login = !visit.address.headers().is_empty();
            let scheme = value(answer, header::WWW_AUTHENTICATE);
            let scheme =
                scheme.as_deref().and_then(|value| value.split(' ').next()).filter(|scheme| !scheme.is_empty());
            let advice = match scheme {
                Some(scheme) if !scheme.eq_ignore_ascii_case("basic") => format!(
                    "It wants a login of the kind {scheme}: have the proxy accept a token in the query (http://host/?token=…), or a login of the kind Basic."
                ),
                _ if has_login => "Check user and password: those in the address are not accepted.".to_owned(),
                _ => "Write the login into the address: http://user:password@host.".to_owned(),
            };
            (with_status(if has_login { "the login is refused" } else { fault.message() }), advice)
        }
        300..=399 => redirected(answer),
        404 => match at_root(visit, url).await {
            Some(root) => (
                with_status("there is no ComfyUI at this path, but there is one at the root"),
                format!("Leave the path away: {root}"),
            ),
            None => (
                with_status("somebody answers, but there is no ComfyUI at this path"),
                "Is it ComfyUI's port? Behind a proxy, write the path that leads to ComfyUI: http://host/path."
                    .to_owned(),
            ),
        },
        400 if !visit.address.is_tls() && way::speaks_tls(visit).await => tls_wanted(visit),
        502..=504 => (
            with_status(fault.message()),
            "Start ComfyUI, or correct where the proxy looks for it; its log tells why.".to_owned(),
        ),
        200..=299 => {
            let program = value(answer, header::SERVER);
            let program = program.map_or_else(String::new, |program| format!(" but {program}"));
            (
                format!("what answers is no ComfyUI{program}"),
                format!(
                    "Open {} in a browser: where it shows no ComfyUI, the address is another program's; where it asks for a login, the proxy must let this client in without.",
                    visit.address
                ),
            )
        }
        _ => (with_status(fault.message()), fault.advice().to_owned()),
    }
}

/// What a redirect means, and what to do.
fn redirected(answer: &Answer) -> (String, String) {
    let to = answer.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
    // A login or a token in it is not for showing.
    let to = to.split(['?', '#']).next().unwrap_or_default();
    let to = match Url::parse(to) {
        Ok(mut url) => {
            // Only a URL without a host refuses it, where there is none.
            let _ = url.set_username("").and_then(|()| url.set_password(None));
            url.to_string()
        }
        Err(_) if to.starts_with('/') && !to.starts_with("//") => to.to_owned(),
        Err(_) => "elsewhere".to_owned(),
    };
    let shown = shown(&to);
    let message = format!("the server sends us to {shown} ({})", answer.status);
    let lower = shown.to_ascii_lowercase();
    let is_login = ["login", "signin", "sign_in", "auth", "sso"].iter().any(|word| lower.contains(word));
    let advice = match shown.strip_suffix("/system_stats") {
        _ if is_login => {
            "A proxy wants a login by browser: have it let this client in, by an address, a token or a Basic login."
                .to_owned()
        }
        Some(address) if address.contains("://") => format!("Use that address: {address}"),
        _ => Fault::new(FaultKind::Refused(answer.status.as_u16())).advice().to_owned(),
    };
    (message, advice)
}

/// The address without its path, where ComfyUI is there.
async fn at_root(visit: &Visit, url: &str) -> Option<Address> {
    let (scheme, rest) = url.trim().split_once("://").map_or(("", url.trim()), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_once('/')?;
    let query = path.split_once('?').map_or_else(String::new, |(_, query)| format!("/?{query}"));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let root: Address = format!("{scheme}{separator}{authority}{query}").parse().ok()?;
    if root.to_string() == visit.address.to_string() {
        return None;
    }
    let answer = crate::client::Http::new(root.clone(), &[], visit.patience).get("/system_stats").await.ok()?;
    json(&answer).filter(|stats| stats["system"].is_object()).map(|_| root)
}

fn version(stats: Option<&Value>, report: &mut Report<'_>) -> Option<Version> {
    let Some(told) = stats.and_then(|stats| stats["system"]["comfyui_version"].as_str()) else {
        report.skip(Step::Version, "the server doesn't tell");
        return None;
    };
    // Something may stand behind the numbers, such as -dev or +commit.
    let numbers = told.trim_start_matches('v').split(|c: char| !c.is_ascii_digit() && c != '.').next();
    let Some(version) = numbers.and_then(|numbers| numbers.parse::<Version>().ok()) else {
        report.skip(Step::Version, format!("{} is no release", shown(told)));
        return None;
    };
    let told = format!("ComfyUI {}", shown(told));
    if version < KNOWN.0 {
        let advice = "Update ComfyUI; what comfyglow shows of it may be wrong.";
        report.better(Step::Version, format!("{told} is older than what is known, 0.3.10 to 0.38"), advice);
    } else if version > KNOWN.1 {
        let advice = "Look for a newer comfyglow if something is shown wrongly.";
        report.better(Step::Version, format!("{told} is newer than what is known, 0.3.10 to 0.38"), advice);
    } else if version < PROGRESS_STATE {
        let advice =
            "Update ComfyUI: since 0.3.44 it tells the progress of all nodes at once, also to whoever comes late.";
        report.better(Step::Version, told, advice);
    } else if (TOLD_ALL.0..=TOLD_ALL.1).contains(&version) {
        report.ok(Step::Version, format!("{told}, which tells everyone the nodes' progress"));
    } else {
        report.ok(Step::Version, told);
    }
    Some(version)
}

/// Whether it tells what it can do.
async fn features(visit: &Visit, version: Option<Version>, report: &mut Report<'_>) -> bool {
    let is_old = version.is_some_and(|version| version < PROGRESS_STATE);
    match visit.http.get("/features").await {
        Ok(answer) if json(&answer).is_some_and(|features| features.is_object()) => {
            let features = json(&answer).unwrap_or_default();
            let names: Vec<&str> = features
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(_, value)| **value == Value::Bool(true))
                .map(|(name, _)| name.as_str())
                .collect();
            let message = if names.is_empty() { "none is told".to_owned() } else { shown(&names.join(", ")) };
            report.ok(Step::Features, message);
            return true;
        }
        Ok(_) if is_old => report.skip(Step::Features, "releases before 0.3.44 don't tell"),
        Ok(answer) => {
            let message = format!("the server doesn't tell ({})", answer.status);
            report.better(Step::Features, message, "Behind a proxy, have it pass /features on; else update ComfyUI.");
        }
        Err(error) => {
            let (message, advice) = said(&error);
            report.better(Step::Features, message, advice);
        }
    }
    false
}

async fn queue(visit: &Visit, report: &mut Report<'_>) {
    match visit.http.queue().await {
        Ok(queue) => {
            let running = if queue.running.is_empty() { "nothing runs" } else { "a prompt runs" };
            report.ok(Step::Queue, format!("{running}, {} wait", queue.pending.len()));
        }
        Err(error) => {
            let (message, _) = said(&error);
            let advice = "Have the proxy pass /queue on: without it nobody knows which prompt runs.";
            report.wrong(Step::Queue, format!("the queue is not told: {message}"), advice);
        }
    }
}

/// Whether there is `/api/jobs`: a server that knows it answers JSON also for a job that isn't there.
async fn jobs(visit: &Visit, version: Option<Version>, report: &mut Report<'_>) {
    let is_old = version.is_some_and(|version| version < JOBS);
    match visit.http.get("/api/jobs/00000000-0000-4000-8000-000000000000").await {
        Ok(answer) if serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.is_object()) => {
            report.ok(Step::Jobs, "/api/jobs tells how prompts ended");
        }
        Ok(answer) => {
            let advice = if is_old {
                "Update ComfyUI to 0.6 or newer; until then /history is asked, whose answers are long."
            } else {
                "Have the proxy pass /api/jobs on; until then /history is asked, whose answers are long."
            };
            report.better(Step::Jobs, format!("there is no /api/jobs ({})", answer.status), advice);
        }
        Err(error) => {
            let (message, advice) = said(&error);
            report.better(Step::Jobs, message, advice);
        }
    }
}

async fn extension(visit: &Visit, report: &mut Report<'_>) {
    const INSTALL: &str = "Put comfyglow's extension (comfyui-node) into ComfyUI's custom_nodes: then everybody's nodes and steps are told.";
    match visit.http.get("/comfyglow").await {
        Ok(answer) => match json(&answer) {
            Some(told) if told["mirror"] == true => {
                let version =
                    told["version"].as_str().map_or_else(String::new, |version| format!(" {}", shown(version)));
                // How many observers it has is left out: it counts those who left until there is something to tell them.
                let message = format!("the extension{version} tells everybody's progress");
                report.ok(Step::Extension, message);
            }
            Some(told) if told["mirror"] == false => report.better(
                Step::Extension,
                "the extension is there, but mirrors nothing",
                "Look for [comfyglow] in ComfyUI's log, and for a newer version of the extension.",
            ),
            _ => report.better(Step::Extension, format!("the extension isn't there ({})", answer.status), INSTALL),
        },
        Err(error) => {
            let (message, advice) = said(&error);
            report.better(Step::Extension, message, advice);
        }
    }
}

/// The body as JSON, where the request was granted.
fn json(answer: &Answer) -> Option<Value> {
    if answer.status == StatusCode::OK { serde_json::from_slice(&answer.body).ok() } else { None }
}

/// A header's value, for people.
fn value(answer: &Answer, name: HeaderName) -> Option<String> {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).map(shown)
}

/// What the server said, for people.
fn shown(text: &str) -> String {
    clean(text).chars().take(SHOWN).collect()
}

/// What a request's failure means, and what to do.
pub(super) fn said(error: &RequestError) -> (String, String) {
    let fault = error.fault();
    let detail = error.detail().map_or_else(String::new, |detail| format!(" ({})", clean(detail)));
    (format!("{}{detail}", fault.message()), fault.advice().to_owned())
}
