//! How many writes are on their way: whoever wants to leave at once has to wait for these.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Flight(Arc<AtomicUsize>);

/// One write, until it is answered or given up.
#[derive(Debug)]
pub struct InFlight(Flight);

impl Flight {
    pub fn begin(&self) -> InFlight {
        self.0.fetch_add(1, Ordering::AcqRel);
        InFlight(self.clone())
    }
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
