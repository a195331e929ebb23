//! What the simulator writes to its log, as ComfyUI does, and as whoever subscribed to it hears it.

use comfyglow::{
    recording::{Recording, What},
    simulator::{Builder, Simulator, Version},
};
use comfyglow_tests::{
    client::{Client, http},
    fixtures,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// The entries of each `logs` event among `texts`.
fn entries<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<String>> {
    let entries = |text: &str| {
        // Half characters, which Rust knows none of.
        let event: Value = serde_json::from_str(&text.replace("\\udc9f", "\\ufffd")).expect("an event");
        (event["type"] == "logs").then(|| {
            let entries = event["data"]["entries"].as_array().expect("entries");
            entries.iter().map(|entry| entry["m"].as_str().expect("a text").to_owned()).collect()
        })
    };
    texts.filter_map(entries).collect()
}

/// What one hears who subscribed to the log of `simulator`, event by event, while `prompt` runs.
async fn heard(simulator: Builder, prompt: &Value) -> Vec<Vec<String>> {
    let simulator = simulator.speed(f64::INFINITY).seed(1).start().await.expect("a free port");
    let mut observer = Client::greeted(simulator.addr(), "observer").await;
    let subscribe = json!({"clientId": "observer", "enabled": true}).to_string();
    http(simulator.addr(), "PATCH", "/internal/logs/subscribe", &[], &subscribe).await;
    simulator.submit(&json!({"prompt": prompt, "client_id": "somebody"})).expect("a prompt in order");
    simulator.settled().await;
    let heard = observer.heard().await;
    let text = |message: &Message| message.to_text().map(str::to_owned).ok();
    let texts: Vec<String> = heard.iter().filter_map(text).collect();
    entries(texts.iter().map(String::as_str))
}

fn sampler(inputs: Value) -> Value {
    let mut sampler = json!({"steps": 2, "sim_ms": 500});
    let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
    sampler.as_object_mut().expect("an object").extend(inputs);
    json!({"1": {"class_type": "SomeSampler", "inputs": sampler}})
}

/// All of it, without the level before each line.
fn text(heard: &[Vec<String>]) -> String {
    let text = heard.concat().concat();
    text.replace("\u{1b}[32m[INFO]\u{1b}[0m ", "").replace("\u{1b}[1m\u{1b}[31m[ERROR]\u{1b}[0m ", "E ")
}

/// The text with each number as `#`, without the blocks of bars.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for char in text.chars().filter(|char| !('\u{2588}'..='\u{258f}').contains(char)) {
        match char {
            '0'..='9' | '.' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            char => shape.push(char),
        }
    }
    // A bar of less is wider by as many blanks, and a number is by one.
    shape.replace(' ', "").replace("s/it", "it/s")
}

#[tokio::test]
async fn it_is_the_one_recorded() {
    let recording = Recording::read(&fixtures().join("traces/g_observer_logs.jsonl")).expect("a recording");
    let texts = recording.rows.iter().filter_map(|row| match &row.what {
        What::Rx(frame) if frame.opcode == 1 => std::str::from_utf8(&frame.payload).ok(),
        _ => None,
    });
    let recorded = entries(texts);
    let graph = json!({
        "1": {"class_type": "TraceTinyModel", "inputs": {"seed": 900}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 192, "height": 192, "batch_size": 1}},
        "3": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": 900, "steps": 12, "cfg": 4.0,
            "sampler_name": "euler", "scheduler": "normal", "positive": ["1", 1], "negative": ["1", 2],
            "latent_image": ["2", 0], "denoise": 1.0, "sim_ms": 60}},
        "4": {"class_type": "TraceLatentToImage", "inputs": {"samples": ["3", 0]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "ks"}},
    });
    let heard = heard(Simulator::builder(), &graph).await;
    // How often a bar is drawn is the clock's to say.
    let shapes = |events: &[Vec<String>]| {
        let mut shapes: Vec<Vec<String>> =
            events.iter().map(|event| event.iter().map(|text| shape(text)).collect()).collect();
        shapes.dedup();
        shapes
    };
    let finish = |events: &[Vec<String>]| shapes(events).into_iter().rev().take(2).collect::<Vec<_>>();
    assert_eq!(finish(&heard), finish(&recorded));
    let unfinished = |events: &[Vec<String>]| {
        let is_final = |text: &String| text.starts_with("\r100%");
        shapes(&events.iter().filter(|event| !event.iter().any(is_final)).cloned().collect::<Vec<_>>())
    };
    assert_eq!(unfinished(&heard), unfinished(&recorded));
}

