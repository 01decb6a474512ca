//! A turn that one party has at a time and that any thread may give back: SEND_LOCK and recv_mutex of md-cluster.

use super::signal::{Signal, WaitMode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Turn {
    taken: AtomicBool,
    pub(super) signal: Signal,
}

/// Why a turn was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    TimedOut,
    Interrupted,
}

impl Turn {
    pub(super) fn take(
        &self,
        mode: WaitMode,
        timeout: Option<Duration>,
        interrupted: impl Fn() -> bool,
    ) -> Result<(), NoTurn> {
        let taken = self.signal.wait(mode, timeout, || {
            if !self.taken.swap(true, Ordering::AcqRel) {
                return Some(Ok(()));
            }
            interrupted().then_some(Err(NoTurn::Interrupted))
        });
        taken.unwrap_or(Err(NoTurn::TimedOut))
    }

    pub(super) fn give_back(&self) {
        self.taken.store(false, Ordering::Release);
        self.signal.notify();
    }
}
