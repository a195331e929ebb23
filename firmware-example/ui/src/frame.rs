//! What is seen at a moment.

use embedded_graphics_core::primitives::Rectangle;

use crate::{area::Area, slot::Slot, tile::Tile, widget::Widget};

/// The widest display; what is wider is used as far as this.
pub(crate) const COLUMNS: u32 = if cfg!(feature = "large") { 240 } else { 128 };

/// The most widgets of a screen.
const SLOTS: usize = 14;

/// All that is seen; later ones lie over earlier ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) slots: [Slot; SLOTS],
    used: u8,
}

impl Frame {
    pub(crate) const fn new() -> Self {
        Self { slots: [Slot::EMPTY; SLOTS], used: 0 }
    }

    /// Takes all away.
    pub(crate) fn clear(&mut self) {
        for slot in self.slots.iter_mut().take(usize::from(self.used)) {
            (slot.area, slot.widget) = (Area::default(), Widget::Nothing);
        }
        self.used = 0;
    }

    /// Adds what lies over the others; no layout has more than there is room for.
    pub(crate) fn put(&mut self, slot: Slot) {
        let free = self.slots.get_mut(usize::from(self.used));
        debug_assert!(free.is_some(), "a layout has too many widgets");
        if let Some(free) = free {
            *free = slot;
            self.used += 1;
        }
    }

    /// What is seen of it in `area`, which is no larger than a tile.
    pub(crate) fn paint(&self, area: Area, tile: &mut Tile) {
        tile.clear(area);
        for slot in self.slots.iter().filter(|slot| slot.area.meets(area)) {
            slot.widget.paint(slot.area, tile);
        }
    }
}

/// What a call of [`Ui::show`](crate::Ui::show) sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How many pixels.
    pub pixels: u32,
    /// How many rectangles they were in.
    pub rectangles: u32,
    /// What is around all of them: what a target with a frame buffer has to flush. Of no size where nothing was sent.
    pub area: Rectangle,
    /// Whether all is shown now; else [`Options::pixels_at_once`](crate::Options::pixels_at_once) were sent, and another
    /// call goes on.
    pub finished: bool,
}
