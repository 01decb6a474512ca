//! What this side must remember of each lock: the kernel's callbacks name an operation's outcome, not what it was.

use super::completion::{Completion, Kind};
use super::delivery::{Delivery, What};
use super::value_block::{KernelLvb, Packing};
use crate::dlm::{Flags, LockId, Mode, Sink, Status, StatusFlags, Transfer};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All locks of one node, by the number that the device carries for us.
#[derive(Default)]
pub struct LockTable {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    locks: HashMap<u64, Entry>,
    last_number: u64,
}

struct Entry {
    /// 0 until the kernel has told it.
    kernel_id: u32,
    packing: Packing,
    sink: Arc<dyn Sink>,
    tag: u64,
    granted: Option<Mode>,
    /// Accepted and not completed, in the order of their completions.
    under_way: VecDeque<Operation>,
    last_flags: Flags,
    /// The kernel's copy of the caller's block, which an unlock has to hand in again.
    value_block: KernelLvb,
}

/// An operation as the table keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    number: u64,
    /// None for an unlock.
    mode: Option<Mode>,
    flags: Flags,
}

/// What a convert or an unlock needs of its lock.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub kernel_id: u32,
    pub packing: Packing,
    pub last_flags: Flags,
    pub value_block: KernelLvb,
}

impl LockTable {
    /// Room for a new lock, before the kernel is asked: its completion may come before the call returns.
    pub fn add(&self, packing: Packing, sink: Arc<dyn Sink>, tag: u64) -> u64 {
        let mut inner = self.lock();
        inner.last_number += 1;
        let number = inner.last_number;
        let entry = Entry {
            kernel_id: 0,
            packing,
            sink,
            tag,
            granted: None,
            under_way: VecDeque::new(),
            last_flags: Flags::NONE,
            value_block: [0; 32],
        };
        inner.locks.insert(number, entry);
        number
    }

    /// The kernel refused the request.
    pub fn forget(&self, lock: u64) {
        self.lock().locks.remove(&lock);
    }

    pub fn known(&self, lock: u64) -> Option<Known> {
        let inner = self.lock();
        let entry = inner
            .locks
            .get(&lock)
            .filter(|entry| entry.kernel_id != 0)?;
        Some(Known {
            kernel_id: entry.kernel_id,
            packing: entry.packing,
            last_flags: entry.last_flags,
            value_block: entry.value_block,
        })
    }

    /// Notes an operation before the kernel is asked.
    pub fn begin(
        &self,
        lock: u64,
        mode: Option<Mode>,
        flags: Flags,
        value: Option<KernelLvb>,
    ) -> Option<Operation> {
        let mut inner = self.lock();
        inner.last_number += 1;
        let operation = Operation {
            number: inner.last_number,
            mode,
            flags,
        };
        let entry = inner.locks.get_mut(&lock)?;
        entry.under_way.push_back(operation);
        if let Some(value) = value {
            entry.value_block = value;
        }
        Some(operation)
    }

    /// The kernel took the operation; this is its id of the lock.
    pub fn accepted(&self, lock: u64, operation: Operation, kernel_id: u32) {
        // A lock that has completed and gone meanwhile is no matter.
        if let Some(entry) = self.lock().locks.get_mut(&lock) {
            entry.kernel_id = kernel_id;
            entry.last_flags = operation.flags;
        }
    }

    /// The kernel refused it: no completion comes.
    pub fn refused(&self, lock: u64, operation: Operation) {
        if let Some(entry) = self.lock().locks.get_mut(&lock) {
            entry
                .under_way
                .retain(|other| other.number != operation.number);
        }
    }

    /// What a callback of the kernel means. None where it belongs to no lock that is left.
    pub fn complete(&self, completion: &Completion) -> Option<Delivery> {
        let mut inner = self.lock();
        let entry = inner.locks.get_mut(&completion.key)?;
        entry.kernel_id = completion.lock_id;
        let (what, ended) = match completion.kind {
            Kind::Blocking { mode } => (What::Bast { mode }, false),
            Kind::Completion { status, flags } => {
                entry.complete(status, flags, completion.value_block)
            }
        };
        let delivery = Delivery {
            sink: Arc::clone(&entry.sink),
            lock: LockId::from_bits(completion.key),
            tag: entry.tag,
            what,
        };
        if ended {
            inner.locks.remove(&completion.key);
        }
        Some(delivery)
    }

