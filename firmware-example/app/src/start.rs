//! What the board knows of its start.

/// What the board knows of its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Why it started.
    pub reset: Reset,
    /// It has a radio: there is no network before [`Gadget::stay_joined`](crate::Gadget::stay_joined) has joined one.
    pub has_radio: bool,
    /// A random number, another at each start: gadgets that lost the same network don't come back at once.
    pub seed: u64,
}

/// Why a board started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reset {
    /// It was given power, or somebody pressed its reset button.
    #[default]
    PowerOn,
    /// The program wanted it.
    Software,
    /// The program panicked, at this place.
    Panic(&'static str),
    /// The supply's voltage fell too low.
    BrownOut,
    /// The program hung, and the watchdog ended that.
    Watchdog,
}
