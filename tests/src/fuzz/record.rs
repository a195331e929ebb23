//! Records.

use comfyglow_core::{record::HEAD_BYTES, state::State, time::Instant};

use crate::strategies::{
    actions::{Act, Said},
    capacities::SmallCapacity,
    laws::Shown,
};

type Small = State<SmallCapacity>;

/// A record as it is, or, where the first byte is odd, a body to which the right head is made: what can't be taken in
/// changes nothing, and what can is written as a record that means the same; nothing that is heard afterwards is amiss.
///
/// # Panics
///
/// Where that doesn't hold.
pub fn record(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let record = if kind % 2 == 1 { with_head(rest) } else { rest.to_vec() };
    let mut state = Box::new(Small::new());
    Act::Message(Said::Start("p".to_owned())).play(&mut state, Instant::from_millis(7));
    let (before, written) = (Shown::of(&state), export(&state));
    if state.import(&record).is_err() {
        assert_eq!((Shown::of(&state), export(&state)), (before, written), "what is no record changes nothing");
        return;
    }
    let written = export(&state);
    let mut again = Box::new(Small::new());
    again.import(&written).expect("what was written is a record");
    let (first, second) = (Shown::of(&state), Shown::of(&again));
    assert_eq!((first.prompt, export(&state)), (second.prompt, export(&again)), "and it means the same");
    let said = [Said::Start("q".to_owned()), Said::Progress(1_000, 2_000, None, Some("1".to_owned())), Said::Status(0)];
    for (seconds, said) in (1..).zip(said) {
        Act::Message(said).play(&mut state, Instant::from_millis(seconds * 1_000));
        serde_json::to_string(&state.snapshot(Instant::from_millis(seconds * 1_000))).expect("it is JSON");
    }
}

fn export(state: &Small) -> Vec<u8> {
    let mut record = vec![0; Small::RECORD_BYTES];
    let len = state.export(Instant::from_millis(500), &mut record).expect("there is room");
    record.truncate(len);
    record
}

/// The body with the head that a record of it has.
fn with_head(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("an input is short").to_le_bytes();
    let mut record = [b"CfyG", &comfyglow_core::record::VERSION.to_le_bytes()[..], &[0, 0], &length].concat();
    let checksum = !record.iter().chain(body).fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    record.extend(checksum.to_le_bytes());
    record.extend(body);
    record
}

/// Records of prompts that run, ended and failed, as they are and without their heads.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let (p, n) = ("p".to_owned(), "1".to_owned());
    let ends = [
        Said::Progress(1_000, 20_000, Some(p.clone()), Some(n.clone())),
        Said::Success(p.clone()),
        Said::Error(p.clone(), Some(n.clone()), "ValueError".to_owned(), "out of paint\n".repeat(5)),
        Said::Interrupted(p.clone()),
    ];
    let records = ends.map(|end| {
        let mut state = Box::new(Small::new());
        let acts = [
            Act::Message(Said::Start(p.clone())),
            Act::GraphNode(p.clone(), n.clone(), "KSampler".to_owned()),
            Act::Graph(p.clone(), 2),
            Act::Message(Said::Executing(Some(n.clone()), None, Some(p.clone()))),
            Act::Message(Said::Executing(Some("2".to_owned()), None, Some(p.clone()))),
            Act::Message(end),
        ];
        for (seconds, act) in (1..).zip(acts) {
            act.play(&mut state, Instant::from_millis(seconds * 1_000));
        }
        export(&state)
    });
    let bodies = records.iter().map(|record| [&[1], &record[HEAD_BYTES..]].concat());
    records.iter().map(|record| [&[0], record.as_slice()].concat()).chain(bodies).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_that_of_a_record() {
        for seed in seeds().iter().filter(|seed| seed[0] == 0) {
            let record = &seed[1..];
            assert_eq!(with_head(&record[HEAD_BYTES..]), record);
        }
    }
}
