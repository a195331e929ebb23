//! Whatever becomes of our watchers, the server's other clients get what they would get without them, bit for bit.
mod support;

use comfyglow::{client::Client, simulator::Simulator};
use serde_json::{Value, json};
use support::{PATIENCE, workflow};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

/// The other client.
const OTHER: &str = "other";

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

/// Connects the other client, and collects what it gets behind the handshake until its connection ends.
async fn other(simulator: &Simulator) -> JoinHandle<Vec<u8>> {
    let mut stream = TcpStream::connect(simulator.addr()).await.expect("it listens");
    let request = format!(
        "GET /ws?clientId={OTHER} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        simulator.addr()
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    // It is greeted before anything else happens.
    let mut heard = Vec::new();
    let greeting = format!("\"sid\": \"{OTHER}\"}}}}");
    while !heard.ends_with(greeting.as_bytes()) {
        assert_ne!(in_time(stream.read_buf(&mut heard)).await.expect("it goes on"), 0);
    }
    let answer = heard.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    heard.drain(..answer + 4);
    tokio::spawn(async move {
        stream.read_to_end(&mut heard).await.expect("it ends in order");
        heard
    })
}

/// Without the time of day.
fn timeless(mut heard: Vec<u8>) -> Vec<u8> {
    const TIMESTAMP: &[u8] = b"\"timestamp\": ";
    for at in 0..heard.len() {
        if heard[at..].starts_with(TIMESTAMP) {
            heard[at + TIMESTAMP.len()..].iter_mut().take_while(|b| b.is_ascii_digit()).for_each(|b| *b = b'0');
        }
    }
    heard
}

/// A prompt of `client_id` with previews.
fn prompt(number: u32, client_id: Value) -> Value {
    let mut body = workflow(json!({"steps": 6, "seed": number}));
    body["client_id"] = client_id;
    body["prompt_id"] = format!("00000000-0000-4000-8000-{number:012}").into();
    body["extra_data"] = json!({"preview_method": "latent2rgb"});
    body
}

/// What the other client gets of three prompts, its own, ours and nobody's, while `meanwhile` is called between all steps.
async fn heard(ours: &str, mut meanwhile: impl AsyncFnMut(&Simulator, usize)) -> Vec<u8> {
    let simulator = Simulator::builder().stepped().seed(7).start().await.expect("a port is free");
    let other = other(&simulator).await;
    let clients = [Value::from(OTHER), Value::from(ours), Value::Null];
    let mut step = 0;
    for (number, client_id) in (0..).zip(clients) {
        simulator.submit(&prompt(number, client_id)).expect("the workflow is valid");
        while simulator.queue_remaining() > 0 {
            meanwhile(&simulator, step).await;
            simulator.step(1);
            in_time(simulator.settled()).await;
            step += 1;
        }
    }
    assert!(simulator.disconnect(OTHER));
    timeless(in_time(other).await.expect("nothing panics"))
}

#[tokio::test]
async fn clients_that_come_and_go_disturb_nobody() {
    let alone = heard(support::CLIENT, async |_, _| {}).await;
    assert!(alone.len() > 10_000, "{}", alone.len());
    let mut client: Option<Client> = None;
    let among = heard(support::CLIENT, async |simulator, step| {
        match (step % 4, client.take()) {
            // In good order, or with its task, as in a crash.
            (0, Some(client)) => drop(in_time(client.close()).await),
            (1, Some(client)) => drop(client),
            (2, Some(client)) => {
                simulator.disconnect(support::CLIENT);
                in_time(client.reconnect()).await.expect("it goes on");
            }
            _ => {}
        }
        let new = Client::builder(simulator.url()).client_id(support::CLIENT).connect().expect("the address is one");
        in_time(new.connected()).await.expect("it connects");
        in_time(new.queue()).await.expect("it answers");
        client = Some(new);
    })
    .await;
    assert_eq!(alone.len(), among.len());
    assert!(alone == among, "other bytes");
}

/// Processes of their own: stopped, and killed while they are.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_stall_and_crash_disturb_nobody() {
    let send = |signal: &str, child: &std::process::Child| {
        let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()));
    };
    let alone = heard(support::CLIENT, async |_, _| {}).await;
    let mut children = Vec::new();
    let among = heard(support::CLIENT, async |simulator, step| {
        if step % 5 == 0 {
            let id = if step == 0 { support::CLIENT.to_owned() } else { format!("watcher-{step}") };
            let args = ["watch", &simulator.url(), "--json", "--client-id", &id];
            let child = support::comfyglow(&args).stdout(std::process::Stdio::null()).spawn().expect("it starts");
            in_time(async {
                while !simulator.clients().contains(&id) {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            children.push(child);
        } else if let Some(child) = children.last_mut() {
            match step % 5 {
                1 => send("STOP", child),
                3 => child.kill().expect("it runs"),
                _ => {}
            }
        }
    })
    .await;
    for mut child in children {
        // Some were killed before.
        let _ = child.kill();
        child.wait().expect("it ends");
    }
    assert_eq!(alone.len(), among.len());
    assert!(alone == among, "other bytes");
}
