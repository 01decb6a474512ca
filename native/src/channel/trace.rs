//! What a channel did with its locks, in order: to be held against the kernel's trace points.

use super::error::Resource;
use crate::dlm::{Flags, Mode};
use std::sync::{Mutex, PoisonError};

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced {
    /// An operation from its call to its completion, both in nanoseconds of CLOCK_MONOTONIC.
    Call {
        resource: Resource,
        mode: Mode,
        flags: Flags,
        /// `sb_status` of the completion; the negative errno where it was refused; none where nobody waited for it to end.
        status: Option<i32>,
        start_ns: u64,
        end_ns: u64,
    },
    /// A blocking callback.
    Blocked { resource: Resource, mode: Mode },
}

/// Kept in memory until taken: for tests and for tracing single operations, not for a measurement.
#[derive(Default)]
pub struct Trace(Mutex<Vec<Traced>>);

impl Trace {
    pub(super) fn push(&self, entry: Traced) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    /// All entries since the last time.
    pub fn take(&self) -> Vec<Traced> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
