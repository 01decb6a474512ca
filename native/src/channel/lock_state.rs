//! What is known of a lock through its callbacks: the sink of one lock.

use super::error::Resource;
use super::signal::Signal;
use super::trace::{Trace, Traced};
use crate::dlm::{Callback, LVB_BYTES, Lvb, Mode, Sink, Status, StatusFlags, Wake};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The last completion of a lock, and how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) count: u32,
    pub(super) status: Status,
    pub(super) flags: StatusFlags,
}

const STATUSES: [Status; 5] = [
    Status::Granted,
    Status::Again,
    Status::Deadlock,
    Status::Cancelled,
    Status::Unlocked,
];

impl Completion {
    /// One word: count in the upper half, then flags, then status. So a waiter spins on one cache line and takes no lock.
    fn to_word(self) -> u64 {
        let status = STATUSES.iter().position(|status| *status == self.status);
        u64::from(self.count) << 32
            | u64::from(self.flags.0) << 8
            | status.unwrap_or_default() as u64
    }

    fn from_word(word: u64) -> Completion {
        Completion {
            count: (word >> 32) as u32,
            status: STATUSES[(word & 0xff) as usize % STATUSES.len()],
            flags: StatusFlags((word >> 8) as u8),
        }
    }
}

/// A blocking callback that the receiver has to answer.
#[derive(Default)]
pub(super) struct Notice {
    pub(super) signal: Signal,
    pending: AtomicBool,
}

impl Notice {
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    pub(super) fn take(&self) -> bool {
        self.pending.swap(false, Ordering::AcqRel)
    }

    /// True where somebody sleeps on it.
    pub(super) fn put(&self) -> bool {
        self.pending.store(true, Ordering::Release);
        self.signal.bump()
    }
}

pub(super) struct LockState {
    resource: Resource,
    completion: AtomicU64,
    gone: AtomicBool,
    pub(super) signal: Signal,
    lvb: Mutex<Lvb>,
    /// For `ack` alone.
    notice: Option<Arc<Notice>>,
    wake_waiter: AtomicBool,
    wake_receiver: AtomicBool,
    trace: Option<Arc<Trace>>,
}

impl LockState {
    pub(super) fn new(
        resource: Resource,
        notice: Option<Arc<Notice>>,
        trace: Option<Arc<Trace>>,
    ) -> LockState {
        LockState {
            resource,
            completion: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            signal: Signal::default(),
            lvb: Mutex::new([0; LVB_BYTES]),
            notice,
            wake_waiter: AtomicBool::new(false),
            wake_receiver: AtomicBool::new(false),
            trace,
        }
    }

    #[inline]
    pub(super) fn completion(&self) -> Completion {
        Completion::from_word(self.completion.load(Ordering::Acquire))
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(super) fn lvb(&self) -> Lvb {
        *self.lvb.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_lvb(&self, lvb: &Lvb) {
        *self.lvb.lock().unwrap_or_else(PoisonError::into_inner) = *lvb;
    }

    fn completed(&self, status: Status, flags: StatusFlags, lvb: Option<&Lvb>) -> Wake {
        if let Some(lvb) = lvb {
            self.set_lvb(lvb);
        }
        // Callbacks of one lock come one after another, so there is one writer.
        let count = self.completion().count.wrapping_add(1);
        let completion = Completion {
            count,
            status,
            flags,
        };
        self.completion
            .store(completion.to_word(), Ordering::Release);
        if self.signal.bump() {
            self.wake_waiter.store(true, Ordering::Release);
            return Wake::Needed;
        }
        Wake::NotNeeded
    }

    fn blocked(&self, mode: Mode) -> Wake {
        if let Some(trace) = &self.trace {
            let resource = self.resource;
            trace.push(Traced::Blocked { resource, mode });
        }
        // As ack_bast does: only EX announces a message.
        let Some(notice) = self.notice.as_ref().filter(|_| mode == Mode::Ex) else {
            return Wake::NotNeeded;
        };
        if notice.put() {
            self.wake_receiver.store(true, Ordering::Release);
            return Wake::Needed;
        }
        Wake::NotNeeded
    }
}

impl Sink for LockState {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        match *callback {
            Callback::Ast {
                status, flags, lvb, ..
            } => self.completed(status, flags, lvb),
            Callback::Bast { mode, .. } => self.blocked(mode),
            _ => Wake::NotNeeded,
        }
    }

    fn wake(&self) {
        if self.wake_waiter.swap(false, Ordering::AcqRel) {
            self.signal.wake();
        }
        if let Some(notice) = &self.notice
            && self.wake_receiver.swap(false, Ordering::AcqRel)
        {
            notice.signal.wake();
        }
    }

    fn gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.signal.notify();
        if let Some(notice) = &self.notice {
            notice.signal.notify();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_survives_its_word() {
        for status in STATUSES {
            for (count, flags) in [(0, 0), (1, 2), (u32::MAX, 255)] {
                let completion = Completion {
                    count,
                    status,
                    flags: StatusFlags(flags),
                };
                assert_eq!(Completion::from_word(completion.to_word()), completion);
            }
        }
    }
}
