//! What the table of `cargo bench` is made of: the messages, the parsers, and the measuring.
//!
//! All parsers read the same messages to the same [`Summary`], which [`check`](parsers::check) holds them to before
//! anything is measured.
pub mod corpus;
pub mod measure;
pub mod parsers;
pub mod stacks;
pub mod summary;

pub use corpus::Corpus;
pub use summary::Summary;
