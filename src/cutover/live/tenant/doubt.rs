//! What became of a write that was not answered well.

use super::LiveTenant;
use crate::collect::live::entra::wire::Trouble;
use crate::cutover::port::{Refusal, WriteFault, Written};
use crate::error::{Error, Place, Result};
use crate::graph::{Body, Fault, FaultKind};
use std::time::Duration;

/// How often something is looked for whose answer was lost, and how long after a look the next one comes.
const LOOKS: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(1_500);
/// How often what may be sent again is sent.
const SENDS: u32 = 4;

/// When a write may be sent once more though its answer was lost, and a look did not find its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It does no harm twice.
    Always,
    /// Only where the service itself said that it is not available: what is lost on the way may have had its effect, and
    /// somebody may have taken that back.
    Unavailable,
    Never,
}

/// What a fault means for a write to this object.
pub(super) fn refused(fault: Fault, object: &str) -> WriteFault {
    let refusal = match fault.kind {
        _ if fault.doubt => Refusal::Doubt,
        FaultKind::Forbidden | FaultKind::Unauthorized | FaultKind::Licence => Refusal::Right,
        FaultKind::NotFound => Refusal::Missing,
        FaultKind::Conflict => Refusal::Guard,
        FaultKind::Throttled => Refusal::Busy,
        _ => Refusal::Other,
    };
    WriteFault::new(refusal, Error::from(fault).at(Place::default().object(object)))
}

/// What could not be read before a write: nothing was written.
pub(super) fn unread(trouble: Trouble) -> WriteFault {
    let refusal = match &trouble {
        Trouble::Denied(_) | Trouble::Unlicensed(_) => Refusal::Right,
        Trouble::Missing(_) => Refusal::Missing,
        _ => Refusal::Other,
    };
    WriteFault::new(refusal, trouble.into_error())
}

/// Refused here, before anything was sent.
pub(super) fn held(refusal: Refusal, object: &str, message: impl Into<String>, hint: &str) -> WriteFault {
    let error = Error::failed(message).at(Place::default().object(object));
    WriteFault::new(refusal, if hint.is_empty() { error } else { error.hint(hint) })
}

impl LiveTenant {
    /// Sends a write and sees to what became of it where its answer was lost: `there` tells whether it is in effect.
    pub(super) async fn sent(
        &self,
        object: &str,
        again: Again,
        send: impl AsyncFn() -> Result<Body, Fault>,
        there: impl AsyncFn() -> Result<bool>,
    ) -> Written {
        let mut sends = 1;
        loop {
            let fault = match send().await {
                Ok(_) => return Ok(()),
                Err(fault) if fault.doubt => fault,
                Err(fault) => return Err(refused(fault, object)),
            };
            if self.appears(&there).await == Some(true) {
                return Ok(());
            }
            let may = match again {
                Again::Always => true,
                Again::Unavailable => fault.status == Some(503),
                Again::Never => false,
            };
            if !may || sends >= SENDS {
                return Err(refused(fault, object));
            }
            sends += 1;
        }
    }

    /// Looks for something for a while; `None` where the looking itself failed.
    pub(super) async fn appears(&self, there: &impl AsyncFn() -> Result<bool>) -> Option<bool> {
        let mut seen = None;
        for look in 0..LOOKS {
            match there().await {
                Ok(true) => return Some(true),
                Ok(false) => seen = Some(false),
                Err(_) => {}
            }
            if look + 1 < LOOKS {
                self.wire.pause(BETWEEN).await;
            }
        }
        seen
    }
}
