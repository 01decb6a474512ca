//! The three queues of a resource, as lists threaded through its locks by index: no allocation to move a lock.

use super::resource::Lock;

/// No lock: the end of a list.
pub(super) const NONE: u32 = u32::MAX;

/// Which queue a lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The place in the table is unused.
    Free,
    /// A new request before its fate is known.
    Unqueued,
    Granted,
    Convert,
    Wait,
}

#[derive(Clone, Copy)]
pub(super) struct Queue {
    pub(super) head: u32,
    tail: u32,
}

impl Queue {
    pub(super) const EMPTY: Queue = Queue {
        head: NONE,
        tail: NONE,
    };

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    #[inline]
    pub(super) fn push_head(&mut self, locks: &mut [Lock], lock: u32) {
        self.insert_before(locks, self.head, lock);
    }

    #[inline]
    pub(super) fn push_tail(&mut self, locks: &mut [Lock], lock: u32) {
        self.insert_before(locks, NONE, lock);
    }

    /// Inserts before `next`; at the tail where that is `NONE`.
    #[inline]
    pub(super) fn insert_before(&mut self, locks: &mut [Lock], next: u32, lock: u32) {
        let previous = if next == NONE {
            std::mem::replace(&mut self.tail, lock)
        } else {
            std::mem::replace(&mut locks[next as usize].previous, lock)
        };
        if previous == NONE {
            self.head = lock;
        } else {
            locks[previous as usize].next = lock;
        }
        let entry = &mut locks[lock as usize];
        entry.next = next;
        entry.previous = previous;
    }

    #[inline]
    pub(super) fn remove(&mut self, locks: &mut [Lock], lock: u32) {
        let (previous, next) = {
            let entry = &locks[lock as usize];
            (entry.previous, entry.next)
        };
        if previous == NONE {
            self.head = next;
        } else {
            locks[previous as usize].next = next;
        }
        if next == NONE {
            self.tail = previous;
        } else {
            locks[next as usize].previous = previous;
        }
    }
}
