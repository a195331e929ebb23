use proptest::prelude::*;
use std::{string::String, vec};

use super::*;
use crate::{
    event::{Decoder, Event, Handler, Interest, Part},
    limits::STEP_MILLIS,
    reducer::{Action, apply},
    state::FaultKind,
};

/// An object with a single value.
struct Single<F>(F);

/// The object as JSON; checks that a buffer one byte shorter is too small.
fn json(object: &impl Object) -> String {
    let mut out = vec![0; 4_096];
    let len = Json::write(object, &mut out).unwrap();
    let exact = Json::write(object, &mut out[..len]);
    assert_eq!((exact, Json::write(object, &mut out[..len - 1])), (Ok(len), Err(TooSmall)));
    out.truncate(len);
    String::from_utf8(out).unwrap()
}

impl Object for Single<Decimal> {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.decimal("a", Some(self.0));
    }
}

impl Object for Single<&str> {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.text("a", Some(self.0));
        to.text("b", None);
    }
}

impl Object for Single<u64> {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.number("a", Some(self.0));
    }
}

#[expect(clippy::cast_precision_loss, reason = "these are below 2^53")]
fn assert_as_float(units: i64, places: u8) {
    let float = units as f64 / 10_f64.powi(places.into());
    let expected = serde_json::to_string(&serde_json::json!({ "a": float })).unwrap();
    assert_eq!(json(&Single(Decimal { units, places })), expected);
}

#[test]
fn decimal_is_written_like_a_float() {
    for (units, places, expected) in [(41_500, 3, "41.5"), (0, 3, "0.0"), (100_000_000, 6, "100.0"), (-20, 3, "-0.02")]
    {
        assert_eq!(json(&Single(Decimal { units, places })), std::format!(r#"{{"a":{expected}}}"#));
    }
    for units in (-3_000..3_000).chain([STEP_MILLIS, -STEP_MILLIS, STEP_MILLIS - 1]) {
        assert_as_float(units, 3);
    }
    for units in (0..30_000).chain([99_999_999, 33_333_333]) {
        assert_as_float(units, 6);
    }
}

#[test]
fn number_of_any_length_is_written_whole() {
    for number in [0, 1, 10, 1_000, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(json(&Single(number)), std::format!(r#"{{"a":{number}}}"#));
    }
}

proptest! {
    #[test]
    fn random_decimal_is_written_like_a_float(steps in -STEP_MILLIS..=STEP_MILLIS, percentage in 0_i64..=100_000_000) {
        assert_as_float(steps, 3);
        assert_as_float(percentage, 6);
    }

    #[test]
    fn random_text_is_read_back(text in prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,20}"]) {
        let read: serde_json::Value = serde_json::from_str(&json(&Single(&*text))).unwrap();
        prop_assert_eq!(read, serde_json::json!({"a": text, "b": null}));
    }
}

crate::capacity! {
    struct SmallCapacity { id: 48, message: 64, nodes: 8, names: 256, durations: 4, history: 100, request: 512 }
}

type Small = State<SmallCapacity>;

/// Applies a message.
fn text(state: &mut Small, ms: u64, message: &[u8]) {
    let mut decoder = Decoder::<SmallCapacity>::new(Interest::STATE);
    let mut apply = Apply { state, now: Instant::from_millis(ms) };
    decoder.text(message, &mut apply);
    decoder.end_text(&mut apply);
}

/// A state with a value in every object.
fn full() -> Small {
    let mut state = State::new();
    text(&mut state, 5, br#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 2}}}}"#);
    text(&mut state, 10, br#"{"type": "execution_start", "data": {"prompt_id": "a\"\\\u0001\u00fc"}}"#);
    text(
        &mut state,
        15,
        br#"{"type": "execution_cached", "data": {"prompt_id": "a\"\\\u0001\u00fc", "nodes": ["1"]}}"#,
    );
    text(&mut state, 20, br#"{"type": "progress", "data": {"value": 1.5, "max": 3, "node": "2"}}"#);
    state
}

struct Apply<'a> {
    state: &'a mut Small,
    now: Instant,
}

impl Handler for Apply<'_> {
    fn part(&mut self, part: Part<'_>) {
        apply(self.state, self.now, Action::Part(&part), &mut ());
    }

    fn event(&mut self, event: Event<'_>) {
        apply(self.state, self.now, Action::Text(&event), &mut ());
    }
}

#[test]
fn snapshot_json_has_the_documented_shape() {
    let mut out = [0; 1_024];
    let mut state = full();
    apply(&mut state, Instant::from_millis(21), Action::Lost(Some(Fault::new(FaultKind::Broken))), &mut ());
    let len = state.snapshot(Instant::from_millis(30)).write_json(&mut out).unwrap();
    assert_eq!(
        str::from_utf8(&out[..len]).unwrap(),
        concat!(
            r#"{"schema":1,"connection":{"status":"disconnected","attempt":0,"reconnects":0,"latency_ms":null,"#,
            r#""drop_rate":0.0,"next_attempt_ms":null,"source":"websocket","error":{"kind":"broken","whose":"network","#,
            r#""message":"the network dropped the connection","advice":"Check the network, Wi-Fi or VPN to the server."},"#,
            r#""last_event":{"type":"progress","age_ms":10},"way":null},"queue_remaining":2,"#,
            r#""prompt":{"prompt_id":"a\"\\\u0001ü","state":"running","current_node":"2","current_class":null,"#,
            r#""current_step":1.5,"total_steps":3.0,"percentage":null,"eta_ms":null,"elapsed_ms":20,"nodes_total":null,"#,
            r#""nodes_cached":1,"nodes_finished":0,"truncated_nodes":false,"outputs":0,"previews":0,"text_updates":0,"#,
            r#""warnings":0,"error":null},"messages":{"text":4,"binary":0,"malformed":0,"unknown":0}}"#,
        )
    );
}

#[cfg(feature = "serde")]
#[test]
fn serde_writes_the_same_json() {
    let mut states = [State::new(), full(), full()];
    text(
        &mut states[1],
        25,
        br#"{"type": "execution_error", "data": {"prompt_id": "a\"\\\u0001\u00fc", "node_id": "2", "node_type": "K",
            "exception_type": "E", "exception_message": "of \u0010\n"}}"#,
    );
    apply(&mut states[2], Instant::from_millis(21), Action::Lost(Some(Fault::new(FaultKind::Refused(403)))), &mut ());
    for state in &states {
        let snapshot = state.snapshot(Instant::from_millis(30));
        let mut out = [0; 1_024];
        let len = snapshot.write_json(&mut out).unwrap();
        assert_eq!(str::from_utf8(&out[..len]).unwrap(), serde_json::to_string(&snapshot).unwrap());
    }
}
