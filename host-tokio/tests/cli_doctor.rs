//! `comfyglow doctor`: each thing that is wrong is found, and has its own remedy.
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use comfyglow::{
    doctor::Step,
    simulator::{Builder, Fault, Simulator, Version},
};
use serde_json::{Value, json};
use support::{PATIENCE, Ran, comfyglow, ended};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Seconds that a step may take where something is to be waited for in vain.
const SHORT: &str = "2";
/// And where it is to come.
const LONG: &str = "50";

async fn simulator(change: impl FnOnce(Builder) -> Builder) -> Simulator {
    change(Simulator::builder().speed(f64::INFINITY).seed(1)).start().await.expect("a port is free")
}

/// A server with these faults.
async fn faulty(faults: &[&str]) -> Simulator {
    let faults = faults.iter().map(|fault| fault.parse::<Fault>().expect("it is one"));
    simulator(|builder| faults.fold(builder, Builder::fault)).await
}

/// What the doctor says of `url`, for programs.
async fn examined(url: &str, timeout: &str) -> Ran {
    ended(comfyglow(&["doctor", url, "--json", "--timeout", timeout]).spawn().expect("the command starts")).await
}

/// What was found at `step`: result, message and advice.
#[track_caller]
fn found(ran: &Ran, step: &str) -> (String, String, String) {
    let lines = ran.json();
    let line = lines.iter().find(|line| line["step"] == step).unwrap_or_else(|| panic!("no {step} in {ran:?}"));
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("result"), text("message"), text("advice"))
}

/// The doctor found this at `step`: its result, words of its message and of its advice.
#[track_caller]
fn tells(ran: &Ran, step: &str, result: &str, message: &str, advice: &str) {
    let (found_result, found_message, found_advice) = found(ran, step);
    assert_eq!(found_result, result, "{ran:?}");
    assert!(found_message.contains(message), "{step}: {found_message}");
    assert!(found_advice.contains(advice), "{step}: {found_advice}");
}

/// The doctor found this wrong, which is its exit, and what is to be done first.
#[track_caller]
fn is_wrong(ran: &Ran, step: &str, message: &str, advice: &str, follows: &str) {
    tells(ran, step, "wrong", message, advice);
    let verdict = ran.last();
    assert_eq!((&verdict["step"], &verdict["result"]), (&json!("verdict"), &json!("wrong")));
    assert_eq!(verdict["advice"], found(ran, step).2.as_str());
    assert_eq!(verdict["follows"], follows, "{ran:?}");
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(4), ""));
}

/// A server before another one, or before none.
struct Front {
    url: String,
    /// The requests that came: the first line and the body.
    asked: watch::Receiver<Vec<(String, String)>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What becomes of a request.
enum Fate {
    /// It is never answered.
    Hang,
    /// This is all of its answer.
    Answer(String),
    /// The server behind gets this for its head.
    Pass(String),
}

/// The head and the body of a request.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, bytes.split_off(end)))
}

/// A server before `behind`; `fate` decides by a request's head.
async fn front(behind: Option<&Simulator>, fate: impl Fn(&str) -> Fate + Send + Sync + 'static) -> Front {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let behind = behind.map(Simulator::addr);
    let (requests, asked) = watch::channel(Vec::new());
    let fate = Arc::new(fate);
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (requests, fate) = (requests.clone(), fate.clone());
            tokio::spawn(async move {
                let (head, body) = request(&mut stream).await?;
                let first = head.lines().next().unwrap_or_default().to_owned();
                let asked = (first, String::from_utf8_lossy(&body).into_owned());
                requests.send_modify(|requests| requests.push(asked));
                match (fate(&head), behind) {
                    (Fate::Hang, _) => std::future::pending().await,
                    (Fate::Answer(answer), _) => stream.write_all(answer.as_bytes()).await.ok()?,
                    (Fate::Pass(head), Some(behind)) => {
                        let mut server = TcpStream::connect(behind).await.ok()?;
                        server.write_all(head.as_bytes()).await.ok()?;
                        server.write_all(&body).await.ok()?;
                        tokio::io::copy_bidirectional(&mut stream, &mut server).await.ok()?;
                    }
                    (Fate::Pass(_), None) => {}
                }
                Some(())
            });
        }
    });
    Front { url, asked, serving }
}

