//! What the lock manager tells a node: completions (AST), blocking notices (BAST) and the steps of a recovery.

use super::{LockId, Lvb, Mode, StatusFlags};
use std::sync::Arc;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Granted,
    /// NOQUEUE, and it would have had to wait.
    Again,
    /// The conversion would have waited for itself; the lock keeps its mode.
    Deadlock,
    Cancelled,
    Unlocked,
}

impl Status {
    /// The value of `sb_status` in the kernel: 0, or negative.
    pub const fn code(self) -> i32 {
        match self {
            Status::Granted => 0,
            Status::Again => -libc::EAGAIN,
            Status::Deadlock => -libc::EDEADLK,
            Status::Cancelled => -0x10001,
            Status::Unlocked => -0x10002,
        }
    }
}

/// One callback. `tag` is what the lock's owner gave with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback<'a> {
    /// An operation completed.
    Ast {
        lock: LockId,
        tag: u64,
        status: Status,
        flags: StatusFlags,
        /// The mode now held; none after an unlock or a request that ended without a grant.
        mode: Option<Mode>,
        /// The resource's value block where this completion returns it.
        lvb: Option<&'a Lvb>,
    },
    /// A lock that is held stands in the way of a request in `mode`.
    Bast { lock: LockId, tag: u64, mode: Mode },
    /// Membership changes: locking has stopped in the whole lockspace.
    RecoverPrep,
    /// The node that had this slot (from 1) died. Not sent for one that left.
    RecoverSlot { slot: u32, node: u32 },
    /// Locking goes on. `slot` is the receiver's own; `generation` counts the changes of membership.
    RecoverDone { slot: u32, generation: u32 },
}

/// Whether a thread sleeps on what was just delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    Needed,
    NotNeeded,
}

/// Where callbacks go. Those of one lock come in the order in which they happened.
///
/// `deliver` runs with the resource locked: it must be short, must not block, panic or call the lock manager.
pub trait Sink: Send + Sync {
    /// Takes a callback. `Wake::Needed` asks for one call of `wake` once the resource is unlocked.
    fn deliver(&self, callback: &Callback<'_>) -> Wake;

    /// Wakes the sleeper. It may run after `gone`.
    fn wake(&self) {}

    /// The node left or died: nothing more comes, and whoever waits here must stop waiting.
    fn gone(&self) {}
}

/// A closure is a sink without sleepers.
impl<F: Fn(&Callback<'_>) + Send + Sync> Sink for F {
    #[inline]
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        self(callback);
        Wake::NotNeeded
    }
}

/// What has to wait until the resource is unlocked: wake-ups, and the ends of sinks, which may run foreign code.
///
/// Nearly always nothing or one thing, which needs no allocation.
#[derive(Default)]
pub(super) struct Afterwards {
    first: Option<Task>,
    more: Vec<Task>,
}

enum Task {
    Wake(Arc<dyn Sink>),
    /// The sink of a lock that is no more: kept to be dropped late.
    Release(Arc<dyn Sink>),
}

impl Afterwards {
    #[inline]
    pub(super) fn deliver(&mut self, sink: &Arc<dyn Sink>, callback: &Callback<'_>) {
        if sink.deliver(callback) == Wake::Needed {
            self.push(Task::Wake(Arc::clone(sink)));
        }
    }

    pub(super) fn release(&mut self, sink: Arc<dyn Sink>) {
        self.push(Task::Release(sink));
    }

    fn push(&mut self, task: Task) {
        if self.first.is_none() {
            self.first = Some(task);
        } else {
            self.more.push(task);
        }
    }

    /// To be called with no lock held.
    #[inline]
    pub(super) fn run(&self) {
        if self.first.is_some() {
            self.wake_all();
        }
    }

    /// Like `run`, for the locks of nodes that are gone: their sinks hear so.
    pub(super) fn run_gone(&self) {
        for task in self.first.iter().chain(&self.more) {
            if let Task::Release(sink) = task {
                sink.gone();
            }
        }
        self.run();
    }

    fn wake_all(&self) {
        for task in self.first.iter().chain(&self.more) {
            if let Task::Wake(sink) = task {
                sink.wake();
            }
        }
    }
}
