//! The client library panics on some malformed answers. Such a panic is caught here and becomes a fault; its text
//! does not reach the terminal, since it says nothing to an administrator.

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Once;

/// What a panic left behind.
pub(super) struct Panicked;

thread_local! {
    /// Whether this thread is inside a future whose panics are expected.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a future to its end, or to its panic.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    silence_expected();
    let mut future = pin!(future);
    poll_fn(move |context| {
        let before = EXPECTED.replace(true);
        // Nothing of the future is looked at after a panic: it is dropped with the connection it served.
        let polled = panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        EXPECTED.set(before);
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(payload) => {
                forget(payload);
                std::task::Poll::Ready(Err(Panicked))
            }
        }
    })
    .await
}

/// A payload's own destructor might panic in its turn; a text's does not.
fn forget(payload: Box<dyn Any + Send>) {
    if payload.is::<String>() || payload.is::<&'static str>() {
        drop(payload);
    } else {
        std::mem::forget(payload);
    }
}

/// Every other panic of the program goes on to the hook that was there.
fn silence_expected() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                others(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_value_and_the_thread_goes_on() {
        assert!(caught(async { panic!("malformed") }).await.is_err());
        assert!(!EXPECTED.get(), "later panics are shown again");
        let slow = async {
            tokio::task::yield_now().await;
            assert!(EXPECTED.get());
            7
        };
        assert!(matches!(caught(slow).await, Ok(7)));
        assert!(!EXPECTED.get());
    }
}