fn answer(status: &str, body: &str) -> Fate {
    Fate::Answer(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nServer: nginx/1.25\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

/// Requests for `path` are answered so, all others are passed on.
async fn answering(behind: &Simulator, path: &'static str, status: &'static str, body: &'static str) -> Front {
    let is_it = move |head: &str| head.split(' ').nth(1).is_some_and(|target| target.starts_with(path));
    front(Some(behind), move |head| if is_it(head) { answer(status, body) } else { Fate::Pass(head.to_owned()) }).await
}

#[tokio::test]
async fn a_healthy_server_could_have_the_extension_and_is_left_as_it_was() {
    let simulator = simulator(|builder| builder).await;
    let front = front(Some(&simulator), |head| Fate::Pass(head.to_owned())).await;
    let ran = examined(&front.url, LONG).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let lines = ran.json();
    let steps: Vec<&str> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    let expected: Vec<&str> = Step::ALL.iter().map(|step| step.name()).chain(["verdict"]).collect();
    assert_eq!(steps, expected);
    for line in &lines {
        let keys: Vec<&String> = line.as_object().expect("an object").keys().take(4).collect();
        assert_eq!(keys, ["step", "result", "message", "advice"]);
        let expected = match line["step"].as_str() {
            Some("tls") => "skipped",
            Some("extension" | "verdict") => "better",
            _ => "ok",
        };
        assert_eq!(line["result"], expected, "{line}");
        assert_eq!(line["advice"].is_string(), expected == "better", "{line}");
    }
    let verdict = ran.last();
    assert_eq!(verdict["follows"], "logs");
    assert!(verdict["advice"].as_str().is_some_and(|advice| advice.contains("custom_nodes")), "{verdict}");
    tokio::time::timeout(PATIENCE, simulator.wait_for_sockets(0)).await.expect("it has left");
    assert_eq!(simulator.clients(), Vec::<String>::new());

    let asked = front.asked.borrow().clone();
    let changing: Vec<_> = asked.iter().filter(|(first, _)| !first.starts_with("GET ")).collect();
    let bodies: Vec<Value> = changing.iter().map(|(_, body)| serde_json::from_str(body).expect("it is JSON")).collect();
    assert!(changing.iter().all(|(first, _)| first.starts_with("PATCH /internal/logs/subscribe ")), "{changing:?}");
    assert_eq!(bodies.iter().map(|body| &body["enabled"]).collect::<Vec<_>>(), [true, false]);
    let id = bodies[0]["clientId"].as_str().expect("it has one");
    assert!(id.starts_with("comfyglow-doctor-") && bodies[1]["clientId"] == id, "{bodies:?}");
    assert!(asked.iter().any(|(first, _)| first.starts_with(&format!("GET /ws?clientId={id} "))), "{asked:?}");
}

#[tokio::test]
async fn with_the_extension_nothing_needs_to_be_done() {
    let simulator = simulator(|builder| builder.observer_mirror("comfyglow-")).await;
    let told = r#"{"mirror": true, "version": "0.1.0", "observers": 2}"#;
    let front = answering(&simulator, "/comfyglow", "200 OK", told).await;
    let ran = examined(&front.url, LONG).await;
    tells(&ran, "extension", "ok", "the extension 0.1.0 tells everybody's progress", "");
    let verdict = ran.last();
    assert_eq!((&verdict["follows"], &verdict["result"]), (&json!("extension"), &json!("ok")));
    assert!(verdict["advice"].as_str().is_some_and(|advice| advice.contains("Nothing needs to be done")), "{verdict}");
    assert_eq!(ran.status, Some(0));
    // One that can't work, and a server that answers anything.
    let front = answering(&simulator, "/comfyglow", "200 OK", r#"{"mirror": false}"#).await;
    tells(&examined(&front.url, LONG).await, "extension", "better", "mirrors nothing", "ComfyUI's log");
    let front = answering(&simulator, "/comfyglow", "200 OK", "<!doctype html>").await;
    tells(&examined(&front.url, LONG).await, "extension", "better", "isn't there", "custom_nodes");
}

#[tokio::test]
async fn people_read_a_line_a_step() {
    let simulator = simulator(|builder| builder).await;
    let child = comfyglow(&["doctor", &simulator.url(), "--timeout", LONG]).spawn().expect("the command starts");
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    for line in ["✔ http       ComfyUI answers", "▲ extension  the extension isn't", "             → Put comfyglow's"]
    {
        assert!(ran.stdout.lines().any(|told| told.starts_with(line)), "{line}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("\n\n▲ verdict    comfyglow watch follows others' prompts by the server's log"));
    assert!(!ran.stdout.contains('\x1b'), "no colours into a pipe");
    // Steps that were skipped for the same reason share a line.
    drop(simulator);
    let ran = ended(comfyglow(&["doctor", "127.0.0.1:1"]).env("LANG", "C").spawn().expect("the command starts")).await;
    assert!(ran.stdout.contains("\nx tcp        nobody listens at port 1"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n- skipped    tls, http, version, "), "{}", ran.stdout);
    assert!(ran.stdout.is_ascii(), "{}", ran.stdout);
}

#[tokio::test]
async fn an_address_that_is_none_is_wrong_usage() {
    for (url, message, advice) in [
        ("ftp://host", "ftp is none of ComfyUI's protocols", "Write http://host:8188."),
        ("http://ann:secret@host:99999", "invalid port number", "http://host:8188"),
    ] {
        let ran = examined(url, SHORT).await;
        tells(&ran, "address", "wrong", message, advice);
        tells(&ran, "log", "skipped", "not before address is right", "");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), ""));
        assert!(!format!("{ran:?}").contains("secret"));
    }
    let ran = ended(comfyglow(&["doctor", "--timeout", "0"]).spawn().expect("the command starts")).await;
    assert_eq!(ran.status, Some(2));
}

#[tokio::test]
async fn the_way_to_the_server() {
    let ran = examined("http://no-such-host.invalid:8188", LONG).await;
    is_wrong(&ran, "name", "the name no-such-host.invalid can't be looked up", "spelling", "nothing");
    let simulator = faulty(&["refuse"]).await;
    let ran = examined(&simulator.url(), LONG).await;
    let message = format!("nobody listens at port {} of this machine", simulator.addr().port());
    is_wrong(&ran, "tcp", &message, "Start ComfyUI", "nothing");
    tells(&ran, "http", "skipped", "not before tcp is right", "");
    // A number that servers print.
    let ran = examined(&format!("0.0.0.0:{}", simulator.addr().port()), LONG).await;
    tells(&ran, "address", "better", "listens everywhere", "127.0.0.1");
}

#[tokio::test]
async fn http_that_is_refused() {
    for (fault, message, advice) in [
        ("status:401,on=all", "the server requires a login (401", "http://user:password@host"),
        ("status:403,on=all", "refuses this client (403", "Check the login"),
        ("status:404,on=all", "no ComfyUI at this path (404", "the path that leads to ComfyUI"),
        ("status:502,on=all", "a proxy responds, but ComfyUI behind it does not", "Start ComfyUI"),
        ("status:500,on=all", "(500", "in a browser"),
        ("redirect:http://other:8188/system_stats,on=all", "to http://other:8188", "that address: http://other:8188"),
        ("redirect:https://ann:s3@x.org/login?t=1,on=all", "to https://x.org/login (302", "a login by browser"),
        ("redirect://ann:s3@x.org/,on=all", "to elsewhere (302", "the one that it then shows"),
        ("garbage,on=all", "speaks no HTTP", "another program's port"),
        ("end,on=all", "end without an answer", "ComfyUI's port?"),
    ] {
        let simulator = faulty(&[fault]).await;
        let ran = examined(&simulator.url(), LONG).await;
        is_wrong(&ran, "http", message, advice, "nothing");
        tells(&ran, "websocket", "skipped", "not before http is right", "");
    }
    let simulator = faulty(&["half-open,on=all"]).await;
    let ran = examined(&simulator.url(), SHORT).await;
    is_wrong(&ran, "http", "not answered in 2 s", "busy or stuck", "nothing");
}

#[tokio::test]
async fn what_is_no_comfyui() {
    let other = front(None, |_| answer("200 OK", "<html>Welcome</html>")).await;
    let ran = examined(&other.url, LONG).await;
    is_wrong(&ran, "http", "what answers is no ComfyUI but nginx/1.25", "in a browser", "nothing");
    // Below a path that leads elsewhere, while ComfyUI is at the root.
    let simulator = simulator(|builder| builder).await;
    let ran = examined(&format!("{}/comfy?token=secret", simulator.url()), LONG).await;
    let advice = format!("Leave the path away: {}", simulator.url());
    is_wrong(&ran, "http", "but there is one at the root", &advice, "nothing");
    assert!(!format!("{ran:?}").contains("secret"));
    // What tells of the machine is kept back, but not what is needed.
    let front = answering(&simulator, "/system_stats", "403 Forbidden", "").await;
    let ran = examined(&front.url, LONG).await;
    tells(&ran, "http", "better", "/system_stats is kept back (403", "all of ComfyUI's paths");
    tells(&ran, "version", "skipped", "doesn't tell", "");
    tells(&ran, "log", "ok", "", "");
    assert_eq!(ran.status, Some(0));
}

#[tokio::test]
async fn logins_are_sent_and_never_shown() {
    let basic = "Authorization: Basic YW5uOnNlY3JldA==";
    let simulator = simulator(|builder| builder).await;
    let locked = move |wants: &'static str| {
        move |head: &str| {
            if head.to_ascii_lowercase().contains(&basic.to_ascii_lowercase()) && wants.starts_with("Basic") {
                return Fate::Pass(head.to_owned());
            }
            Fate::Answer(format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {wants}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ))
        }
    };
    let with = |front: &Front, login: &str| front.url.replace("http://", &format!("http://{login}@"));
    let front_of_basic = front(Some(&simulator), locked("Basic realm=\"comfy\"")).await;
    let ran = examined(&with(&front_of_basic, "ann:secret"), LONG).await;
    assert_eq!((ran.status, &ran.last()["follows"]), (Some(0), &json!("logs")), "{ran:?}");
    assert!(!format!("{ran:?}").contains("secret"));
    let ran = examined(&with(&front_of_basic, "ann:wrong-one"), LONG).await;
    is_wrong(&ran, "http", "the login is refused", "Check user and password", "nothing");
    assert!(!format!("{ran:?}").contains("wrong-one"));
    let front_of_bearer = front(Some(&simulator), locked("Bearer")).await;
    let ran = examined(&front_of_bearer.url, LONG).await;
    is_wrong(&ran, "http", "requires a login", "of the kind Bearer", "nothing");
}

#[tokio::test]
async fn tls_at_one_end_only() {
    let simulator = simulator(|builder| builder).await;
    let ran = examined(&simulator.url().replace("http", "https"), LONG).await;
    is_wrong(&ran, "tls", "speaks no TLS", "Write http:// instead", "nothing");
    // A server that speaks TLS and nothing else: its answer is an alert, and its hello is one to a hello.
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()).into(),
        )
        .expect("the key fits");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // What it is told of a failure is the client's to say.
            let _ = acceptor.accept(stream).await;
        }
    });
    let ran = examined(&format!("http://localhost:{port}"), LONG).await;
    is_wrong(&ran, "http", "the server wants TLS", &format!("Write https:// before localhost:{port}"), "nothing");
    let ran = examined(&format!("https://localhost:{port}"), LONG).await;
    is_wrong(&ran, "tls", "the certificate is not trusted: nobody that this system trusts", "https", "nothing");
    serving.abort();
}

