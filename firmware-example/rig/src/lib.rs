//! What stands in for a board in tests.

pub mod nor;