#[tokio::test]
async fn each_sampler_has_a_bar_and_the_model_is_loaded_once() {
    let graph = json!({
        "1": {"class_type": "KSamplerSelect", "inputs": {"steps": 2, "sim_ms": 500}},
        "2": {"class_type": "SomeSampler", "inputs": {"steps": 3, "sim_ms": 200, "from": ["1", 0]}},
        "3": {"class_type": "SaveSomething", "inputs": {"from": ["2", 0], "sim_ms": 600_000}},
    });
    let log = text(&heard(Simulator::builder(), &graph).await);
    let expected = "got prompt\n\
        Requested to load BaseModel\n\
        loaded completely;  3.82 MB loaded, full load: True\n\
        \r  0%|          | 0/2 [00:00<?, ?it/s]\
        \r 50%|█████     | 1/2 [00:00<00:00,  2.00it/s]\
        \r100%|██████████| 2/2 [00:01<00:00,  2.00it/s]\
        \r100%|██████████| 2/2 [00:01<00:00,  2.00it/s]\n\
        \r  0%|          | 0/3 [00:00<?, ?it/s]\
        \r 33%|███▎      | 1/3 [00:00<00:00,  5.00it/s]\
        \r 67%|██████▋   | 2/3 [00:00<00:00,  5.00it/s]\
        \r100%|██████████| 3/3 [00:00<00:00,  5.00it/s]\
        \r100%|██████████| 3/3 [00:00<00:00,  5.00it/s]\n\
        \u{1b}[32mPrompt executed in 00:10:01\u{1b}[0m\n";
    assert_eq!(log, expected);
}

#[tokio::test]
async fn an_error_is_told_with_its_traceback_behind_the_bar() {
    let prompt =
        sampler(json!({"sim_error": "out of memory", "sim_error_type": "torch.OutOfMemoryError", "sim_error_at": 2}));
    let heard = heard(Simulator::builder(), &prompt).await;
    let log = text(&heard);
    let (before, rest) =
        log.split_once("E !!! Exception during processing !!! out of memory\n").expect("the exception");
    assert!(before.ends_with("\r 50%|█████     | 1/2 [00:01<00:01,  1.00it/s]\n"), "{before:?}");
    let (traceback, rest) = rest.split_once("torch.OutOfMemoryError: out of memory\n\n").expect("its last line");
    assert!(
        traceback.starts_with("E Traceback (most recent call last):\n  File \"/home/user/ComfyUI/execution.py\", line")
    );
    assert!(traceback.lines().skip(1).all(|line| line.starts_with("  ")), "{traceback}");
    assert_eq!(rest, "\u{1b}[32mPrompt executed in 1.00 seconds\u{1b}[0m\n");
    // The bar's end is flushed with what comes next.
    assert!(heard.iter().any(|event| event.len() == 2 && event[0] == "\n" && event[1].contains("!!!")), "{heard:?}");
}

#[tokio::test]
async fn an_interruption_is_told_behind_the_bar() {
    let simulator = Simulator::builder().stepped().start().await.expect("a free port");
    let mut observer = Client::greeted(simulator.addr(), "observer").await;
    let subscribe = json!({"clientId": "observer", "enabled": true}).to_string();
    http(simulator.addr(), "PATCH", "/internal/logs/subscribe", &[], &subscribe).await;
    simulator.submit(&json!({"prompt": sampler(json!({"steps": 4})), "client_id": "a"})).expect("a prompt in order");
    simulator.step(2);
    simulator.settled().await;
    simulator.interrupt();
    simulator.step(1);
    simulator.settled().await;
    let heard = observer.heard().await;
    let text_of = |message: &Message| message.to_text().map(str::to_owned).ok();
    let texts: Vec<String> = heard.iter().filter_map(text_of).collect();
    let log = text(&entries(texts.iter().map(String::as_str)));
    let end =
        "2/4 [00:01<00:01,  1.33it/s]\nProcessing interrupted\n\u{1b}[32mPrompt executed in 1.50 seconds\u{1b}[0m\n";
    assert!(log.ends_with(end), "{log:?}");
}