#[tokio::test]
async fn upgrades_that_do_not_pass() {
    for (fault, message, advice, follows) in [
        ("status:400", "the upgrade at /ws is not passed on (400)", "proxy_set_header Upgrade", "polling"),
        ("status:426", "the upgrade at /ws is not passed on (426)", "proxy_set_header Upgrade", "polling"),
        ("status:200", "the upgrade at /ws is not passed on (200)", "proxy_set_header Upgrade", "polling"),
        ("status:404", "the upgrade at /ws is not passed on (404)", "proxy_set_header Upgrade", "nothing"),
        ("status:403", "the WebSocket is refused (403)", "neither add an Origin", "nothing"),
        ("status:503", "at /ws (503)", "Try again later", "polling"),
        ("accept-key", "belongs to another request", "out of a cache", "polling"),
        ("reset", "the connection breaks", "proxy_set_header Upgrade", "polling"),
        ("end", "the connection ends", "proxy_set_header Upgrade", "polling"),
        ("garbage", "is no HTTP", "proxy_set_header Upgrade", "polling"),
    ] {
        let simulator = faulty(&[fault]).await;
        let ran = examined(&simulator.url(), LONG).await;
        is_wrong(&ran, "websocket", message, advice, follows);
        tells(&ran, "log", "skipped", "not before websocket is right", "");
    }
    let simulator = faulty(&["half-open"]).await;
    let ran = examined(&simulator.url(), SHORT).await;
    is_wrong(&ran, "websocket", "an upgrade is not, in 2 s", "pass WebSocket upgrades on", "polling");
}

