//! What holds after every action, whatever came before.

use comfyglow_core::{
    capacity::{Capacity, Length as _},
    reducer::{Action, apply},
    state::Changes,
    state::{Percentage, PromptState, State},
    time::{Duration, Instant},
};

use super::shown::{Shot, Shown, counts};
use crate::actions::{Act, Said};

/// What takes actions and has a state: [`State`] itself, or what is built around it.
pub trait Reducer<C: Capacity> {
    /// Applies `action` at `now`; returns what it changed.
    fn reduce(&mut self, now: Instant, action: Action<'_>) -> Changes;
    /// The state as it is now.
    fn state(&self) -> &State<C>;
}

impl<C: Capacity> Reducer<C> for State<C> {
    fn reduce(&mut self, now: Instant, action: Action<'_>) -> Changes {
        apply(self, now, action, &mut ())
    }

    fn state(&self) -> &State<C> {
        self
    }
}

/// Checks the reducer's laws with a new [`State`] of these capacities, which is told `actions`, the time before each
/// having passed.
///
/// # Panics
///
/// As [`check_reducer`].
pub fn check_all<C: Capacity>(actions: &[(Act, Duration)]) {
    check_reducer(&mut *Box::new(State::<C>::new()), actions);
}

/// Checks the reducer's laws with a reducer of one's own, of which nothing is asked but that it is new.
///
/// - A percentage is known where the graph's size is; it never falls within a prompt, is at most 99.9 before success, and
///   100 at it.
/// - Success, error and interruption are final: nothing but a new start changes such a prompt's record.
/// - Only a prompt that runs has a current node and steps, and only one that failed an error; a new connection knows of no
///   current node yet.
/// - Messages are counted as what they are; what can't be used, or isn't known, changes nothing else.
/// - What changed is told.
///
/// # Panics
///
/// Where a law is broken, with the place in `actions`.
pub fn check_reducer<C: Capacity>(reducer: &mut impl Reducer<C>, actions: &[(Act, Duration)]) {
    let mut fed = [0_u32; 4];
    let mut now = Instant::ZERO;
    let mut before = Shown::of(reducer.state());
    for (place, (act, wait)) in actions.iter().enumerate() {
        now = now.saturating_add(*wait);
        let changes = act.tell::<C>(|action| reducer.reduce(now, action));
        let after = Shown::of(reducer.state());
        sound(&after, C::Nodes::MAX).unwrap_or_else(|what| panic!("after action {place}, {act:?}: {what}: {after:#?}"));
        step(&before, act, &after, changes)
            .unwrap_or_else(|what| panic!("action {place}, {act:?}: {what}: {before:#?} became {after:#?}"));
        count(act, &mut fed);
        assert_eq!(counts(reducer.state().messages()), fed, "after action {place}, {act:?}: the messages are counted");
        assert!(reducer.state().history().iter().count() <= C::History::MAX, "the history has its bounds");
        before = after;
    }
}

type Holds = Result<(), String>;

fn holds(law: bool, what: impl Into<String>) -> Holds {
    if law { Ok(()) } else { Err(what.into()) }
}

/// What holds of any state.
fn sound(shown: &Shown, nodes: usize) -> Holds {
    let Some(prompt) = &shown.prompt else { return Ok(()) };
    let reached = &prompt.progress;
    if prompt.state == PromptState::Success {
        holds(reached.percentage == Some(Percentage::FULL), "a success is 100 percent")?;
    } else {
        holds(reached.percentage <= Some(Percentage::ALMOST), "before success there are 99.9 percent at most")?;
        holds(reached.percentage.is_some() == reached.total.is_some(), "a percentage is of a known graph")?;
    }
    holds(reached.steps.is_none_or(|steps| steps.max.thousandths() > 0), "steps are of more than none")?;
    holds(reached.finished as usize <= nodes, "no more nodes finish than are tracked")?;
    let rests = prompt.node.is_none() && reached.steps.is_none();
    holds(prompt.state == PromptState::Running || rests, "only what runs has a current node")?;
    holds(prompt.error.is_some() == (prompt.state == PromptState::Error), "only what failed has an error")
}

/// What holds from one state to the next.
fn step(before: &Shown, act: &Act, after: &Shown, changes: Changes) -> Holds {
    if let (Some(old), Some(new)) = (&before.prompt, &after.prompt) {
        let starts = matches!(act, Act::Message(Said::Start(_)));
        if old.whole == new.whole && old.id.is_some() && !starts {
            holds(new.progress.percentage >= old.progress.percentage, "the percentage falls")?;
            // A graph that is told late completes the counts.
            let kept = matches!(act, Act::Graph(..)).then(|| Shot { progress: old.progress, ..new.clone() });
            holds(!old.state.is_final() || kept.as_ref().unwrap_or(new) == old, "an end is final")?;
        }
        let takes = old.id.is_none() || new.id.is_some() || !old.state.is_final() || matches!(act, Act::Message(_));
        holds(takes, "only a message replaces what has ended")?;
    }
    holds(before.prompt.is_none() || after.prompt.is_some(), "a record is only replaced")?;
    let rests = after.prompt.as_ref().is_none_or(|new| new.node.is_none() && new.progress.steps.is_none());
    holds(rests || !matches!(act, Act::Established), "what runs by now, a new connection tells")?;
    holds(!is_useless(act) || before == after, "what is of no use changes nothing")?;

    let claims = [
        (before.connection != after.connection, Changes::CONNECTION, "the connection"),
        (before.queue != after.queue, Changes::QUEUE, "the queue"),
        (
            differs(before, after, |a, b| (&a.whole, a.state, &a.error) != (&b.whole, b.state, &b.error)),
            Changes::PROMPT,
            "the prompt",
        ),
        (differs(before, after, |a, b| a.progress != b.progress), Changes::PROGRESS, "the progress"),
        (differing(before, after, |prompt| prompt.node.clone()), Changes::NODE, "the node"),
        (differing(before, after, |prompt| prompt.outputs), Changes::OUTPUT, "the outputs"),
    ];
    for (differs, change, what) in claims {
        holds(!differs || changes.has(change), format!("{what} changed, but only {changes:?} is told"))?;
    }
    Ok(())
}

fn differs(before: &Shown, after: &Shown, differs: impl Fn(&Shot, &Shot) -> bool) -> bool {
    match (&before.prompt, &after.prompt) {
        (Some(before), Some(after)) => differs(before, after),
        (before, after) => before.is_some() != after.is_some(),
    }
}

/// Whether what `of` picks differs; without a prompt it is what it is by default.
fn differing<T: Default + PartialEq>(before: &Shown, after: &Shown, of: impl Fn(&Shot) -> T) -> bool {
    let [before, after] = [before, after].map(|shown| shown.prompt.as_ref().map(&of).unwrap_or_default());
    before != after
}

fn is_useless(act: &Act) -> bool {
    let Act::Message(said) = act else { return false };
    matches!(said, Said::Malformed | Said::MalformedBinary | Said::Unknown | Said::UnknownBinary(_))
}

/// Counts what `act` says.
fn count(act: &Act, fed: &mut [u32; 4]) {
    let Act::Message(said) = act else { return };
    let [text, binary, malformed, unknown] = fed;
    *(if said.is_binary() { binary } else { text }) += 1;
    *malformed += u32::from(matches!(said, Said::Malformed | Said::MalformedBinary));
    *unknown += u32::from(matches!(said, Said::Unknown | Said::UnknownBinary(_)));
}