    /// Nothing more comes: the sinks of all locks, for them to hear so.
    pub fn clear(&self) -> Vec<Arc<dyn Sink>> {
        self.lock()
            .locks
            .drain()
            .map(|(_, entry)| entry.sink)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The second value tells whether the lock is gone.
    fn complete(
        &mut self,
        status: i32,
        flags: StatusFlags,
        value: Option<KernelLvb>,
    ) -> (What, bool) {
        let operation = self.under_way.pop_front();
        let ast = |status, mode, lvb| What::Ast {
            status,
            flags,
            mode,
            lvb,
        };
        if flags.has(StatusFlags::DEMOTED) {
            self.granted = self.granted.map(|_| Mode::Nl);
        }
        let before = self.granted;
        let without_grant = |status| (ast(status, before, None), before.is_none());
        match status {
            0 => {
                let mode = operation
                    .and_then(|operation| operation.granted_mode(flags))
                    .or(before);
                self.granted = mode;
                let moved = operation.is_some_and(|operation| operation.flags.has(Flags::VALBLK))
                    && mode.is_some_and(|mode| Transfer::of(before, mode) == Transfer::Return);
                // The kernel also sends blocks that it did not write to, where the mode went down.
                let returned = value.filter(|_| moved);
                if let Some(value) = returned {
                    self.value_block = value;
                }
                (
                    ast(
                        Status::Granted,
                        mode,
                        returned.map(|value| self.packing.unpack(&value)),
                    ),
                    false,
                )
            }
            EDEADLK => without_grant(Status::Deadlock),
            EUNLOCK => (ast(Status::Unlocked, None, None), true),
            ECANCEL => without_grant(Status::Cancelled),
            // EAGAIN; fs/dlm has no other.
            _ => without_grant(Status::Again),
        }
    }
}

const EDEADLK: i32 = Status::Deadlock.code();
const ECANCEL: i32 = Status::Cancelled.code();
const EUNLOCK: i32 = Status::Unlocked.code();

impl Operation {
    fn granted_mode(&self, flags: StatusFlags) -> Option<Mode> {
        match self.mode {
            Some(_) if flags.has(StatusFlags::ALTMODE) && self.flags.has(Flags::ALTPR) => {
                Some(Mode::Pr)
            }
            Some(_) if flags.has(StatusFlags::ALTMODE) => Some(Mode::Cw),
            mode => mode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlm::{CallbackQueue, Event};

    const VALUE: KernelLvb = [7; 32];

    struct Lock {
        table: LockTable,
        number: u64,
        queue: Arc<CallbackQueue>,
    }

    impl Lock {
        fn new() -> Lock {
            let table = LockTable::default();
            let queue = CallbackQueue::new();
            let number = table.add(Packing::Head, queue.clone(), 3);
            Lock {
                table,
                number,
                queue,
            }
        }

        fn begin(&self, mode: Option<Mode>, flags: Flags) {
            let operation = self
                .table
                .begin(self.number, mode, flags, None)
                .expect("there");
            self.table.accepted(self.number, operation, 9);
        }

        /// What the sink hears of a completion: status, mode, whether a value block came.
        fn ends(&self, status: i32, flags: u8) -> (Status, Option<Mode>, bool) {
            let completion = Completion {
                key: self.number,
                lock_id: 9,
                kind: Kind::Completion {
                    status,
                    flags: StatusFlags(flags),
                },
                value_block: Some(VALUE),
            };
            let delivery = self.table.complete(&completion).expect("the lock is there");
            delivery.sink.deliver(&delivery.callback());
            match self.queue.poll() {
                Some(Event::Ast {
                    tag: 3,
                    status,
                    mode,
                    lvb,
                    ..
                }) => (status, mode, lvb.is_some()),
                other => panic!("{other:?}"),
            }
        }

        fn is_there(&self) -> bool {
            self.table.known(self.number).is_some()
        }
    }

    #[test]
    fn the_granted_mode_follows_from_what_was_asked() {
        let lock = Lock::new();
        lock.begin(Some(Mode::Nl), Flags::NONE);
        assert_eq!(lock.ends(0, 0), (Status::Granted, Some(Mode::Nl), false));
        lock.begin(Some(Mode::Ex), Flags::VALBLK);
        assert_eq!(
            lock.ends(0, 0),
            (Status::Granted, Some(Mode::Ex), true),
            "returned on the way up"
        );
        lock.begin(Some(Mode::Cw), Flags::VALBLK);
        assert_eq!(
            lock.ends(0, 0),
            (Status::Granted, Some(Mode::Cw), false),
            "written on the way down"
        );
        lock.begin(Some(Mode::Ex), Flags::NOQUEUE);
        assert_eq!(
            lock.ends(-libc::EAGAIN, 0),
            (Status::Again, Some(Mode::Cw), false)
        );
        lock.begin(Some(Mode::Ex), Flags::NONE);
        assert_eq!(
            lock.ends(-libc::EDEADLK, 0),
            (Status::Deadlock, Some(Mode::Cw), false)
        );
        lock.begin(Some(Mode::Ex), Flags::ALTPR);
        assert_eq!(lock.ends(0, 4), (Status::Granted, Some(Mode::Pr), false));
        lock.begin(Some(Mode::Ex), Flags::CONVDEADLK);
        assert_eq!(
            lock.ends(-0x10001, 1),
            (Status::Cancelled, Some(Mode::Nl), false),
            "demoted, then cancelled"
        );
        lock.begin(None, Flags::NONE);
        assert!(lock.is_there());
        assert_eq!(lock.ends(-0x10002, 0), (Status::Unlocked, None, false));
        assert!(!lock.is_there());
    }

    #[test]
    fn a_request_that_is_not_granted_leaves_no_lock() {
        for status in [-libc::EAGAIN, -0x10001] {
            let lock = Lock::new();
            lock.begin(Some(Mode::Ex), Flags::NOQUEUE);
            assert_eq!(lock.ends(status, 0).1, None);
            assert!(!lock.is_there());
        }
    }

    #[test]
    fn a_refused_operation_is_not_waited_for() {
        let lock = Lock::new();
        lock.begin(Some(Mode::Cr), Flags::NONE);
        let refused = lock
            .table
            .begin(lock.number, Some(Mode::Ex), Flags::NONE, None)
            .expect("there");
        lock.table.refused(lock.number, refused);
        assert_eq!(lock.ends(0, 0), (Status::Granted, Some(Mode::Cr), false));
    }
}