#[tokio::test]
async fn a_proxy_that_strips_the_upgrade_or_the_client_id() {
    let simulator = simulator(|builder| builder).await;
    let strip = |head: &str| {
        let kept: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with("Upgrade:")).collect();
        Fate::Pass(kept.join("\r\n"))
    };
    let ran = examined(&front(Some(&simulator), strip).await.url, LONG).await;
    is_wrong(&ran, "websocket", "is not passed on (400)", "proxy_set_header Upgrade", "polling");
    let strip = |head: &str| Fate::Pass(head.replace("/ws?", "/ws?lost="));
    let ran = examined(&front(Some(&simulator), strip).await.url, LONG).await;
    is_wrong(&ran, "status", "by another id than the one that it gave", "?clientId=", "polling");
}

#[tokio::test]
async fn sockets_that_tell_nothing_or_end() {
    for (fault, step, message, advice, follows) in [
        ("deaf", "status", "says nothing on the WebSocket, not in 2 s", "pass messages on at once", "polling"),
        ("deaf,after=1", "hearing", "nothing that is addressed to this client comes", "Run this again", "polling"),
        ("stall,after=1", "ping", "pings are not answered, not in 2 s", "pass pings on", "polling"),
        ("end,after=1", "ping", "the connection ", "", "polling"),
        ("close:1012,after=1", "ping", "with the code 1012", "ComfyUI stopped or is restarting", "polling"),
        ("close:1008,after=1", "ping", "with the code 1008", "Put the login", "nothing"),
        ("masked,after=1", "ping", "no WebSocket any more", "try without it", "polling"),
    ] {
        let simulator = faulty(&[fault]).await;
        let silent = fault.starts_with("deaf") || fault.starts_with("stall");
        let ran = examined(&simulator.url(), if silent { SHORT } else { LONG }).await;
        is_wrong(&ran, step, message, advice, follows);
    }
}

