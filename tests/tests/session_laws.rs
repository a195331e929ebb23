//! What holds of any session: whatever the pieces, the capacities, and the order of what the host tells.

use comfyglow_core::{
    capacity::Capacity,
    capacity::{DesktopCapacity, GadgetCapacity},
    session::{Config, End, Host, Link},
    state::NetworkDown,
    text::{Id, Text},
    time::Instant,
    wire::{Input, Output, Wire},
};
use comfyglow_tests::{
    ServerMessage, frame, settle,
    strategies::{
        capacities::SmallCapacity,
        messages::{any_message, binary, mutated, unknown},
        sessions::{Session as Heard, any_session},
        spelling::{Spelling, spell},
    },
};
use proptest::{collection, prelude::*, sample::Index};
use serde_json::Value;

/// As small as a session of a server's own messages can be: the longest type has 21 letters.
type Tiny<'c> = Wire<'c, SmallCapacity>;

const CONFIG: Config<'static> = Config::attached();

/// A session of any capacities, attached to a socket.
struct Player<C: Capacity>(Box<Wire<'static, C>>);

impl<C: Capacity> Player<C> {
    fn new(mut session: Wire<'static, C>) -> Self {
        session.attach(Instant::ZERO);
        Self(Box::new(session))
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.0.handle_input(Instant::ZERO, Input::Bytes(Link::Socket, bytes));
        settle(&mut self.0, Instant::ZERO, &mut ());
    }

    /// Tells the size of the running prompt's graph, where the session doesn't know it and `heard` does.
    fn graph(&mut self, heard: &Heard) {
        let known = heard.nodes_total.iter().map(|(id, nodes)| (Text::<C::Id>::from(id.as_str()), *nodes));
        for (id, nodes) in known {
            if self.0.state().prompt().is_some_and(|prompt| prompt.prompt_id() == Some(&id)) {
                let nodes = u32::try_from(nodes).expect("graphs are small");
                self.0.handle_input(Instant::ZERO, Input::Host(Host::Graph { prompt_id: Id::from(&id), nodes }));
            }
        }
    }

    fn snapshot(&self) -> Value {
        serde_json::to_value(self.0.state().snapshot(Instant::ZERO)).expect("it is JSON")
    }
}

/// Plays all that was heard, message by message.
fn play<C: Capacity>(session: Wire<'static, C>, heard: &Heard) -> Value {
    let mut player = Player::new(session);
    for wire in &heard.wire {
        player.hear(&frame(wire));
        player.graph(heard);
    }
    player.snapshot()
}

/// A part of the text, cut or whole: what a smaller capacity keeps of it.
fn is_kept_of(kept: &Value, whole: &Value) -> bool {
    match (kept.as_str(), whole.as_str()) {
        (Some(kept), Some(whole)) => whole.starts_with(kept),
        _ => kept == whole,
    }
}

/// A smaller session says what a larger one says, where nothing was cut or left out; and what it left out, it says.
fn assert_agree(small: &Value, large: &Value) {
    for field in ["messages", "queue_remaining", "connection"] {
        assert_eq!(small[field], large[field], "{field}");
    }
    let (small, large) = (&small["prompt"], &large["prompt"]);
    assert_eq!(small.is_null(), large.is_null());
    if small.is_null() {
        return;
    }
    let exact = ["state", "current_step", "total_steps", "nodes_total", "nodes_cached", "outputs", "previews"];
    for field in exact.into_iter().chain(["text_updates", "warnings", "elapsed_ms"]) {
        assert_eq!(small[field], large[field], "{field}");
    }
    assert!(is_kept_of(&small["prompt_id"], &large["prompt_id"]));
    assert_eq!(small["current_node"].is_null(), large["current_node"].is_null());
    let (cut, whole) = (&small["error"], &large["error"]);
    assert_eq!(cut.is_null(), whole.is_null());
    for field in ["node_id", "node_type", "exception_type", "exception_message"] {
        assert!(is_kept_of(&cut[field], &whole[field]), "{cut} of {whole}");
    }
    if cut["truncated"] == false {
        assert_eq!(cut["exception_message"], whole["exception_message"]);
    }
    if small["truncated_nodes"] == false {
        for field in ["nodes_finished", "percentage"] {
            assert_eq!(small[field], large[field], "{field}");
        }
    } else {
        for field in ["nodes_finished", "percentage"] {
            assert!(small[field].as_f64() <= large[field].as_f64(), "{field}: a lower bound");
        }
    }
}

/// Pieces of these sizes, again and again.
fn pieces<'a>(mut bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    sizes.iter().cycle().map_while(move |size| {
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

proptest! {
    #[test]
    fn the_state_does_not_depend_on_the_pieces(
        heard in any_session(),
        sizes in collection::vec(1_usize..300, 1..8),
    ) {
        let bytes: Vec<u8> = heard.wire.iter().flat_map(frame).collect();
        let mut whole = Player::new(Tiny::new(CONFIG, 1));
        whole.hear(&bytes);
        let (mut cut, mut single) = (Player::new(Tiny::new(CONFIG, 1)), Player::new(Tiny::new(CONFIG, 1)));
        pieces(&bytes, &sizes).for_each(|piece| cut.hear(piece));
        prop_assert_eq!(cut.snapshot(), whole.snapshot());
        bytes.chunks(1).for_each(|piece| single.hear(piece));
        prop_assert_eq!(single.snapshot(), whole.snapshot());
        let messages = whole.0.state().messages();
        prop_assert_eq!((messages.text + messages.binary) as usize, heard.wire.len());
        prop_assert!(messages.malformed + messages.unknown <= messages.text + messages.binary);
    }

    #[test]
    fn capacities_change_nothing_but_what_they_cut(heard in any_session()) {
        let large = play(Wire::<DesktopCapacity>::new(CONFIG, 1), &heard);
        assert_agree(&play(Wire::<GadgetCapacity>::new(CONFIG, 1), &heard), &large);
        assert_agree(&play(Tiny::new(CONFIG, 1), &heard), &large);
    }

    #[test]
    fn messages_of_no_use_change_nothing_but_their_count(
        heard in any_session(),
        junk in collection::vec((any::<Index>(), junk()), 1..6),
    ) {
        let mut disturbed = heard.clone();
        for (place, wire) in junk {
            disturbed.wire.insert(place.index(disturbed.wire.len() + 1), wire);
        }
        for (mut plain, mut with_junk) in [
            (play(Tiny::new(CONFIG, 1), &heard), play(Tiny::new(CONFIG, 1), &disturbed)),
            (play(Wire::<GadgetCapacity>::new(CONFIG, 1), &heard), play(Wire::<GadgetCapacity>::new(CONFIG, 1), &disturbed)),
        ] {
            let count = |snapshot: &Value| {
                let count = |field: &str| snapshot["messages"][field].as_u64().expect("it is a count");
                (count("text") + count("binary"), count("malformed") + count("unknown"))
            };
            let ((all, useless), (more, more_useless)) = (count(&plain), count(&with_junk));
            prop_assert_eq!(more - all, (disturbed.wire.len() - heard.wire.len()) as u64);
            prop_assert_eq!(more_useless - useless, more - all);
            plain["messages"].take();
            with_junk["messages"].take();
            prop_assert_eq!(plain, with_junk);
        }
    }

    #[test]
    fn whatever_the_host_tells_the_contract_holds(told in collection::vec((tell(), 0..12_000_000_u64), 0..60)) {
        drive(&told);
    }
}

/// A message that can't be used, or isn't known. One that breaks off while it tells of nodes is of some use, and not here.
fn junk() -> impl Strategy<Value = ServerMessage> {
    let ids: Vec<String> = (0..9).map(|n| format!("\"n{n}\"")).collect();
    let cached = format!(r#"{{"type": "execution_cached", "data": {{"nodes": [{}], "prompt_id": "p"#, ids.join(", "));
    let other = format!(r#"{{"type": "execution_cached", "data": {{"prompt_id": 5, "nodes": [{}]}}}}"#, ids.join(", "));
    prop_oneof![
        unknown()
            .prop_filter("64 deep", |json| json.get("data").is_none_or(|data| data.elements().is_none()))
            .prop_map(|json| ServerMessage::Text(spell(&json, &Spelling::Compact))),
        Just(ServerMessage::Text(cached)),
        Just(ServerMessage::Text(other)),
        Just(ServerMessage::Text(r#"{"type": "progress", "data": {"value": 1, "prompt_id": "p"}}"#.to_owned())),
        Just(ServerMessage::Text(r#"{"type": "execution_success", "data": {"prompt_id": "p"}"#.to_owned())),
        Just(ServerMessage::Text(
            r#"{"type": "execution_error", "data": {"prompt_id": "p", "exception_type": "E"}}"#.to_owned()
        )),
        Just(ServerMessage::Binary(vec![0, 0, 0, 1])),
        Just(ServerMessage::Binary(vec![0, 0, 0, 7, 1, 2, 3])),
    ]
}

/// What a host may tell, sensible or not.
#[derive(Clone, Debug)]
enum Tell {
    Opened(Link),
    Bytes(Link, Vec<u8>),
    Sent,
    Closed(Link, End),
    Graph(u32),
    Wake,
    Leave,
    Attach,
    Offline(NetworkDown),
    Online,
}

fn tell() -> impl Strategy<Value = Tell> {
    let link = || prop_oneof![Just(Link::Socket), Just(Link::Http)];
    let end = prop_oneof![Just(End::Eof), Just(End::Unreachable), Just(End::NameUnknown), Just(End::Broken)];
    let frames = collection::vec(any_message(), 0..5).prop_map(|texts| {
        texts.into_iter().map(ServerMessage::Text).flat_map(|wire| frame(&wire)).collect::<Vec<u8>>()
    });
    let bytes = prop_oneof![
        3 => frames.boxed(),
        1 => collection::vec(any::<u8>(), 0..40),
        1 => mutated().prop_map(String::into_bytes).boxed(),
        1 => binary().prop_map(|wire| frame(&wire)).boxed(),
        1 => Just(b"HTTP/1.1 200 OK\r\n\r\n{\"queue_running\": [[0, \"p\", {\"1\": {\"class_type\": \"X\"}}]]}".to_vec()),
        1 => Just(b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec()),
    ];
    prop_oneof![
        3 => link().prop_map(Tell::Opened),
        8 => (link(), bytes.boxed()).prop_map(|(link, bytes)| Tell::Bytes(link, bytes)),
        4 => Just(Tell::Sent),
        1 => (link(), end).prop_map(|(link, end)| Tell::Closed(link, end)),
        1 => (0..9_u32).prop_map(Tell::Graph),
        3 => Just(Tell::Wake),
        1 => Just(Tell::Leave),
        2 => Just(Tell::Attach),
        1 => prop_oneof![Just(NetworkDown::NoAddress), Just(NetworkDown::WrongPassword)].prop_map(Tell::Offline),
        2 => Just(Tell::Online),
    ]
}

/// Tells a session all this and checks what it wants done.
fn drive(told: &[(Tell, u64)]) {
    let mut session = Box::new(Wire::<GadgetCapacity>::new(Config::new("test"), 1));
    let (mut now, mut sending, mut open) = (0_u64, None, Vec::new());
    for (tell, later) in told {
        now += later;
        let at = Instant::from_micros(now);
        let input = match tell {
            Tell::Opened(link) => Input::Opened(*link),
            Tell::Bytes(link, bytes) => Input::Bytes(*link, bytes),
            Tell::Sent => match sending.take() {
                Some(link) => Input::Sent(link),
                None => Input::Host(Host::Wake),
            },
            Tell::Closed(link, end) => {
                open.retain(|open| open != link);
                sending = sending.filter(|sending| sending != link);
                Input::Closed(*link, *end)
            }
            Tell::Graph(nodes) => Input::Host(Host::Graph { prompt_id: Id::from("p"), nodes: *nodes }),
            Tell::Wake => Input::Host(Host::Wake),
            Tell::Leave => Input::Host(Host::Leave),
            Tell::Offline(absence) => Input::Host(Host::Offline(*absence)),
            Tell::Online => Input::Host(Host::Online),
            Tell::Attach => {
                if !open.contains(&Link::Socket) && !session.is_over() {
                    session.attach(at);
                    open.push(Link::Socket);
                }
                Input::Host(Host::Wake)
            }
        };
        let was_over = session.is_over();
        session.handle_input(at, input);
        for outputs in 0.. {
            assert!(outputs < 20, "it never sleeps");
            match session.poll_output(at) {
                Output::Sleep(_) => break,
                Output::Changed(changes) => assert!(changes.any()),
                output if was_over => panic!("{output:?} after the end"),
                Output::Dial(link) => {
                    assert!(!open.contains(&link), "{link:?} is dialled already");
                    open.push(link);
                }
                Output::Send(link, bytes) => {
                    assert_eq!(sending.replace(link), None, "something is on its way");
                    assert!(open.contains(&link) && !bytes.is_empty());
                }
                Output::Close(link) => {
                    assert!(open.contains(&link), "{link:?} is closed already");
                    open.retain(|open| *open != link);
                    sending = sending.filter(|sending| *sending != link);
                }
            }
        }
        assert!(!session.is_over() || open.is_empty(), "{open:?} stays open");
    }
}
