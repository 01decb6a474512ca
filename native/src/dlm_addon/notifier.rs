//! Calls a JavaScript function on its own thread, from any thread, and stops doing so before that thread goes.

use napi::bindgen_prelude::{Env, JsValue};
use napi::sys;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A threadsafe function that calls its target without arguments. It does not keep the event loop alive unless asked to.
///
/// Node-API alone does not say when the function has gone with its environment; `close`, called by the environment's
/// clean-up hook, and the mutex do.
#[derive(Default)]
pub(super) struct Notifier {
    function: Mutex<Option<Handle>>,
}

struct Handle(sys::napi_threadsafe_function);

// Node-API allows calls of a threadsafe function from every thread, as long as it lives.
unsafe impl Send for Handle {}

impl Notifier {
    /// To be called once, on the thread of `env`.
    pub(super) fn open(&self, env: &Env, target: sys::napi_value) -> napi::Result<()> {
        let name = env.create_string("slotmark dlm")?;
        let mut handle = ptr::null_mut();
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                target,
                ptr::null_mut(),
                name.raw(),
                0,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                Some(call_target),
                &mut handle,
            )
        };
        if status != sys::Status::napi_ok {
            return Err(napi::Error::from_reason(format!(
                "napi_create_threadsafe_function: status {status}"
            )));
        }
        unsafe { sys::napi_unref_threadsafe_function(env.raw(), handle) };
        *self.lock() = Some(Handle(handle));
        Ok(())
    }

    /// Has the target called soon, once for any number of calls that come before it.
    pub(super) fn notify(&self) {
        if let Some(Handle(handle)) = &*self.lock() {
            const NONBLOCKING: i32 = sys::ThreadsafeFunctionCallMode::nonblocking;
            // It fails only where the environment is closing, and then nobody is left to be told.
            unsafe { sys::napi_call_threadsafe_function(*handle, ptr::null_mut(), NONBLOCKING) };
        }
    }

    /// Whether the event loop has to go on for this. On the thread of `env` alone.
    pub(super) fn keep_alive(&self, env: &Env, alive: bool) {
        if let Some(Handle(handle)) = &*self.lock() {
            unsafe {
                if alive {
                    sys::napi_ref_threadsafe_function(env.raw(), *handle);
                } else {
                    sys::napi_unref_threadsafe_function(env.raw(), *handle);
                }
            }
        }
    }

    /// No call is made after this. On the environment's own thread alone.
    pub(super) fn close(&self) {
        if let Some(Handle(handle)) = self.lock().take() {
            const ABORT: i32 = sys::ThreadsafeFunctionReleaseMode::abort;
            unsafe { sys::napi_release_threadsafe_function(handle, ABORT) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Handle>> {
        self.function.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs on the JavaScript thread. Errors of the target are its own affair: TypeScript lets none through.
unsafe extern "C" fn call_target(
    env: sys::napi_env,
    target: sys::napi_value,
    _context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || target.is_null() {
        return; // the environment is going
    }
    let mut this = ptr::null_mut();
    unsafe {
        sys::napi_get_undefined(env, &mut this);
        sys::napi_call_function(env, this, target, 0, ptr::null(), ptr::null_mut());
    }
}