#[tokio::test]
async fn two_servers_behind_one_address() {
    let simulator = simulator(Builder::stepped).await;
    let other = r#"{"exec_info": {"queue_remaining": 7}}"#;
    let front = answering(&simulator, "/prompt", "200 OK", other).await;
    let ran = examined(&front.url, LONG).await;
    let message = "the socket says that 0 prompts wait or run, requests say 7";
    is_wrong(&ran, "hearing", message, "several ComfyUIs", "polling");
}

#[tokio::test]
async fn old_releases_lack_things() {
    let at = async |version| examined(&simulator(|builder| builder.version(version)).await.url(), LONG).await;
    let ran = at(Version::new(0, 3, 43)).await;
    tells(&ran, "version", "better", "ComfyUI 0.3.43", "since 0.3.44");
    tells(&ran, "features", "skipped", "before 0.3.44", "");
    tells(&ran, "jobs", "better", "there is no /api/jobs (404", "Update ComfyUI to 0.6 or newer");
    tells(&ran, "hearing", "ok", "", "");
    assert_eq!(ran.status, Some(0));
    tells(&at(Version::new(0, 3, 50)).await, "version", "ok", "tells everyone", "");
    tells(&at(Version::new(0, 2, 9)).await, "version", "better", "older than what is known", "Update ComfyUI");
    tells(&at(Version::new(0, 38, 1)).await, "version", "ok", "ComfyUI 0.38.1", "");
    tells(&at(Version::new(0, 39, 0)).await, "version", "better", "newer than what is known", "newer comfyglow");
    let ran = examined(&faulty(&["no-jobs"]).await.url(), LONG).await;
    tells(&ran, "jobs", "better", "there is no /api/jobs (404", "Have the proxy pass /api/jobs on");
}

