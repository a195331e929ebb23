//! What subscribers cost a client: messages a second with 0, 1, 10 and 100 of them.
//!
//! `cargo run --release -p comfyglow --example subscribers`. The server sends as fast as it is read, so what is measured is
//! the client's task with the subscribers' tasks beside it, on two threads. Who can't keep up is told what it lost.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    thread,
    time::Instant,
};

use comfyglow::client::{Client, EventsError, event::Progress};

/// Messages a run.
const MESSAGES: u32 = 200_000;

/// What the server sends, as one piece: a prompt's progress, step by step.
fn messages() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut frame = |text: String| {
        let len = u16::try_from(text.len()).expect("it is short");
        bytes.push(0x81);
        if len < 126 {
            bytes.push(len.to_be_bytes()[1]);
        } else {
            bytes.push(126);
            bytes.extend(len.to_be_bytes());
        }
        bytes.extend(text.bytes());
    };
    let id = "0bd57dfa-6e91-4ee7-93ef-7f23125a0f7f";
    frame(format!(r#"{{"type": "execution_start", "data": {{"prompt_id": "{id}", "timestamp": 1}}}}"#));
    for step in 1..=MESSAGES {
        frame(format!(
            r#"{{"type": "progress", "data": {{"value": {step}, "max": {MESSAGES}, "prompt_id": "{id}", "node": "4"}}}}"#
        ));
    }
    bytes
}

/// Sends `messages` to the first who wants a WebSocket; nothing else is answered.
fn serve(listener: &TcpListener, messages: &[u8]) {
    for stream in listener.incoming().map_while(Result::ok) {
        let Ok(mut socket) = tungstenite::accept(stream) else { continue };
        let stream: &mut TcpStream = socket.get_mut();
        // Whoever listened has heard enough, where this fails.
        let _ = stream.write_all(messages);
        let _ = socket.read();
        let _ = socket.read();
        return;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let messages = messages();
    println!("{:>11}  {:>10}  {:>10}  {:>12}  {:>9}", "subscribers", "messages/s", "ns each", "told to each", "lost");
    for subscribers in [0_u32, 1, 10, 100] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (elapsed, told, lost) = thread::scope(|scope| {
            scope.spawn(|| serve(&listener, &messages));
            runtime.block_on(async {
                let client = Client::builder(url).connect()?;
                let reading: Vec<_> = (0..subscribers)
                    .map(|_| {
                        let mut events = client.events::<Progress>();
                        tokio::spawn(async move {
                            let mut told = 0_u64;
                            while let Some(event) = events.next().await {
                                match event {
                                    Ok(_) => told += 1,
                                    Err(EventsError::Closed(_)) => break,
                                    Err(_) => {}
                                }
                            }
                            (told, events.lost())
                        })
                    })
                    .collect();
                let start = Instant::now();
                let end = f64::from(MESSAGES);
                let is_last = |now: &Option<comfyglow::client::Progress>| {
                    now.as_ref().and_then(|now| now.steps).is_some_and(|steps| steps.value >= end)
                };
                client.progress().wait_for(is_last).await?;
                let elapsed = start.elapsed();
                client.close().await;
                let (mut told, mut gone) = (0, 0);
                for reader in reading {
                    let (events, lost) = reader.await?;
                    told += events;
                    gone += lost;
                }
                Ok::<_, Box<dyn std::error::Error>>((elapsed, told, gone))
            })
        })?;
        let each = elapsed.as_secs_f64() / f64::from(MESSAGES);
        println!(
            "{subscribers:>11}  {:>10.0}  {:>10.0}  {:>12}  {lost:>9}",
            1.0 / each,
            each * 1e9,
            told.checked_div(subscribers.into()).map_or_else(|| "-".to_owned(), |told| told.to_string()),
        );
    }
    Ok(())
}
