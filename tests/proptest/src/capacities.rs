//! Capacities so small that each of them overflows in most tests.

use comfyglow_core::capacity;

capacity! {
    /// The smallest that a session takes: ids of 24 bytes.
    pub struct SmallCapacity {
        id: 24, message: 32, nodes: 4, names: 64, durations: 4, history: 3, request: 512,
    }
}

capacity! {
    /// The smallest that a state makes sense of: most ids are cut.
    pub struct TinyCapacity {
        id: 8, message: 16, nodes: 4, names: 32, durations: 4, history: 2, request: 0,
    }
}
