//! What Ctrl-C means, and when it is time to leave.

use crate::cutover::live::flight::Flight;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const LOOK: Duration = Duration::from_millis(50);

/// How far the wish to stop goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Going,
    /// After the current object.
    Stop,
    /// As soon as no write is on its way.
    Leave,
}

pub(super) struct Wish {
    stage: watch::Sender<Stage>,
    asking: AtomicBool,
}

impl Default for Wish {
    fn default() -> Self {
        Wish { stage: watch::Sender::new(Stage::Going), asking: AtomicBool::new(false) }
    }
}

/// A question that waits for its answer.
pub(super) struct Asking<'w>(&'w Wish);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Release);
    }
}

impl Wish {
    /// Somebody is asked something: there is no current object to wait for.
    pub fn asking(&self) -> Asking<'_> {
        self.asking.store(true, Ordering::Release);
        Asking(self)
    }

    /// Ctrl-C was pressed; what to say to it.
    pub fn pressed(&self, flight: &Flight) -> &'static str {
        let stage = match *self.stage.borrow() {
            Stage::Going if !self.asking.load(Ordering::Acquire) => Stage::Stop,
            _ => Stage::Leave,
        };
        self.stage.send_replace(stage);
        match stage {
            Stage::Leave if flight.is_empty() => {
                "Leaving. State is safe: the journal holds every write. Go on with: groupshift cutover resume"
            }
            Stage::Leave => "A write is on its way; leaving as soon as it is answered. State is safe.",
            _ => "Stopping after the current object; state is safe. Press Ctrl-C again to leave at once.",
        }
    }

    pub fn is_stop(&self) -> bool {
        *self.stage.borrow() >= Stage::Stop
    }

    /// Until somebody wants to stop.
    pub async fn stopped(&self) {
        self.at_least(Stage::Stop).await;
    }

    /// Until somebody wants to leave, and may.
    pub async fn left(&self, flight: &Flight) {
        self.at_least(Stage::Leave).await;
        while !flight.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn at_least(&self, wanted: Stage) {
        // The sender is this object itself, so that the wait cannot end for want of one.
        let _ = self.stage.subscribe().wait_for(|stage| *stage >= wanted).await;
    }
}
