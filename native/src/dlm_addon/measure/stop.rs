//! Ends a measurement early: every wait in it is known here and is woken.

use crate::dlm::CallbackQueue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Default)]
pub(super) struct Stop {
    set: AtomicBool,
    queues: Mutex<Vec<Arc<CallbackQueue>>>,
}

impl Stop {
    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.set.store(true, Ordering::Relaxed);
        for queue in self.queues().iter() {
            queue.close();
        }
    }

    /// A thread of the measurement: where it panics, the others must not wait for it.
    pub(super) fn set_by_panic<T>(&self, thread: impl FnOnce() -> T) -> T {
        struct SetInDrop<'a>(&'a Stop);
        impl Drop for SetInDrop<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.set();
                }
            }
        }
        let _guard = SetInDrop(self);
        thread()
    }

    /// A queue on which threads of the measurement wait; closed at once where it is too late already.
    pub(super) fn watch(&self, queue: &Arc<CallbackQueue>) {
        self.queues().push(Arc::clone(queue));
        if self.is_set() {
            queue.close();
        }
    }

    /// A series has ended, and its queues with it.
    pub(super) fn forget_queues(&self) {
        self.queues().clear();
    }

    fn queues(&self) -> std::sync::MutexGuard<'_, Vec<Arc<CallbackQueue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
