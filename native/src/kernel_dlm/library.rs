//! libdlm, opened at run time: the few functions of it that are used, by their C signatures (libdlm.h).

use super::KernelDlmError;
use libloading::os::unix::{Library as Loaded, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// `dlm_lshandle_t`.
pub type Handle = *mut c_void;

/// `struct dlm_lksb`. The library reads the lock's id and the value block from it, and writes id and status during the
/// call alone, since its dispatcher is not used: so one on the caller's stack will do.
#[repr(C)]
pub struct StatusBlock {
    pub status: c_int,
    pub lock_id: u32,
    pub flags: c_char,
    pub value_block: *mut c_char,
}

/// The library calls neither of these, since its dispatcher is not used; but without one no such callback comes.
type Marker = extern "C" fn(*mut c_void);
extern "C" fn completion_marker(_: *mut c_void) {}
extern "C" fn blocking_marker(_: *mut c_void) {}

/// A request or a conversion.
pub struct LockCall<'a> {
    pub mode: u32,
    pub flags: u32,
    /// Of the resource; empty for a conversion.
    pub name: &'a [u8],
    /// What comes back with each callback.
    pub key: u64,
    pub blocking_callbacks: bool,
}

type NewLockspace = unsafe extern "C" fn(*const c_char, libc::mode_t, u32) -> Handle;
type ReleaseLockspace = unsafe extern "C" fn(*const c_char, Handle, c_int) -> c_int;
type Descriptor = unsafe extern "C" fn(Handle) -> c_int;
type Lock = unsafe extern "C" fn(
    Handle,
    u32,
    *mut StatusBlock,
    u32,
    *const c_void,
    c_uint,
    u32,
    Option<Marker>,
    *mut c_void,
    Option<Marker>,
    *mut c_void,
) -> c_int;

pub struct Library {
    new_lockspace: NewLockspace,
    release_lockspace: ReleaseLockspace,
    descriptor: Descriptor,
    lock: Lock,
    /// Never closed before the functions above are gone.
    _loaded: Loaded,
}

impl Library {
    /// # Errors
    /// `NoLibrary` with what the loader said of the last name; `OldLibrary`.
    pub fn open(names: &[String]) -> Result<Library, KernelDlmError> {
        let mut said = "no name to look for".to_owned();
        for name in names {
            // Sound: libdlm's initialisers do nothing.
            match unsafe { Loaded::open(Some(name), RTLD_NOW | RTLD_LOCAL) } {
                Ok(loaded) => return Library::with_functions_of(loaded),
                Err(error) => {
                    said = std::error::Error::source(&error)
                        .unwrap_or(&error)
                        .to_string()
                }
            }
        }
        Err(KernelDlmError::NoLibrary { said })
    }

    fn with_functions_of(loaded: Loaded) -> Result<Library, KernelDlmError> {
        // Sound: the types are those of libdlm.h, the same since version 3.
        unsafe {
            Ok(Library {
                new_lockspace: function(&loaded, "dlm_new_lockspace")?,
                release_lockspace: function(&loaded, "dlm_release_lockspace")?,
                descriptor: function(&loaded, "dlm_ls_get_fd")?,
                lock: function(&loaded, "dlm_ls_lock")?,
                _loaded: loaded,
            })
        }
    }

    /// Creates the lockspace where this machine has none of that name, and opens it. Blocks until this machine is in it.
    ///
    /// # Errors
    /// The errno.
    pub fn new_lockspace(&self, name: &CStr) -> Result<Handle, i32> {
        let handle = unsafe { (self.new_lockspace)(name.as_ptr(), 0o600, 0) };
        if handle.is_null() {
            Err(last_errno())
        } else {
            Ok(handle)
        }
    }

    /// Closes the handle, whose locks go, and takes the lockspace away with its last user on this machine.
    ///
    /// # Errors
    /// The errno; the handle is gone all the same.
    ///
    /// # Safety
    /// The handle comes from `new_lockspace` and is not used again.
    pub unsafe fn release_lockspace(&self, name: &CStr, handle: Handle) -> Result<(), i32> {
        const FORCE: c_int = 1;
        errno_of(unsafe { (self.release_lockspace)(name.as_ptr(), handle, FORCE) })
    }

    /// The descriptor that callbacks are read from.
    ///
    /// # Safety
    /// The handle is open.
    pub unsafe fn descriptor(&self, handle: Handle) -> c_int {
        unsafe { (self.descriptor)(handle) }
    }

    /// Requests or converts; the lock's id is then in `status`.
    ///
    /// # Errors
    /// The errno; then no callback comes.
    ///
    /// # Safety
    /// The handle is open; with VALBLK, `status.value_block` points to 32 bytes.
    pub unsafe fn lock(
        &self,
        handle: Handle,
        call: &LockCall<'_>,
        status: &mut StatusBlock,
    ) -> Result<(), i32> {
        const NO_PARENT: u32 = 0;
        errno_of(unsafe {
            (self.lock)(
                handle,
                call.mode,
                status,
                call.flags,
                call.name.as_ptr().cast(),
                call.name.len() as c_uint,
                NO_PARENT,
                Some(completion_marker),
                call.key as *mut c_void,
                call.blocking_callbacks.then_some(blocking_marker as Marker),
                std::ptr::null_mut(),
            )
        })
    }
}

unsafe fn function<F: Copy>(loaded: &Loaded, name: &str) -> Result<F, KernelDlmError> {
    match unsafe { loaded.get::<F>(name) } {
        Ok(symbol) => Ok(*symbol),
        Err(_) => Err(KernelDlmError::OldLibrary {
            missing: name.to_owned(),
        }),
    }
}

fn errno_of(returned: c_int) -> Result<(), i32> {
    if returned == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

fn last_errno() -> i32 {
    std::io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named() {
        let Err(error) = Library::open(&["libslotmark-nonsense.so.3".to_owned()]) else {
            panic!("nonsense was loaded");
        };
        assert_eq!(error.code(), "dlm-library-missing");
        assert!(
            error.to_string().contains("libslotmark-nonsense.so.3"),
            "{error}"
        );
        assert!(error.remedy().contains("apt install libdlm3"));
    }

    #[test]
    fn a_library_without_the_functions_is_too_old() {
        let Err(error) = Library::open(&["libc.so.6".to_owned()]) else {
            panic!("libc is no libdlm");
        };
        assert_eq!(
            error,
            KernelDlmError::OldLibrary {
                missing: "dlm_new_lockspace".to_owned()
            }
        );
    }
}