#[tokio::test]
async fn older_releases_write_neither_level_nor_colour() {
    let older = Simulator::builder().version(Version::new(0, 3, 43));
    let log = heard(older, &sampler(json!({"sim_error": "no"}))).await.concat().concat();
    assert!(!log.contains('\u{1b}') && !log.contains("[INFO]"), "{log}");
    for line in [
        "got prompt\n",
        "loaded completely 9.5367431640625e+25 3.8154296875 True\n",
        "Prompt executed in 1.00 seconds\n",
    ] {
        assert!(log.contains(line), "{log}");
    }
    assert!(log.contains("\n!!! Exception during processing !!! no\nTraceback (most recent call last):\n"), "{log}");
}

#[tokio::test]
async fn bars_of_all_kinds_are_asked_for_by_inputs() {
    let inputs = json!({"steps": 1, "sim_bar": "VAE tiles", "sim_nested": 2, "sim_download": "model.safetensors",
        "sim_log": ["one\n", ["two ", "three\n"]]});
    let mut prompt = sampler(inputs);
    prompt["1"]["class_type"] = "VAEDecodeTiled".into();
    let heard = heard(Simulator::builder(), &prompt).await;
    assert_eq!((&heard[1], &heard[2]), (&vec!["one\n".to_owned()], &vec!["two ".to_owned(), "three\n".to_owned()]));
    let log = text(&heard);
    for part in [
        "\rmodel.safetensors:  50%|█████     | 1.33G/2.66G [00:02<00:02, 665MB/s]",
        "\rmodel.safetensors: 100%|██████████| 2.66G/2.66G [00:04<00:00, 665MB/s]\n",
        "\rVAE tiles:   0%|          | 0/1 [00:00<?, ?it/s]\n\
         \r  0%|          | 0/2 [00:00<?, ?it/s]\u{1b}[A\n\
         \r 50%|█████     | 1/2 [00:00<00:00,  4.00it/s]\u{1b}[A\n",
        "\rVAE tiles: 100%|██████████| 1/1 [00:00<00:00,  2.00it/s]\n",
    ] {
        assert!(log.contains(part), "{part:?} in {log:?}");
    }
    assert!(!log.contains("Requested to load"), "{log}");
}

#[tokio::test]
async fn noise_comes_between_the_steps_and_the_bar_in_pieces() {
    let quiet = text(&heard(Simulator::builder(), &sampler(json!({"steps": 12}))).await);
    let heard = heard(Simulator::builder(), &sampler(json!({"steps": 12, "sim_noise": true}))).await;
    let log = text(&heard);
    assert!(["進捗", "🎉", "\u{1b}[2K", "\u{fffd}"].iter().all(|noise| log.contains(noise)), "{log}");
    // Put together, each state of the bar is there.
    for bar in quiet.split('\r').filter(|part| part.contains("/12 [")) {
        assert!(log.contains(bar.trim_end()), "{bar} in {log}");
    }
    assert!(heard.iter().any(|event| event.len() > 1 && event[0].starts_with('\r')));
    assert!(heard.iter().any(|event| event.last().is_some_and(|text| text.starts_with('\r') && !text.contains('['))));
}

#[tokio::test]
async fn a_terminal_is_as_wide_as_it_says() {
    let heard = heard(Simulator::builder().terminal_columns(100), &sampler(json!({}))).await;
    let bars: Vec<usize> =
        heard.concat().iter().filter(|text| text.contains("%|")).map(|bar| bar.chars().count()).collect();
    assert_eq!(bars, [101; 4]);
}
