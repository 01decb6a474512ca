//! Work under way on a thread of its own: a callback when it is over, and an end when its environment ends.

use super::exit_hook::{ExitHook, Leaves};
use super::notifier::Notifier;
use super::stop::Stop;
use napi::bindgen_prelude::Env;
use napi::sys;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Run<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    exit_hook: ExitHook<Shared<T>>,
}

struct Shared<T> {
    stop: Stop,
    notifier: Notifier,
    /// Set when the run is over; none in it where it panicked.
    outcome: Mutex<Option<Option<T>>>,
}

impl<T> Shared<T> {
    fn outcome(&self) -> MutexGuard<'_, Option<Option<T>>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Leaves for Shared<T> {
    fn environment_gone(&self) {
        self.notifier.close();
        self.stop.set();
    }
}

impl<T: Send + 'static> Run<T> {
    /// The event loop goes on until the result was taken.
    pub(super) fn start(
        env: &Env,
        notify: sys::napi_value,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> napi::Result<Run<T>> {
        let shared = Arc::new(Shared {
            stop: Stop::default(),
            notifier: Notifier::default(),
            outcome: Mutex::new(None),
        });
        shared.notifier.open(env, notify)?;
        shared.notifier.keep_alive(env, true);
        let exit_hook = ExitHook::register(env, Arc::clone(&shared))?;
        let thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&thread.stop)));
            *thread.outcome() = Some(outcome.ok());
            thread.notifier.notify();
        });
        Ok(Run { shared, exit_hook })
    }

    pub(super) fn stop(&self) {
        self.shared.stop.set();
    }

    /// The result, once; none before it is over.
    pub(super) fn take(&self, env: &Env) -> napi::Result<Option<T>> {
        let Some(outcome) = self.shared.outcome().take() else {
            return Ok(None);
        };
        self.exit_hook.remove(env);
        self.shared.notifier.close();
        outcome
            .map(Some)
            .ok_or_else(|| napi::Error::from_reason("a native thread panicked"))
    }

    /// Nobody wants the result any more.
    pub(super) fn abandon(&self, env: &Env) {
        self.exit_hook.remove(env);
        self.shared.environment_gone();
    }
}
