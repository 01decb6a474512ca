//! Ends work on native threads early: every wait in it is known here and is woken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Stop {
    set: AtomicBool,
    /// Each ends the waits on one thing that threads of the measurement wait on.
    ends: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl Stop {
    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.set.store(true, Ordering::Relaxed);
        for end in self.ends().iter() {
            end();
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

    /// What to do to end a wait; done at once where it is too late already.
    pub(super) fn watch(&self, end: impl Fn() + Send + 'static) {
        let mut ends = self.ends();
        if self.is_set() {
            end();
        }
        ends.push(Box::new(end));
    }

    /// A series has ended, and its waits with it.
    pub(super) fn forget_waits(&self) {
        self.ends().clear();
    }

    fn ends(&self) -> MutexGuard<'_, Vec<Box<dyn Fn() + Send>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
