//! Rectangles on a display.

/// A rectangle on the display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) w: i16,
    pub(crate) h: i16,
}

impl Area {
    pub(crate) const fn new(x: i16, y: i16, w: i16, h: i16) -> Self {
        Self { x, y, w, h }
    }

    /// The rectangle between two corners, the second of them outside.
    pub(crate) fn between(left: i32, top: i32, right: i32, bottom: i32) -> Self {
        let short =
            |value: i32| i16::try_from(value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))).unwrap_or_default();
        Self::new(short(left), short(top), short((right - left).max(0)), short((bottom - top).max(0)))
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.w <= 0 || self.h <= 0
    }

    pub(crate) fn left(self) -> i32 {
        i32::from(self.x)
    }

    pub(crate) fn top(self) -> i32 {
        i32::from(self.y)
    }

    pub(crate) fn right(self) -> i32 {
        i32::from(self.x) + i32::from(self.w)
    }

    pub(crate) fn bottom(self) -> i32 {
        i32::from(self.y) + i32::from(self.h)
    }

    /// Whether something is in both.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.left() < other.right()
            && other.left() < self.right()
            && self.top() < other.bottom()
            && other.top() < self.bottom()
            && !self.is_empty()
            && !other.is_empty()
    }

    /// What is in both.
    pub(crate) fn common(self, other: Self) -> Self {
        Self::between(
            self.left().max(other.left()),
            self.top().max(other.top()),
            self.right().min(other.right()),
            self.bottom().min(other.bottom()),
        )
    }

    /// What is around both.
    pub(crate) fn around(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self::between(
            self.left().min(other.left()),
            self.top().min(other.top()),
            self.right().max(other.right()),
            self.bottom().max(other.bottom()),
        )
    }
}
