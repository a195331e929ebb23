//! tqdm's bars: `Sampling:  50%|█████     | 6/12 [00:06<00:04,  1.41it/s]`.

/// A sampler's bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bar {
    /// Steps done, at most `max`.
    pub value: u32,
    /// Steps in all, more than 0.
    pub max: u32,
    /// Seconds that it will take yet, as tqdm estimates it.
    pub remaining: Option<u32>,
    /// Microseconds that a step takes, as tqdm estimates it.
    pub step_micros: Option<u32>,
}

/// Where in a bar the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before it; digits may be those of its percentage.
    Before,
    /// Behind the percentage's sign.
    Percent,
    /// Between its ends.
    Blocks,
    Value,
    Max,
    /// The time it took.
    Elapsed,
    Remaining,
    /// How fast it is: the number, the digits behind its point, the unit.
    Rate,
    Fraction,
    Unit,
    /// What else there is, up to `]`.
    Rest,
}

/// What a bar is said to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// Nothing: samplers' bars are so (k-diffusion's `trange`).
    Nothing,
    /// Something else.
    Otherwise,
    /// Sampling.
    Sampling,
}

/// Words of which one stands before the bars of samplers that say so: `Sampling`, `Denoising`.
const WORDS: [&[u8]; 2] = [b"ampling", b"enoising"];

#[derive(Debug)]
pub(super) struct BarReader {
    place: Place,
    named: Named,
    /// Letters of [`WORDS`] that were read.
    letters: [u8; WORDS.len()],
    /// It isn't of steps, but of bytes or whatever else there is.
    odd: bool,
    /// The number at hand, and whether it has digits.
    number: u32,
    digits: bool,
    value: u32,
    max: u32,
    /// What of the time or rate at hand was read before the last colon or point: in seconds, or in hundredths.
    before: u32,
    remaining: Option<u32>,
    step_micros: Option<u32>,
}

impl BarReader {
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Before,
            named: Named::Nothing,
            letters: [0; WORDS.len()],
            odd: false,
            number: 0,
            digits: false,
            value: 0,
            max: 0,
            before: 0,
            remaining: None,
            step_micros: None,
        }
    }

    /// The line is over: a bar that was cut behind its counts is one all the same.
    pub(super) fn end_line(&mut self) -> Option<Bar> {
        let bar = match self.place {
            Place::Elapsed | Place::Remaining | Place::Rate | Place::Fraction | Place::Unit | Place::Rest => self.bar(),
            _ => None,
        };
        *self = Self::new();
        bar
    }

    /// The line's next byte; a bar at its end.
    pub(super) fn next(&mut self, byte: u8) -> Option<Bar> {
        if byte.is_ascii_digit() && !matches!(self.place, Place::Blocks | Place::Unit | Place::Rest) {
            if !self.digits {
                self.number = 0;
            }
            self.digits = true;
            self.digit(byte);
            return None;
        }
        let place = self.place;
        match (place, byte) {
            (Place::Before, b'%') if self.digits => self.place = Place::Percent,
            (Place::Before, _) => self.word(byte),
            (Place::Percent, b'|') => self.place = Place::Blocks,
            (Place::Blocks, b'|') => self.place = Place::Value,
            (Place::Value, b'/') if self.digits => {
                self.value = self.number;
                self.place = Place::Max;
            }
            (Place::Max, b' ') if self.digits => self.max = self.number,
            (Place::Max, b'[') if self.max > 0 => self.place = Place::Elapsed,
            (Place::Elapsed | Place::Remaining, b':') => {
                self.before = self.before.saturating_add(self.number).saturating_mul(60);
            }
            (Place::Elapsed, b'<') => {
                self.place = Place::Remaining;
                self.before = 0;
            }
            (Place::Elapsed, b']') => return self.end_line(),
            (Place::Remaining, b',') => {
                self.remaining = self.digits.then_some(self.before.saturating_add(self.number));
                self.place = Place::Rate;
            }
            (Place::Rate, b'.') if self.digits => {
                // The digits behind the point are hundredths.
                self.before = self.number.saturating_mul(100);
                self.place = Place::Fraction;
            }
            (Place::Rate, b'?') => self.place = Place::Fraction,
            (Place::Rate | Place::Fraction, b'i' | b's') => {
                if self.digits && place == Place::Fraction {
                    self.rate(byte);
                }
                self.place = Place::Unit;
            }
            (Place::Unit, b',') => self.place = Place::Rest,
            (Place::Remaining | Place::Rate | Place::Fraction | Place::Unit | Place::Rest, b']') => {
                return self.end_line();
            }
            (Place::Value | Place::Rate, b' ')
            | (Place::Blocks | Place::Elapsed | Place::Remaining | Place::Unit | Place::Rest, _) => {}
            (Place::Rate | Place::Fraction, _) => {
                // Bytes, tiles, frames.
                self.odd = true;
                self.place = Place::Unit;
            }
            (Place::Percent | Place::Value | Place::Max, _) => {
                // It was none, or one of bytes or thousands; what stood there stands before the next.
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

    /// A byte of what the bar is said to be of.
    fn word(&mut self, byte: u8) {
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

    /// The rate is told, by its hundredths: iterations a second, or seconds an iteration.
    fn rate(&mut self, unit: u8) {
        let hundredths = self.before.saturating_add(self.number);
        self.step_micros = match unit {
            b's' => hundredths.checked_mul(10_000),
            _ => 100_000_000_u32.checked_div(hundredths),
        };
    }

    /// A sampler's bar; none where it is of something else.
    fn bar(&self) -> Option<Bar> {
        let Self { value, max, remaining, step_micros, .. } = *self;
        let is_steps = !self.odd && self.named != Named::Otherwise && max > 0 && value <= max;
        is_steps.then_some(Bar { value, max, remaining, step_micros })
    }
}
