//! What happens when an environment (the main thread's or a worker's) goes: on exit, on `terminate()`, after a crash.

use napi::bindgen_prelude::Env;
use napi::sys;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that must not outlive the environment it was made in.
pub(super) trait Leaves: Send + Sync + 'static {
    /// Runs on the environment's thread while it is torn down: no JavaScript any more.
    fn environment_gone(&self);
}

/// A registered clean-up hook. Node runs the newest first.
pub(super) struct ExitHook<T: Leaves>(Arc<Registration<T>>);

struct Registration<T> {
    target: Arc<T>,
    /// It has run, or was removed.
    over: AtomicBool,
}

impl<T: Leaves> ExitHook<T> {
    pub(super) fn register(env: &Env, target: Arc<T>) -> napi::Result<ExitHook<T>> {
        let registration = Arc::new(Registration {
            target,
            over: AtomicBool::new(false),
        });
        let data = Arc::into_raw(Arc::clone(&registration));
        let status = unsafe {
            sys::napi_add_env_cleanup_hook(env.raw(), Some(run::<T>), data.cast_mut().cast())
        };
        if status != sys::Status::napi_ok {
            drop(unsafe { Arc::from_raw(data) });
            return Err(napi::Error::from_reason(format!(
                "napi_add_env_cleanup_hook: status {status}"
            )));
        }
        Ok(ExitHook(registration))
    }

    /// The hook will not run any more. On the environment's own thread alone.
    pub(super) fn remove(&self, env: &Env) {
        if self.0.over.swap(true, Ordering::Relaxed) {
            return;
        }
        let data = Arc::as_ptr(&self.0);
        unsafe {
            sys::napi_remove_env_cleanup_hook(env.raw(), Some(run::<T>), data.cast_mut().cast());
            drop(Arc::from_raw(data));
        }
    }
}

unsafe extern "C" fn run<T: Leaves>(data: *mut c_void) {
    let registration = unsafe { Arc::from_raw(data.cast::<Registration<T>>().cast_const()) };
    registration.over.store(true, Ordering::Relaxed);
    // A panic must not cross into Node; there is nobody to tell.
    let _ = catch_unwind(AssertUnwindSafe(|| registration.target.environment_gone()));
}