#[tokio::test]
async fn paths_that_a_proxy_keeps_back() {
    let simulator = simulator(|builder| builder).await;
    for (path, status, step, result, message, advice, follows) in [
        ("/internal", "404 Not Found", "log", "better", "nobody's steps are told", "PATCH /internal/logs", "polling"),
        ("/internal", "405 No", "log", "better", "the log is refused (405)", "PATCH /internal/logs", "polling"),
        ("/features", "404 Not Found", "features", "better", "doesn't tell (404", "pass /features on", "logs"),
        ("/queue", "403 Forbidden", "queue", "wrong", "the queue is not told", "pass /queue on", "nothing"),
    ] {
        let front = answering(&simulator, path, status, "").await;
        let ran = examined(&front.url, LONG).await;
        tells(&ran, step, result, message, advice);
        assert_eq!(ran.last()["follows"], follows, "{ran:?}");
        assert_eq!(ran.status, Some(if result == "wrong" { 4 } else { 0 }));
    }
}

/// What the command writes in a terminal of so many columns.
#[cfg(unix)]
fn in_terminal(columns: u16, env: (&str, &str)) -> String {
    use std::io::Read as _;

    let size = portable_pty::PtySize { rows: 50, cols: columns, pixel_width: 0, pixel_height: 0 };
    let pair = portable_pty::native_pty_system().openpty(size).expect("a terminal");
    let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_comfyglow"));
    command.args(["doctor", "127.0.0.1:1"]);
    for name in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "COLORTERM", "LC_ALL", "LC_CTYPE"] {
        command.env_remove(name);
    }
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), env] {
        command.env(name, value);
    }
    let mut reader = pair.master.try_clone_reader().expect("it can be read");
    let mut child = pair.slave.spawn_command(command).expect("the command starts");
    drop(pair.slave);
    let mut bytes = Vec::new();
    // A terminal whose program has ended is an error on Linux.
    let _ = reader.read_to_end(&mut bytes);
    assert_eq!(child.wait().expect("it ends").exit_code(), 4);
    String::from_utf8(bytes).expect("it is UTF-8")
}

#[cfg(unix)]
#[test]
fn in_a_terminal_lines_fit_and_have_colours() {
    use unicode_width::UnicodeWidthStr as _;

    for columns in [100, 44, 20] {
        let told = in_terminal(columns, ("NO_COLOR", "1"));
        assert!(!told.contains('\x1b'), "{told}");
        assert!(told.lines().all(|line| line.width() < columns.into()), "{columns}: {told}");
        let words: Vec<&str> = told.split_whitespace().collect();
        assert!(words.join(" ").contains("nobody listens at port 1 of this machine → Start ComfyUI"), "{told}");
    }
    assert!(in_terminal(100, ("COLORTERM", "")).contains("\x1b[31m✖ "));
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let sent = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|sent| sent.success()));
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_amid_a_subscription_ends_it_too() {
    let simulator = simulator(|builder| builder).await;
    let is_second = AtomicBool::new(false);
    let mut front = front(Some(&simulator), move |head| {
        let hangs = head.starts_with("PATCH") && !is_second.swap(true, Ordering::Relaxed);
        if hangs { Fate::Hang } else { Fate::Pass(head.to_owned()) }
    })
    .await;
    let child = comfyglow(&["doctor", &front.url, "--timeout", "3000"]).spawn().expect("the command starts");
    let is_asked = front.asked.wait_for(|asked| asked.iter().any(|(first, _)| first.starts_with("PATCH")));
    tokio::time::timeout(PATIENCE, is_asked).await.expect("it comes in time").expect("it serves");
    interrupt(&child);
    assert_eq!(ended(child).await.status, Some(130));
    let asked = front.asked.borrow().clone();
    let last: Value = serde_json::from_str(&asked.last().expect("there are some").1).expect("it is JSON");
    assert_eq!(last["enabled"], false, "{asked:?}");
    tokio::time::timeout(PATIENCE, simulator.wait_for_sockets(0)).await.expect("it has left");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_at_once_and_leaves_nothing() {
    let simulator = faulty(&["stall,after=1"]).await;
    let child = comfyglow(&["doctor", &simulator.url(), "--timeout", "3000"]).spawn().expect("the command starts");
    tokio::time::timeout(PATIENCE, simulator.wait_for_strikes(1)).await.expect("it comes in time");
    interrupt(&child);
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(130), ""));
    tokio::time::timeout(PATIENCE, simulator.wait_for_sockets(0)).await.expect("it has left");
}
