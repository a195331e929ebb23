//! Decoding into a user's own event types.

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Monitor {
    cpu_utilization: f32,
    ram_used: u64,
    device_type: heapless::String<8>,
    gpus: heapless::Vec<Gpu, 2>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Gpu {
    gpu_temperature: i32,
}

const DATA: &str = r#"{"cpu_utilization": 12.5, "ram_total": 9, "ram_used": 8, "device_type": "c\"u", "gpus": [{"gpu_utilization": 1, "gpu_temperature": -1}]}"#;

fn monitor() -> Monitor {
    Monitor {
        cpu_utilization: 12.5,
        ram_used: 8,
        device_type: "c\"u".try_into().unwrap(),
        gpus: [Gpu { gpu_temperature: -1 }].into_iter().collect(),
    }
}

#[test]
fn decode_gives_own_type_or_mismatch() {
    let whole = message("crystools.monitor", DATA);
    assert_eq!(decode(whole.as_bytes()), Ok(monitor()));
    for bad in [
        String::new(),
        "no JSON".to_string(),
        message("x", "null"),
        message("x", "{}"),
        message("x", &DATA.replace("12.5", "\"12.5\"")),
        message("x", &DATA.replace("c\\\"u", "longer than it")),
        "{\"type\": \"x\"}".to_string(),
        whole.replace("}}", ""),
    ] {
        assert_eq!(decode::<Monitor>(bad.as_bytes()), Err(DecodeError::Mismatch), "{bad}");
    }
}

/// Collects `message` and decodes it.
fn collect<const N: usize>(collector: &mut Collector<N>, message: &str, size: usize) -> Result<Monitor, DecodeError> {
    message.as_bytes().chunks(size).for_each(|piece| collector.push(piece));
    collector.decode()
}

#[test]
fn collector_beyond_capacity_reports_too_long() {
    const CAPACITY: usize = 200;
    let whole = message("crystools.monitor", DATA);
    let padded = |len: usize| format!("{whole}{}", " ".repeat(len - whole.len()));
    let mut collector = Collector::<CAPACITY>::new();
    for size in [1, 7, 64, 1_000] {
        for len in [CAPACITY - 1, CAPACITY] {
            assert_eq!(collect(&mut collector, &padded(len), size), Ok(monitor()), "{len} bytes in pieces of {size}");
        }
        for len in [CAPACITY + 1, 10 * CAPACITY] {
            let result = collect(&mut collector, &padded(len), size);
            assert_eq!(result, Err(DecodeError::TooLong(len)), "in pieces of {size}");
        }
    }
    collector.push(b"cut off by a lost link");
    collector.clear();
    assert_eq!(collect(&mut collector, &whole, 9), Ok(monitor()));
    assert_eq!(DecodeError::TooLong(201).to_string(), "the message is larger than the buffer: 201 bytes so far");
}
