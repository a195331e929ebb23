//! What holds of the core whatever is said to it, as functions that panic where it doesn't.
//!
//! [`Laws::check`] makes up what is said and checks them all; the others check one law with what you bring, so that they
//! serve properties of your own: [`check_all`] and [`check_reducer`] the reducer's, [`check_pieces`] and
//! [`check_healing`] those of frames, decoder and reducer in a row.

mod heard;
mod reducer;
mod shown;

pub use heard::{check_healing, check_pieces};
pub use reducer::{Reducer, check_all, check_reducer};
pub use shown::{Shot, Shown};

use comfyglow_core::capacity::Capacity;
use proptest::{
    collection,
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};

use crate::{
    actions::actions,
    faults::fault_schedule,
    sessions::{any_session, legal_session},
};

/// A run of all laws.
#[derive(Clone, Debug)]
pub struct Laws {
    cases: u32,
}

impl Default for Laws {
    fn default() -> Self {
        Self::new()
    }
}

impl Laws {
    /// As many cases of each law as proptest has it: 256, or what the environment's `PROPTEST_CASES` says.
    pub fn new() -> Self {
        Self { cases: Config::default().cases }
    }

    /// So many cases of each law.
    #[must_use]
    pub fn cases(self, cases: u32) -> Self {
        Self { cases }
    }

    /// Checks all laws with these capacities, as [`comfyglow_core::limits`] explains them: bytes of an id, of an
    /// exception's message, nodes, bytes of names, nodes whose times are kept. An id must hold the longest type of a message, 21 bytes.
    ///
    /// # Panics
    ///
    /// Where a law is broken, with the smallest case found that breaks it.
    pub fn check<C: Capacity>(&self) {
        self.reducer::<C>();
        self.heard::<C>();
    }

    /// Checks the reducer's laws: [`check_all`].
    ///
    /// # Panics
    ///
    /// Where a law is broken, with the smallest case found that breaks it.
    pub fn reducer<C: Capacity>(&self) {
        self.run(actions(), |actions| check_all::<C>(&actions));
    }

    /// Checks the laws of what is heard: [`check_pieces`] and [`check_healing`].
    ///
    /// # Panics
    ///
    /// Where a law is broken, with the smallest case found that breaks it.
    pub fn heard<C: Capacity>(&self) {
        let sizes = collection::vec(1..300_usize, 1..8);
        self.run((any_session(), sizes), |(session, sizes)| {
            check_pieces::<C>(&session, &sizes);
        });
        self.run((legal_session(), fault_schedule()), |(session, faults)| {
            check_healing::<C>(&session, &faults);
        });
    }

    fn run<S: Strategy>(&self, strategy: S, law: impl Fn(S::Value)) {
        // Without a file of failed cases, which would stand beside this crate's sources: the panic shows the case.
        let config = Config { cases: self.cases, failure_persistence: None, ..Config::default() };
        let done = TestRunner::new(config).run(&strategy, |case| {
            law(case);
            Ok(())
        });
        if let Err(broken) = done {
            panic!("{broken}");
        }
    }
}
