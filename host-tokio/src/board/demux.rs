//! Text and log frames of one serial line, told apart.

use std::mem;

/// Bytes of a line of text at most; a longer one is told in pieces.
pub const TEXT_BYTES: usize = 1_024;

/// Bytes of a log frame at most, as it is encoded; a longer one is none.
pub const FRAME_BYTES: usize = 4_096;

/// The most that is encoded as it is, in one run: only such a run ends in the byte that begins a frame.
const RUN_BYTES: usize = 134;

/// What begins a frame, with a zero behind it; no text in UTF-8 has it.
const MARK: u8 = 0xFF;

/// Something whole that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A line of text, without its end; never an empty one. What is no UTF-8 in it is replaced.
    Text(&'a str),
    /// A log frame, encoded in rzCOBS, without the zero that ends it.
    Frame(&'a [u8]),
}

/// What was of no use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waste {
    /// Bytes that are neither text nor a whole frame.
    pub bytes: u64,
    /// Frames without an end, or too long.
    pub frames: u64,
}

/// Tells text and log frames apart. A frame is `FF 00`, the frame in rzCOBS, which has no zero, and `00`; it may stand
/// anywhere in a text, which goes on behind it. Whatever else comes costs at most what stands up to the next frame or, where
/// the end of a frame was lost, [`FRAME_BYTES`].
#[derive(Clone, Debug, Default)]
pub struct Demux {
    text: Vec<u8>,
    frame: Vec<u8>,
    place: Place,
    waste: Waste,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Behind a mark in the text.
    Marked,
    Frame,
    /// In what was too long for a frame, behind a mark or not.
    Lost {
        marked: bool,
    },
}

