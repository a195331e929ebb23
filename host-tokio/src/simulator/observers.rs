//! What the extension `comfyui-node` does in a ComfyUI: clients whose id says that they only watch are told what the
//! submitters are told, each from a queue of its own, so that who doesn't read holds nobody up.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::watch;

use super::sockets::Socket;

/// How the ids of observers begin.
const OBSERVER: &str = "comfyglow-";
/// How the ids of those begin who want previews, too.
const PREVIEWS: &str = "comfyglow-previews-";
/// How many messages may wait for one observer.
const LIMIT: usize = 256;
/// How large they may be together, if they are more than one.
const BYTES: usize = 8_000_000;
/// How long one message may take to go out.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether the client `sid` is an observer, as long as it submits nothing.
pub(super) fn is_observer(sid: &str) -> bool {
    sid.starts_with(OBSERVER)
}

/// A message to observers.
#[derive(Clone, Debug)]
pub(super) struct Message {
    kind: Kind,
    frame: Vec<u8>,
}

/// What may become of a message that waits.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Kind {
    /// How a prompt ended: it must arrive.
    End,
    /// Only the newest of this name counts.
    Newest(String),
    Preview,
    Other,
}

impl Message {
    /// The text message `text`, which is `frame` on the wire.
    pub(super) fn text(text: &str, frame: &[u8]) -> Self {
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        let (name, data) = (event["type"].as_str().unwrap_or_default(), &event["data"]);
        let kind = match name {
            "execution_success" | "execution_error" | "execution_interrupted" => Kind::End,
            "executing" if data["node"].is_null() => Kind::End,
            "progress" => Kind::Newest(format!("{name} {} {}", data["prompt_id"], data["node"])),
            "progress_state" => Kind::Newest(format!("{name} {}", data["prompt_id"])),
            "status" => Kind::Newest(name.to_owned()),
            _ => Kind::Other,
        };
        Self { kind, frame: frame.to_vec() }
    }

    /// The binary message `payload`, which is `frame` on the wire.
    pub(super) fn binary(payload: &[u8], frame: &[u8]) -> Self {
        let is_preview = matches!(payload, [0, 0, 0, 1 | 4, ..]);
        Self { kind: if is_preview { Kind::Preview } else { Kind::Other }, frame: frame.to_vec() }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Message>,
    /// A message is on its way out.
    sending: bool,
    /// The client submits: what waits goes out, and nothing more is put in.
    released: bool,
}

impl Waiting {
    fn is_over(&self) -> bool {
        let bytes: usize = self.messages.iter().map(|message| message.frame.len()).sum();
        self.messages.len() > LIMIT || (self.messages.len() > 1 && bytes > BYTES)
    }

    /// Leaves the ends, and of the rest what isn't outdated, the newest half of what there is room for.
    fn thin_out(&mut self) {
        let ends = self.messages.iter().filter(|message| message.kind == Kind::End).count();
        let (mut room, mut bytes) = (LIMIT.saturating_sub(ends) / 2, BYTES / 2);
        let (mut kept, mut newer) = (VecDeque::new(), HashSet::new());
        for message in self.messages.drain(..).rev() {
            let stays = match &message.kind {
                Kind::End => true,
                Kind::Other => room > 0 && message.frame.len() <= bytes,
                kind => newer.insert(kind.clone()) && room > 0 && message.frame.len() <= bytes,
            };
            if stays {
                if message.kind != Kind::End {
                    (room, bytes) = (room - 1, bytes - message.frame.len());
                }
                kept.push_front(message);
            }
        }
        self.messages = kept;
    }
}

/// What waits for one observer.
#[derive(Debug)]
pub(super) struct Outbox {
    previews: bool,
    waiting: watch::Sender<Waiting>,
}

impl Outbox {
    /// The outbox of the observer `sid`.
    pub(super) fn new(sid: &str) -> Self {
        Self { previews: sid.starts_with(PREVIEWS), waiting: watch::Sender::default() }
    }

