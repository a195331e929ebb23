//! Why the chip started, and what is said at an end: in memory that a reset leaves alone.

use core::{fmt::Write as _, panic::PanicInfo};

use comfyglow_app::Reset;
use esp_hal::{
    Persistable, ram,
    system::{reset_reason, software_reset},
};
use heapless::String;
use static_cell::StaticCell;

/// Bytes of a panic's place: the file, without its folders, and the line.
const PLACE: usize = 48;

/// What the last start left behind.
#[repr(C)]
struct Note {
    mark: u32,
    len: u32,
    place: [u8; PLACE],
}

// SAFETY: of whole numbers only, all bits are valid, and `take` trusts none of them.
unsafe impl Persistable for Note {}

/// In [`Note::mark`]: it panicked; it was turned off. Anything else is noise.
const PANICKED: u32 = 0xC0F4_0001;
const OFF: u32 = 0xC0F4_0002;

#[ram(unstable(rtc_fast, persistent))]
static mut NOTE: Note = Note { mark: 0, len: 0, place: [0; PLACE] };

/// Why it started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// To run.
    Run(Reset),
    /// It was turned off: it is to stay so until its button is pressed.
    Off,
}

/// Why it started. To be called once, before anything else runs.
pub(crate) fn take() -> Begin {
    static KEPT: StaticCell<String<PLACE>> = StaticCell::new();
    let note = &raw mut NOTE;
    // SAFETY: nothing else runs yet that would know of it.
    let Note { mark, len, place } = unsafe { note.replace(Note { mark: 0, len: 0, place: [0; PLACE] }) };
    // Their names differ from chip to chip, their numbers don't.
    let reason = reset_reason().map_or(0, |reason| reason as u8);
    let by_software = matches!(reason, 0x03 | 0x0C);
    match mark {
        OFF if by_software => return Begin::Off,
        PANICKED if by_software => {
            let place = place.get(..len as usize).and_then(|place| core::str::from_utf8(place).ok());
            let kept = KEPT.init(String::try_from(place.unwrap_or("?")).unwrap_or_default());
            return Begin::Run(Reset::Panic(kept));
        }
        _ => {}
    }
    Begin::Run(match reason {
        0x0F => Reset::BrownOut,
        0x07..=0x09 | 0x0B | 0x0D | 0x10..=0x12 => Reset::Watchdog,
        _ if by_software => Reset::Software,
        _ => Reset::PowerOn,
    })
}

/// Turns it off: it starts anew, and does nothing then.
pub(crate) fn turn_off() -> ! {
    leave(OFF, "")
}

/// Keeps why it ends, and starts anew.
fn leave(mark: u32, place: &str) -> ! {
    let note = &raw mut NOTE;
    critical_section::with(|_| {
        let mut bytes = [0; PLACE];
        let len = place.len().min(PLACE);
        bytes[..len].copy_from_slice(&place.as_bytes()[..len]);
        #[expect(clippy::cast_possible_truncation, reason = "not more than PLACE")]
        let len = len as u32;
        // SAFETY: it is read at the start only, and nothing else runs in here.
        unsafe { note.write(Note { mark, len, place: bytes }) };
    });
    software_reset()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut place = String::<PLACE>::new();
    if let Some(location) = info.location() {
        let file = location.file().rsplit('/').next().unwrap_or_default();
        _ = write!(place, "{file}:{}", location.line());
    }
    leave(PANICKED, &place)
}
