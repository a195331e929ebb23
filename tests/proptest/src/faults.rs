//! What goes wrong between a server and who listens.

use comfyglow_core::time::Duration;
use proptest::{collection, prelude::*, sample::Index};

use crate::{
    ServerMessage, frame,
    messages::{Edit, edits, mutate},
};

/// What happens to a message on its way.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends within its frame, or right before or behind it, and is made anew; the rest is lost.
    Cut(Index),
    /// It is lost, as a server's are while nobody listens.
    Lose,
    /// It comes twice.
    Double,
    /// The one behind it overtakes it.
    Swap,
    /// Its bytes are damaged; a text stays UTF-8.
    Damage(Vec<Edit>),
    /// So much time passes before it.
    Delay(Duration),
}

/// Faults, each at a message of a session.
#[derive(Clone, Debug)]
pub struct FaultSchedule(Vec<(Index, Fault)>);

/// What a listener meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message comes.
    Message(ServerMessage),
    /// So much time passes.
    Wait(Duration),
    /// These bytes come, the connection ends, and a new one is there.
    Cut(Vec<u8>),
}

impl FaultSchedule {
    /// What a listener meets instead of `wire`.
    pub fn apply(&self, wire: &[ServerMessage]) -> Vec<Step> {
        let mut steps: Vec<Step> = wire.iter().cloned().map(Step::Message).collect();
        for (place, fault) in &self.0 {
            if steps.is_empty() {
                break;
            }
            let at = place.index(steps.len());
            let Step::Message(message) = &mut steps[at] else { continue };
            match fault {
                Fault::Cut(end) => {
                    let mut bytes = frame(message);
                    bytes.truncate(end.index(bytes.len() + 1));
                    steps[at] = Step::Cut(bytes);
                }
                Fault::Lose => drop(steps.remove(at)),
                Fault::Double => {
                    let again = Step::Message(message.clone());
                    steps.insert(at, again);
                }
                Fault::Swap => {
                    let behind = (at + 1) % steps.len();
                    steps.swap(at, behind);
                }
                Fault::Damage(edits) => *message = damaged(message, edits),
                Fault::Delay(wait) => steps.insert(at, Step::Wait(*wait)),
            }
        }
        steps
    }
}

fn damaged(message: &ServerMessage, edits: &[Edit]) -> ServerMessage {
    let bytes = mutate(message.bytes().to_vec(), edits);
    match message {
        ServerMessage::Text(_) => ServerMessage::Text(String::from_utf8_lossy(&bytes).into_owned()),
        ServerMessage::Binary(_) => ServerMessage::Binary(bytes),
    }
}

/// Some of all of these faults, at any messages; up to 12, each delay up to 10 s.
pub fn fault_schedule() -> impl Strategy<Value = FaultSchedule> {
    let fault = prop_oneof![
        2 => any::<Index>().prop_map(Fault::Cut),
        2 => Just(Fault::Lose),
        1 => Just(Fault::Double),
        1 => Just(Fault::Swap),
        2 => edits().prop_map(Fault::Damage),
        1 => (0..10_000_u64).prop_map(|millis| Fault::Delay(Duration::from_millis(millis))),
    ];
    collection::vec((any::<Index>(), fault), 0..12).prop_map(FaultSchedule)
}
