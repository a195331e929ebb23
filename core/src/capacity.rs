//! How much a session keeps: [`Capacity`], and three ready-made capacities.
//!
//! | | [`GadgetCapacity`] | [`AppCapacity`] | [`DesktopCapacity`] |
//! |---|---|---|---|
//! | for | a microcontroller with tens of KB of RAM | a program with a thousand sessions | one session on a desktop |
//! | memory of a session with its wire | 8 KB | 40 KB | 120 KB |
//!
//! # Examples
//!
//! Your own capacity, for a device with little RAM:
//!
//! ```
//! use comfyglow_core::{capacity, session::{Config, Session}};
//!
//! capacity! {
//!     /// For a badge with 16 KB of RAM.
//!     struct Badge { id: 36, message: 80, nodes: 24, names: 256, durations: 8, history: 20, request: 384 }
//! }
//!
//! let session = Session::<Badge>::new(Config::new("desk:8188"), 0x5eed);
//! assert!(Session::<Badge>::MEMORY < 6_000);
//! # let _ = session;
//! ```

use core::fmt;

use heapless::{Deque, Vec, deque::DequeView, vec::VecView};

/// How much a session has room for. All of it is inside the session; nothing is allocated.
///
/// Make one with [`capacity!`](crate::capacity!). The types that hold a capacity derive their traits, which need its
/// supertraits.
pub trait Capacity: Clone + fmt::Debug + PartialEq + Eq + 'static {
    /// Bytes kept of an id or type, at least 24. A longer one is cut at a character boundary, but compared whole.
    type Id: Bytes;
    /// Bytes kept of an exception's message, at most 65,535. A longer one is cut and marked.
    type Message: Bytes;
    /// Nodes of a prompt whose progress is tracked, fewer than 65,535. Past them the counts are lower bounds, and
    /// marked.
    type Nodes: Length;
    /// Bytes for the distinct display ids and class names of a prompt's nodes, fewer than 65,535. Past them a node is
    /// shown by its own id and without its class.
    type Names: Bytes;
    /// Nodes whose durations are remembered from earlier runs, 12 bytes each. Past them a new one replaces the
    /// least valuable.
    type Durations: Length;
    /// Progress events that the history keeps, at least 1, 10 bytes each. Past them the oldest is dropped.
    type History: Length;
    /// Bytes of a request's head. A longer one is a [`Config`](crate::state::FaultKind::Config) fault.
    type Request: Bytes;
    /// Whether anything is requested over HTTP: graphs, missed outcomes, others' prompts, and the log. `false` leaves
    /// the code for that out of a program, whatever [`Config::http`](crate::session::Config::http) says; a session then
    /// knows what its socket reports.
    const HTTP: bool = true;
}

/// Defines a type that is a [`Capacity`]: bytes of an id, bytes of an exception's message, nodes, bytes of names,
/// durations, events of the history, bytes of a request's head.
///
/// 0 durations, 1 event, and `http: false` at the end leave the code for them out of a program.
#[macro_export]
macro_rules! capacity {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident {
        id: $id:literal,
        message: $message:literal,
        nodes: $nodes:literal,
        names: $names:literal,
        durations: $durations:literal,
        history: $history:literal,
        request: $request:literal
        $(, http: $http:literal)? $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $visibility struct $name;

        impl $crate::capacity::Capacity for $name {
            type Id = [u8; $id];
            type Message = [u8; $message];
            type Nodes = $crate::capacity::Max<$nodes>;
            type Names = [u8; $names];
            type Durations = $crate::capacity::Max<$durations>;
            type History = $crate::capacity::Max<$history>;
            type Request = [u8; $request];
            $(const HTTP: bool = $http;)?
        }
    };
}

capacity! {
    /// For a microcontroller with tens of KB of RAM.
    pub struct GadgetCapacity {
        id: 48, message: 256, nodes: 64, names: 640, durations: 24, history: 48, request: 512,
    }
}

impl GadgetCapacity {
    /// Notes that may wait for a subscriber. [`Queue`](crate::queue::Queue) says which are dropped past them.
    pub const NOTES: usize = 16;
}

capacity! {
    /// For a program with many sessions at once, such as one for each of a thousand servers.
    pub struct AppCapacity {
        id: 128, message: 2_048, nodes: 512, names: 8_192, durations: 256, history: 100, request: 4_096,
    }
}

