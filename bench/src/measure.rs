//! Side by side: all contenders take turns in one process, so that what slows the machine slows them all. What is measured
//! is this thread's time on a processor: what others do on the machine meanwhile does not count.
use std::{hint::black_box, time::Duration};

use cpu_time::ThreadTime;

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
    /// Half of the rounds lie between these multiples.
    pub middle_half: (f64, f64),
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
    let speed = |turns: &Vec<f64>| {
        let ratios = sorted(turns.iter().zip(&first).map(|(a, b)| a / b).collect());
        Speed {
            nanos: quantile(&sorted(turns.clone()), 2),
            ratio: quantile(&ratios, 2),
            middle_half: (quantile(&ratios, 1), quantile(&ratios, 3)),
        }
    };
    turns.iter().map(speed).collect()
}

/// One pass, the only one that callgrind counts: it knows this function by its name.
#[inline(never)]
pub fn counted(contender: &mut Contender<'_>) {
    black_box((contender.pass)());
}

fn turn(contender: &mut Contender<'_>, passes: u32) -> Duration {
    let start = ThreadTime::now();
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

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// The number that so many quarters of the others lie below.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * quarters / 4).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_amid() {
        let numbers = sorted(vec![3.0, 100.0, 2.0, 1.0, 4.0]);
        let quartiles = [1, 2, 3].map(|quarters| quantile(&numbers, quarters));
        assert!(quartiles.iter().zip([2.0, 3.0, 4.0]).all(|(a, b)| (a - b).abs() < f64::EPSILON), "{quartiles:?}");
        assert!(quantile(&[], 2).is_nan());
    }

    #[test]
    fn the_first_is_the_measure() {
        let effort = Effort { rounds: 3, turn: Duration::from_nanos(1) };
        let speeds = side_by_side(&mut [Contender::new("a", || 1), Contender::new("b", || 2)], effort);
        assert_eq!((speeds.len(), speeds[0].ratio), (2, 1.0));
    }
}
