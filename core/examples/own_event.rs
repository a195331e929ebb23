//! Decodes the messages of custom nodes and extensions into your own types.
//!
//! ComfyUI's custom nodes send messages that comfyglow does not know. A session reports them as `Event::Unknown`. This
//! observer keeps each message's text and decodes the types that it knows.
//!
//! ```sh
//! cargo run -p comfyglow-core --example own_event --features serde
//! ```

use comfyglow_core::{
    capacity::GadgetCapacity,
    event::{Collector, DecodeError, Event, Message, MessageKind},
    reducer::Observer,
    session::{Config, Input, Session},
    time::Instant,
};
use serde::Deserialize;

/// The `data` of a `crystools.monitor`. Members that are not listed here are ignored.
#[derive(Debug, Deserialize)]
struct Monitor {
    cpu_utilization: f32,
    gpus: heapless::Vec<Gpu, 4>,
}

#[derive(Debug, Deserialize)]
struct Gpu {
    gpu_temperature: i32,
}

/// The `data` of a message that your own node sends by `PromptServer.instance.send_sync("my_pack.rating", {…})`.
#[derive(Debug, Deserialize)]
struct Rating {
    node: heapless::String<32>,
    score: u8,
}

/// An observer with room for messages of 1,024 bytes. Longer ones give `DecodeError::TooLong`.
#[derive(Default)]
struct OwnEvents {
    message: Collector<1_024>,
}

impl OwnEvents {
    fn decode(&mut self, event_type: &str) -> Result<(), DecodeError> {
        match event_type {
            "crystools.monitor" => {
                let Monitor { cpu_utilization, gpus } = self.message.decode()?;
                println!("CPU: {cpu_utilization} %");
                for Gpu { gpu_temperature } in gpus {
                    println!("GPU: {gpu_temperature} °C");
                }
            }
            "my_pack.rating" => {
                let Rating { node, score } = self.message.decode()?;
                println!("node {node} rates the image {score} of 10");
            }
            _ => {}
        }
        Ok(())
    }
}

impl Observer<GadgetCapacity> for OwnEvents {
    fn raw(&mut self, message: &Message<'_>) {
        if message.kind != MessageKind::Text {
            return;
        }
        if message.first {
            self.message.clear();
        }
        self.message.push(message.bytes);
    }

    // The session calls this after the message's last piece.
    fn event(&mut self, event: &Event<'_>) {
        let Event::Unknown { event_type } = event else { return };
        if let Err(error) = self.decode(event_type.as_str()) {
            eprintln!("{}: {error}", event_type.as_str());
        }
    }
}

fn main() {
    let mut session = Session::<GadgetCapacity>::new(Config::new("desk:8188"), 1);
    let mut own_events = OwnEvents::default();
    let now = Instant::ZERO;
    // Your host opens a WebSocket and reads it. Here it is open already, and two messages arrive.
    session.attach(now);
    for message in [
        r#"{"type": "crystools.monitor", "data": {"cpu_utilization": 12.5, "gpus": [{"gpu_temperature": 61}]}}"#,
        r#"{"type": "my_pack.rating", "data": {"node": "17", "score": 8}}"#,
    ] {
        session.handle_input_with(now, Input::Message(Message::text(message)), &mut own_events);
    }
}
