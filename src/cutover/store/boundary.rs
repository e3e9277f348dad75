//! The boundaries of the journal: just before a transaction, inside it, just after it. A rehearsal and the tests stop the
//! program there, as a crash would.

use crate::error::{Error, Result};
use std::cell::RefCell;
use std::rc::Rc;

/// Told a boundary's name; true stops the run there.
pub type FuseCall = Rc<dyn Fn(&str) -> bool>;

#[derive(Default)]
pub(super) struct Fuse {
    call: RefCell<Option<FuseCall>>,
}

/// The program is made to stop here.
#[derive(Debug, thiserror::Error)]
#[error("stopped on purpose at {0}")]
struct Crash(String);

/// Whether the error is a crash played by a fuse.
pub fn is_crash(error: &Error) -> bool {
    error.source.as_ref().is_some_and(|source| source.is::<Crash>())
}

/// The error that a played crash gives: a process that is thought dead answers nothing else.
pub(crate) fn crash(name: &str) -> Error {
    Error::failed(format!("the process ended at {name}")).source(Crash(name.to_owned()))
}

impl Fuse {
    pub fn set(&self, call: FuseCall) {
        *self.call.borrow_mut() = Some(call);
    }

    pub fn boundary(&self, name: &str, when: &str) -> Result<()> {
        #[cfg(debug_assertions)]
        abort::count();
        let call = self.call.borrow().clone();
        let Some(call) = call else { return Ok(()) };
        let name = format!("{name}.{when}");
        match call(&name) {
            true => Err(crash(&name)),
            false => Ok(()),
        }
    }
}

/// Ends the process at the n-th boundary, for tests that kill it there; no part of a release.
#[cfg(debug_assertions)]
mod abort {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static COUNT: AtomicU64 = AtomicU64::new(0);
    static AT: OnceLock<Option<u64>> = OnceLock::new();

    pub fn count() {
        let now = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
        let at = AT.get_or_init(|| std::env::var("GROUPSHIFT_TEST_ABORT_AT").ok()?.parse().ok());
        if *at == Some(now) {
            std::process::abort();
        }
    }
}
