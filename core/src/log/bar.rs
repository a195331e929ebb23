//! The bars that tqdm draws: `Sampling:  50%|█████     | 6/12 [00:06<00:04,  1.41it/s]`.

/// A sampler's bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bar {
    /// Steps done, `0..=max`.
    pub value: u32,
    /// All steps, at least 1.
    pub max: u32,
    /// tqdm's estimate of the time left, in seconds; `None` if it gives none.
    pub remaining: Option<u32>,
    /// tqdm's estimate of a step's duration, in microseconds; `None` if it gives none.
    pub step_micros: Option<u32>,
}

/// The position in a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BarState {
    /// Before the bar; digits may be its percentage.
    Before,
    /// After the percent sign.
    Percent,
    /// Between the two `|`.
    Blocks,
    Value,
    Max,
    Elapsed,
    Remaining,
    /// The integer part of the rate.
    Rate,
    /// The fraction of the rate.
    Fraction,
    /// The unit of the rate.
    Unit,
    /// Anything else, up to `]`.
    Rest,
}

/// The description before a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// None, as for samplers that use k-diffusion's `trange`.
    Nothing,
    /// Not sampling.
    Otherwise,
    Sampling,
}

/// Words that describe a sampler's bar, without their first letter: `Sampling`, `Denoising`.
const WORDS: [&[u8]; 2] = [b"ampling", b"enoising"];

#[derive(Debug)]
pub(super) struct BarReader {
    state: BarState,
    named: Named,
    /// Letters of each of [`WORDS`] that were read.
    letters: [u8; WORDS.len()],
    /// The bar counts bytes, tiles or the like, not steps.
    odd: bool,
    /// The current number, and whether it has digits.
    number: u32,
    digits: bool,
    value: u32,
    max: u32,
    /// The part of the current time or rate up to the last colon or point: in seconds, or in hundredths.
    leading: u32,
    remaining: Option<u32>,
    step_micros: Option<u32>,
}

impl BarReader {
    pub(super) const fn new() -> Self {
        Self {
            state: BarState::Before,
            named: Named::Nothing,
            letters: [0; WORDS.len()],
            odd: false,
            number: 0,
            digits: false,
            value: 0,
            max: 0,
            leading: 0,
            remaining: None,
            step_micros: None,
        }
    }

    /// Ends the line. A bar that was cut off after its counts is still a bar.
    pub(super) fn end_line(&mut self) -> Option<Bar> {
        let bar = match self.state {
            BarState::Elapsed
            | BarState::Remaining
            | BarState::Rate
            | BarState::Fraction
            | BarState::Unit
            | BarState::Rest => self.bar(),
            _ => None,
        };
        *self = Self::new();
        bar
    }

    /// Reads the line's next byte. Returns the bar that it ends.
    pub(super) fn next(&mut self, byte: u8) -> Option<Bar> {
        if byte.is_ascii_digit() && !matches!(self.state, BarState::Blocks | BarState::Unit | BarState::Rest) {
            if !self.digits {
                self.number = 0;
            }
            self.digits = true;
            self.digit(byte);
            return None;
        }
        let state = self.state;
        match (state, byte) {
            (BarState::Before, b'%') if self.digits => self.state = BarState::Percent,
            (BarState::Before, _) => self.describe(byte),
            (BarState::Percent, b'|') => self.state = BarState::Blocks,
            (BarState::Blocks, b'|') => self.state = BarState::Value,
            (BarState::Value, b'/') if self.digits => {
                self.value = self.number;
                self.state = BarState::Max;
            }
            (BarState::Max, b' ') if self.digits => self.max = self.number,
            (BarState::Max, b'[') if self.max > 0 => self.state = BarState::Elapsed,
            (BarState::Elapsed | BarState::Remaining, b':') => {
                self.leading = self.leading.saturating_add(self.number).saturating_mul(60);
            }
            (BarState::Elapsed, b'<') => {
                self.state = BarState::Remaining;
                self.leading = 0;
            }
            (BarState::Elapsed, b']') => return self.end_line(),
            (BarState::Remaining, b',') => {
                self.remaining = self.digits.then_some(self.leading.saturating_add(self.number));
                self.state = BarState::Rate;
            }
            (BarState::Rate, b'.') if self.digits => {
                // Two digits follow the point.
                self.leading = self.number.saturating_mul(100);
                self.state = BarState::Fraction;
            }
            (BarState::Rate, b'?') => self.state = BarState::Fraction,
            (BarState::Rate | BarState::Fraction, b'i' | b's') => {
                if self.digits && state == BarState::Fraction {
                    self.end_rate(byte);
                }
                self.state = BarState::Unit;
            }
            (BarState::Unit, b',') => self.state = BarState::Rest,
            (BarState::Remaining | BarState::Rate | BarState::Fraction | BarState::Unit | BarState::Rest, b']') => {
                return self.end_line();
            }
            (BarState::Value | BarState::Rate, b' ')
            | (BarState::Blocks | BarState::Elapsed | BarState::Remaining | BarState::Unit | BarState::Rest, _) => {}
            (BarState::Rate | BarState::Fraction, _) => {
                // Bytes, tiles, frames.
                self.odd = true;
                self.state = BarState::Unit;
            }
            (BarState::Percent | BarState::Value | BarState::Max, _) => {
                // Not a bar, or one of bytes or thousands. What was read is text before the next bar.
                *self = Self { named: Named::Otherwise, ..Self::new() };
            }
        }
        self.digits = false;
        None
    }

    fn digit(&mut self, byte: u8) {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        self.number = self.number.saturating_mul(10).saturating_add(digit);
    }

    /// Reads a byte of the description.
    fn describe(&mut self, byte: u8) {
        for (word, read) in WORDS.iter().zip(&mut self.letters) {
            let expected = word.get(usize::from(*read)).copied();
            *read = if expected == Some(byte) { read.saturating_add(1) } else { 0 };
            if usize::from(*read) == word.len() {
                self.named = Named::Sampling;
            }
        }
        if (byte != b' ' || self.digits) && self.named == Named::Nothing {
            self.named = Named::Otherwise;
        }
    }

    /// Ends the rate, in hundredths: iterations per second, or seconds per iteration.
    fn end_rate(&mut self, unit: u8) {
        let hundredths = self.leading.saturating_add(self.number);
        self.step_micros = match unit {
            b's' => hundredths.checked_mul(10_000),
            _ => 100_000_000_u32.checked_div(hundredths),
        };
    }

    /// The bar; `None` if it is not a sampler's.
    fn bar(&self) -> Option<Bar> {
        let Self { value, max, remaining, step_micros, .. } = *self;
        let is_steps = !self.odd && self.named != Named::Otherwise && max > 0 && value <= max;
        is_steps.then_some(Bar { value, max, remaining, step_micros })
    }
}
