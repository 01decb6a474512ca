//! An exclusive lock on an open file (flock(2)): it vanishes with its holder, however that ends, so none is ever stale.

use napi_derive::napi;
use std::io;

/// Takes the lock without waiting. False where another open file description holds it.
///
/// # Errors
/// The errno of flock(2) where the filesystem knows no locks.
pub fn try_lock(descriptor: i32) -> io::Result<bool> {
    if unsafe { libc::flock(descriptor, libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EWOULDBLOCK) => Ok(false),
        _ => Err(error),
    }
}

#[napi(js_name = "tryLockFile")]
pub fn try_lock_file(descriptor: i32) -> napi::Result<bool> {
    try_lock(descriptor).map_err(crate::errno_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::fd::AsRawFd;

    #[test]
    fn one_holder_at_a_time() {
        let path = std::env::temp_dir().join(format!("slotmark-lock-{}", std::process::id()));
        let open = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .expect("opens")
        };
        let first = open();
        let second = open();
        assert!(try_lock(first.as_raw_fd()).expect("locks work here"));
        assert!(!try_lock(second.as_raw_fd()).expect("locks work here"));
        drop(first);
        assert!(try_lock(second.as_raw_fd()).expect("locks work here"));
        std::fs::remove_file(&path).expect("removed");
    }
}
