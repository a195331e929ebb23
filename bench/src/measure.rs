//! Side by side: all contenders take turns in one process, so that what slows the machine slows them all.
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Something to be measured: a name, and one pass over its messages, which returns a number that depends on all of it.
pub struct Contender<'a> {
    /// How it is called in the table and by `--only`.
    pub name: String,
    /// One pass over its messages.
    pub pass: Box<dyn FnMut() -> u64 + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender.
    pub fn new(name: impl Into<String>, pass: impl FnMut() -> u64 + 'a) -> Self {
        Self { name: name.into(), pass: Box::new(pass) }
    }
}

/// How often to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns of each contender.
    pub rounds: usize,
    /// What a turn lasts at least.
    pub turn: Duration,
}

/// How fast a contender was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// The median of its turns, in nanoseconds a pass.
    pub nanos: f64,
    /// The median, over the rounds, of its turn's time as a multiple of the first contender's in the same round.
    pub ratio: f64,
}

/// The speed of each contender.
pub fn side_by_side(contenders: &mut [Contender<'_>], effort: Effort) -> Vec<Speed> {
    let passes: Vec<u32> = contenders.iter_mut().map(|c| passes(c, effort.turn)).collect();
    let mut turns = vec![Vec::with_capacity(effort.rounds); contenders.len()];
    for _ in 0..effort.rounds {
        for ((contender, passes), turns) in contenders.iter_mut().zip(&passes).zip(&mut turns) {
            turns.push(turn(contender, *passes).as_secs_f64() * 1e9 / f64::from(*passes));
        }
    }
    let Some(first) = turns.first().cloned() else { return Vec::new() };
    let ratios = |turns: &[f64]| turns.iter().zip(&first).map(|(a, b)| a / b).collect();
    turns.iter().map(|turns| Speed { ratio: median(ratios(turns)), nanos: median(turns.clone()) }).collect()
}

fn turn(contender: &mut Contender<'_>, passes: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..passes {
        black_box((contender.pass)());
    }
    start.elapsed()
}

/// How many passes a turn has that lasts long enough.
fn passes(contender: &mut Contender<'_>, least: Duration) -> u32 {
    let mut passes = 1;
    while turn(contender, passes) < least {
        passes *= 2;
    }
    passes
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_amid() {
        assert!((median(vec![3.0, 100.0, 2.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn the_first_is_the_measure() {
        let effort = Effort { rounds: 3, turn: Duration::from_nanos(1) };
        let speeds = side_by_side(&mut [Contender::new("a", || 1), Contender::new("b", || 2)], effort);
        assert_eq!((speeds.len(), speeds[0].ratio), (2, 1.0));
    }
}