impl Demux {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in `bytes`, cut anywhere, and tells what has become whole.
    pub fn hear(&mut self, bytes: &[u8], mut tell: impl FnMut(Heard<'_>)) {
        for &byte in bytes {
            self.hear_byte(byte, &mut tell);
        }
    }

    /// What was of no use so far.
    pub fn waste(&self) -> Waste {
        self.waste
    }

    /// Forgets what isn't whole: the line is another, or has been silent for so long that nothing belongs together.
    pub fn forget(&mut self) {
        let lost = self.text.len() + self.frame.len() + usize::from(self.place == Place::Marked);
        self.waste.frames += u64::from(self.place == Place::Frame);
        self.wasted(lost);
        self.text.clear();
        self.frame.clear();
        self.place = Place::Text;
    }

    fn hear_byte(&mut self, byte: u8, tell: &mut impl FnMut(Heard<'_>)) {
        match (self.place, byte) {
            (Place::Text, MARK) => self.place = Place::Marked,
            (Place::Text, _) => self.hear_text(byte, tell),
            (Place::Marked, 0) => self.place = Place::Frame,
            (Place::Marked, MARK) => self.wasted(1),
            (Place::Marked, _) => {
                self.wasted(1);
                self.place = Place::Text;
                self.hear_text(byte, tell);
            }
            (Place::Frame, 0) => self.end_frame(tell),
            (Place::Frame, _) if self.frame.len() < FRAME_BYTES => self.frame.push(byte),
            (Place::Frame, _) => {
                self.waste.frames += 1;
                self.wasted(FRAME_BYTES + 1);
                self.frame.clear();
                self.place = Place::Lost { marked: byte == MARK };
            }
            (Place::Lost { marked }, 0) => self.place = if marked { Place::Frame } else { Place::Text },
            (Place::Lost { .. }, _) => {
                self.wasted(1);
                self.place = Place::Lost { marked: byte == MARK };
            }
        }
    }

    fn hear_text(&mut self, byte: u8, tell: &mut impl FnMut(Heard<'_>)) {
        match byte {
            // The rest of a frame whose beginning was missed.
            0 => {
                self.wasted(self.text.len() + 1);
                self.text.clear();
            }
            b'\n' | b'\r' => self.end_text(tell),
            _ => {
                self.text.push(byte);
                if self.text.len() >= TEXT_BYTES {
                    self.end_text(tell);
                }
            }
        }
    }

    fn end_text(&mut self, tell: &mut impl FnMut(Heard<'_>)) {
        let text = mem::take(&mut self.text);
        if !text.is_empty() {
            tell(Heard::Text(&String::from_utf8_lossy(&text)));
        }
        self.text = text;
        self.text.clear();
    }

    fn end_frame(&mut self, tell: &mut impl FnMut(Heard<'_>)) {
        // A frame's beginning in a frame: the one before has lost its end.
        if self.frame.last() == Some(&MARK) && self.frame.len() <= RUN_BYTES {
            self.waste.frames += 1;
            self.wasted(self.frame.len());
        } else {
            if !self.frame.is_empty() {
                tell(Heard::Frame(&self.frame));
            }
            self.place = Place::Text;
        }
        self.frame.clear();
    }

    fn wasted(&mut self, bytes: usize) {
        self.waste.bytes += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Said {
        Text(String),
        Frame(Vec<u8>),
    }

    fn heard<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Said>, Demux) {
        let (mut demux, mut said) = (Demux::new(), Vec::new());
        for part in parts {
            demux.hear(part, |heard| {
                said.push(match heard {
                    Heard::Text(text) => Said::Text(text.to_owned()),
                    Heard::Frame(frame) => Said::Frame(frame.to_owned()),
                });
            });
        }
        (said, demux)
    }

    fn all(bytes: &[u8]) -> Vec<Said> {
        heard([bytes]).0
    }

    fn text(text: &str) -> Said {
        Said::Text(text.to_owned())
    }

    fn frame(frame: &[u8]) -> Said {
        Said::Frame(frame.to_owned())
    }

    /// Text and frames by chance, as a board writes them, and what is to be heard of them.
    fn written(random: &mut fastrand::Rng) -> (Vec<u8>, Vec<Said>) {
        let (mut bytes, mut said, mut line) = (Vec::new(), Vec::new(), String::new());
        for _ in 0..random.usize(1..20) {
            match random.u8(0..4) {
                0 => {
                    let len = random.usize(1..300);
                    let mut body: Vec<u8> = (0..len).map(|_| random.u8(1..=255)).collect();
                    if body.len() <= RUN_BYTES && body.last() == Some(&MARK) {
                        body.push(1);
                    }
                    bytes.extend([MARK, 0]);
                    bytes.extend(&body);
                    bytes.push(0);
                    said.push(frame(&body));
                }
                1 => {
                    bytes.extend(if random.bool() { &b"\n"[..] } else { b"\r\n" });
                    if !line.is_empty() {
                        said.push(Said::Text(mem::take(&mut line)));
                    }
                }
                _ => {
                    let piece: String = (0..random.usize(0..20)).map(|_| random.char(' '..)).collect();
                    // Its end may be one of no effect.
                    line.push_str(&piece);
                    bytes.extend(piece.as_bytes());
                }
            }
        }
        (bytes, said)
    }

    #[test]
    fn text_and_frames_are_told_apart_wherever_they_are_cut() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (bytes, said) = written(&mut random);
            let (whole, demux) = heard([&bytes[..]]);
            assert_eq!((whole, demux.waste()), (said.clone(), Waste::default()), "seed {seed}");
            let cut = random.usize(..=bytes.len());
            let parts = [&bytes[..cut], &bytes[cut..]];
            assert_eq!(heard(parts).0, said, "seed {seed}, cut at {cut}");
            assert_eq!(heard(bytes.chunks(1)).0, said, "seed {seed}, byte by byte");
        }
    }

    #[test]
    fn bytes_that_are_lost_cost_no_more_than_the_two_frames_beside_them() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut stream = Vec::new();
            for n in 1..=9 {
                stream.push([&[MARK, 0][..], &[n; 5], &[0]].concat());
                stream.push(format!("line {n}\n").into_bytes());
            }
            let bytes = stream.concat();
            let from = random.usize(..bytes.len() - 40);
            let (kept, lost) = (&bytes[..from], random.usize(1..20));
            let (said, _) = heard([kept, &bytes[from + lost..]]);
            // Two frames behind the hole everything is as if nothing had been lost.
            let whole = all(&bytes);
            let behind = whole.len() - all(kept).len();
            let sound = behind.saturating_sub(6);
            assert_eq!(said[said.len() - sound..], whole[whole.len() - sound..], "seed {seed}: {from}+{lost}");
            assert!(said.len() <= whole.len() + 1, "seed {seed}");
        }
    }

    #[test]
    fn nothing_makes_it_keep_more_than_its_limits() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut demux = Demux::new();
        let (mut heard, mut taken) = (0, 0);
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..100).map(|_| if random.u8(..8) == 0 { MARK } else { random.u8(..) }).collect();
            taken += bytes.len() as u64;
            demux.hear(&bytes, |said| {
                heard += match said {
                    Heard::Text(text) => {
                        assert!(text.len() <= 3 * TEXT_BYTES && !text.is_empty());
                        1
                    }
                    Heard::Frame(frame) => {
                        assert!(!frame.is_empty() && frame.len() <= FRAME_BYTES && !frame.contains(&0));
                        1
                    }
                };
            });
            assert!(demux.text.len() <= TEXT_BYTES && demux.frame.len() <= FRAME_BYTES);
        }
        assert!(heard > 100 && demux.waste().bytes < taken);
        let long = [&[MARK, 0][..], &vec![b'x'; 3 * FRAME_BYTES]].concat();
        let (said, demux) = self::heard([&long[..], &b"\0after\n"[..]]);
        assert_eq!(said, [text("after")]);
        assert_eq!(demux.waste(), Waste { bytes: 3 * FRAME_BYTES as u64, frames: 1 });
        let lines = all(&[&[b'x'; 2 * TEXT_BYTES + 1][..], b"\n"].concat());
        assert_eq!(lines, [text(&"x".repeat(TEXT_BYTES)), text(&"x".repeat(TEXT_BYTES)), text("x")]);
    }

    #[test]
    fn a_frame_stands_anywhere_in_a_text() {
        assert_eq!(all(b"o\xFF\0\x01\x02\0k\r\n"), [frame(b"\x01\x02"), text("ok")]);
        assert_eq!(all(b"caf\xC3\xFF\0\x01\0\xA9\n"), [frame(b"\x01"), text("caf\u{e9}")]);
    }

    #[test]
    fn a_frame_without_an_end_costs_itself_and_no_other() {
        let (said, demux) = heard([&b"\xFF\0\x01\x02\xFF\0\x03\0ok\n"[..]]);
        assert_eq!(said, [frame(b"\x03"), text("ok")]);
        assert_eq!(demux.waste(), Waste { bytes: 3, frames: 1 });
        // A long run ends in the mark, and is whole.
        let run = [&[7; RUN_BYTES][..], &[MARK]].concat();
        assert_eq!(all(&[&[MARK, 0][..], &run, b"\0ok\n"].concat()), [frame(&run), text("ok")]);
    }

    #[test]
    fn what_is_heard_from_its_middle_on_is_no_text() {
        let (said, demux) = heard([&b"\x12\x34\0ok\n"[..]]);
        assert_eq!((said, demux.waste().bytes), (vec![text("ok")], 3));
    }

    #[test]
    fn what_is_half_may_be_forgotten() {
        for half in [&b"half"[..], b"\xFF", b"\xFF\0half"] {
            let mut demux = Demux::new();
            demux.hear(half, |heard| panic!("{heard:?}"));
            demux.forget();
            let mut said = Vec::new();
            demux.hear(b"ok\n", |heard| said.push(format!("{heard:?}")));
            assert_eq!(said, ["Text(\"ok\")"]);
            assert!(demux.waste().bytes > 0);
        }
    }
}
