//! Whether a shared library can be loaded, found out by loading it.

use napi_derive::napi;
use std::ffi::CString;

/// True where dlopen(3) finds and loads the library; it is closed again at once.
pub fn can_load(name: &str) -> bool {
    let Ok(name) = CString::new(name) else {
        return false;
    };
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
    if handle.is_null() {
        return false;
    }
    unsafe { libc::dlclose(handle) };
    true
}

#[napi(js_name = "canLoadLibrary")]
pub fn can_load_library(name: String) -> bool {
    can_load(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_is_there_and_nonsense_is_not() {
        assert!(can_load("libc.so.6"));
        assert!(!can_load("libslotmark-nonsense.so.3"));
        assert!(!can_load("lib\0c.so.6"));
    }
}
