//! The buttons: one that dismisses, and held down turns the gadget off; one for the next page.

use comfyglow_core::{session::Host, wire::Input};
use embassy_time::Timer;
use embedded_hal::digital::InputPin;

use crate::{gadget::Gadget, log::info};

/// Milliseconds between two looks: a button that bounces has settled by the next.
const LOOK: u64 = 20;

/// Looks that a button is held down for to turn the gadget off: a second and a half.
const HELD: u8 = 75;

/// What a button did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Press {
    Short,
    Held,
}

/// A button. One that is down from the start counts once it was up.
#[derive(Default)]
struct Button {
    was_up: bool,
    looks: u8,
}

impl Button {
    /// Looks at it: a short press is known when it ends, one that is held while it lasts.
    fn look(&mut self, down: bool) -> Option<Press> {
        if !self.was_up {
            self.was_up = !down;
            return None;
        }
        let looks = self.looks;
        self.looks = if down { looks.saturating_add(1) } else { 0 };
        match (down, looks) {
            (false, 1..HELD) => Some(Press::Short),
            (true, before) if before < HELD && self.looks == HELD => Some(Press::Held),
            _ => None,
        }
    }
}

impl Gadget {
    /// Watches the buttons, which are low while they are down. To be run as a task.
    pub async fn watch_buttons(&self, mut dismiss: impl InputPin, mut page: impl InputPin) -> ! {
        let (mut first, mut second) = (Button::default(), Button::default());
        loop {
            match first.look(dismiss.is_low().unwrap_or(false)) {
                Some(Press::Short) => self.dismiss(),
                Some(Press::Held) => self.turn_off(),
                None => {}
            }
            if second.look(page.is_low().unwrap_or(false)).is_some() {
                self.choices.borrow_mut().next_page();
                self.repaint.signal(());
            }
            Timer::after_millis(LOOK).await;
        }
    }

    fn dismiss(&self) {
        info!("button: dismiss");
        self.has_read.set(true);
        self.choices.borrow_mut().dismiss();
        self.repaint.signal(());
        let waits = self.session.borrow().state().connection().waiting.is_some();
        if waits {
            self.tell(Input::Host(Host::Reconnect));
        }
    }

    /// Leaves the server in good order, keeps what is to be kept, and then is [off](Self::off).
    pub fn turn_off(&self) {
        info!("button: off");
        self.tell(Input::Host(Host::Leave));
        self.leaving.signal(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_are_told_apart() {
        let mut button = Button::default();
        let mut look = |down, times| (0..times).filter_map(|_| button.look(down)).last();
        assert_eq!(look(true, 1_000), None, "it was down from the start");
        assert_eq!(look(false, 1), None);
        assert_eq!(look(true, 1), None);
        assert_eq!(look(false, 5), Some(Press::Short));
        assert_eq!(look(true, 74), None);
        assert_eq!(look(true, 1), Some(Press::Held));
        assert_eq!(look(true, 1_000), None);
        assert_eq!(look(false, 5), None, "it was held");
        assert_eq!(look(true, 2), None);
        assert_eq!(look(false, 1), Some(Press::Short));
    }
}
