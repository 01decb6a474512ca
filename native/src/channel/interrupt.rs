//! Ending waits from outside: for a whole channel (`stop`), or for one operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends the waits of the operation that it was given to, now and later. Cancelling takes `Channel::cancel`, which also
/// wakes whoever sleeps.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What can end a wait.
#[derive(Clone, Copy)]
pub(super) struct Interrupt<'a> {
    pub(super) stopped: &'a AtomicBool,
    pub(super) token: Option<&'a CancelToken>,
}

impl Interrupt<'_> {
    #[inline]
    pub(super) fn raised(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || self.token.is_some_and(CancelToken::is_cancelled)
    }
}