impl AppCapacity {
    /// Notes that may wait for a subscriber. [`Queue`](crate::queue::Queue) says which are dropped past them.
    pub const NOTES: usize = 64;
}

capacity! {
    /// For a desktop or a browser: the capacities of SNAPSHOT.md.
    pub struct DesktopCapacity {
        id: 256, message: 4_096, nodes: 2_048, names: 32_768, durations: 1_024, history: 100, request: 8_192,
    }
}

impl DesktopCapacity {
    /// Notes that may wait for a subscriber. [`Queue`](crate::queue::Queue) says which are dropped past them.
    pub const NOTES: usize = 256;
}

const _: () = {
    assert!(<GadgetCapacity as Capacity>::Id::LEN >= 36, "a UUID must fit");
    assert!(<DesktopCapacity as Capacity>::Message::LEN <= u16::MAX as usize, "a text's length has 16 bits");
};

/// A byte array: `[u8; N]`.
pub trait Bytes: AsRef<[u8]> + AsMut<[u8]> + Clone + fmt::Debug + PartialEq + Eq + sealed::Sealed + 'static {
    /// Its length in bytes.
    const LEN: usize;
    /// All zeros.
    const ZERO: Self;
}

impl<const N: usize> Bytes for [u8; N] {
    const LEN: usize = N;
    const ZERO: Self = [0; N];
}

/// A maximum length: [`Max`].
pub trait Length: Clone + fmt::Debug + PartialEq + Eq + sealed::Sealed + 'static {
    /// The most items.
    const MAX: usize;
    /// A list of at most [`MAX`](Self::MAX) items.
    type List<T: Item>: List<T>;
    /// A ring of at most [`MAX`](Self::MAX) items.
    type Ring<T: Item>: Ring<T>;
}

/// At most `N` items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Max<const N: usize>;

impl<const N: usize> Length for Max<N> {
    const MAX: usize = N;
    type List<T: Item> = Vec<T, N>;
    type Ring<T: Item> = Deque<T, N>;
}

/// An item of a list or ring.
pub trait Item: Clone + fmt::Debug + PartialEq + Eq + 'static {}

impl<T: Clone + fmt::Debug + PartialEq + Eq + 'static> Item for T {}

/// A list of bounded length: `heapless::Vec<T, N>`.
pub trait List<T>: Clone + fmt::Debug + PartialEq + Eq + sealed::Sealed + 'static {
    /// An empty one. Not a constant, which would be copied through the stack.
    fn empty() -> Self;
    /// Its items.
    fn items(&self) -> &VecView<T>;
    /// Its items, mutable.
    fn items_mut(&mut self) -> &mut VecView<T>;
}

impl<T: Item, const N: usize> List<T> for Vec<T, N> {
    #[expect(clippy::inline_always, reason = "built in place, not on the stack first")]
    #[inline(always)]
    fn empty() -> Self {
        Self::new()
    }

    #[inline]
    fn items(&self) -> &VecView<T> {
        self
    }

    #[inline]
    fn items_mut(&mut self) -> &mut VecView<T> {
        self
    }
}

/// A ring of bounded length: `heapless::Deque<T, N>`.
pub trait Ring<T>: fmt::Debug + sealed::Sealed + 'static {
    /// An empty one. Not a constant, which would be copied through the stack.
    fn empty() -> Self;
    /// Its items, the oldest first.
    fn items(&self) -> &DequeView<T>;
    /// Its items, mutable.
    fn items_mut(&mut self) -> &mut DequeView<T>;
}

impl<T: Item, const N: usize> Ring<T> for Deque<T, N> {
    #[expect(clippy::inline_always, reason = "built in place, not on the stack first")]
    #[inline(always)]
    fn empty() -> Self {
        Self::new()
    }

    #[inline]
    fn items(&self) -> &DequeView<T> {
        self
    }

    #[inline]
    fn items_mut(&mut self) -> &mut DequeView<T> {
        self
    }
}

mod sealed {
    /// Other types can't implement these traits: code relies on what these ones do.
    pub trait Sealed {}
    impl<const N: usize> Sealed for [u8; N] {}
    impl<const N: usize> Sealed for super::Max<N> {}
    impl<T, const N: usize> Sealed for heapless::Vec<T, N> {}
    impl<T, const N: usize> Sealed for heapless::Deque<T, N> {}
}