    /// Whether messages go through it.
    pub(super) fn is_open(&self) -> bool {
        !self.waiting.borrow().released
    }

    /// Takes `message`, and never waits. False where even the ends are too many: the observer is to be let go.
    pub(super) fn put(&self, message: Message) -> bool {
        if message.kind == Kind::Preview && !self.previews {
            return true;
        }
        let mut fits = true;
        self.waiting.send_modify(|waiting| {
            if message.kind == Kind::Preview {
                waiting.messages.retain(|other| other.kind != Kind::Preview);
            }
            waiting.messages.push_back(message);
            if waiting.is_over() {
                waiting.thin_out();
                fits = !waiting.is_over();
            }
        });
        fits
    }

    /// Waits until all has gone out that was put in.
    pub(super) async fn emptied(&self) {
        let is_empty = |waiting: &Waiting| waiting.messages.is_empty() && !waiting.sending;
        // An error would mean that the sender is gone, which `self` holds.
        let _ = self.waiting.subscribe().wait_for(is_empty).await;
    }

    /// Ends its use: messages go to the socket directly, once all that waits has gone out.
    pub(super) async fn release(&self) {
        self.waiting.send_modify(|waiting| waiting.released = true);
        self.emptied().await;
    }

    /// Sends what is put in to `socket`, until that has ended.
    pub(super) async fn deliver(&self, socket: &Socket) {
        let mut news = self.waiting.subscribe();
        loop {
            tokio::select! {
                biased;
                () = socket.ended() => return,
                _ = news.wait_for(|waiting| !waiting.messages.is_empty()) => {}
            }
            let mut next = None;
            self.waiting.send_modify(|waiting| {
                next = waiting.messages.pop_front();
                waiting.sending = true;
            });
            if let Some(message) = next
                && tokio::time::timeout(PATIENCE, socket.send(&message.frame)).await.is_err()
            {
                socket.end();
            }
            self.waiting.send_modify(|waiting| waiting.sending = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Message {
        Message::text(text, text.as_bytes())
    }

    fn waiting(outbox: &Outbox) -> Vec<String> {
        let waiting = outbox.waiting.borrow();
        waiting.messages.iter().map(|message| String::from_utf8_lossy(&message.frame).into_owned()).collect()
    }

    #[test]
    fn only_the_newest_stays_where_nobody_reads_and_each_end() {
        let outbox = Outbox::new("comfyglow-1");
        let end = r#"{"type": "execution_success", "data": {}}"#;
        assert!(outbox.put(text(end)));
        let progress = |n| format!(r#"{{"type": "progress", "data": {{"value": {n}}}}}"#);
        for n in 0..1000 {
            assert!(outbox.put(text(&progress(n))));
        }
        let waiting = waiting(&outbox);
        assert!(waiting.len() <= LIMIT, "{}", waiting.len());
        assert_eq!((&waiting[0], waiting.last()), (&end.to_owned(), Some(&progress(999))));
    }

    #[test]
    fn who_does_not_even_take_ends_is_let_go() {
        let outbox = Outbox::new("comfyglow-1");
        let end = || text(r#"{"type": "executing", "data": {"node": null}}"#);
        assert!((0..LIMIT).all(|_| outbox.put(end())));
        assert!(!outbox.put(end()));
    }

    #[test]
    fn previews_are_for_those_who_want_them() {
        for (sid, expected) in [("comfyglow-1", 1), ("comfyglow-previews-1", 2)] {
            let outbox = Outbox::new(sid);
            assert!(is_observer(sid));
            for payload in [&[0, 0, 0, 1, 7][..], &[0, 0, 0, 4, 7], &[0, 0, 0, 3, 7]] {
                assert!(outbox.put(Message::binary(payload, payload)));
            }
            assert_eq!(waiting(&outbox).len(), expected, "{sid}");
        }
    }
}
