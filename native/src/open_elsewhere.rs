//! Whether somebody else has a file open: a write lease is granted only to the one who has it open alone (fcntl(2)).

use napi_derive::napi;
use std::io;

/// True where any other open file description of the file exists, in this process or another on this machine.
///
/// # Errors
/// The errno of fcntl where the kernel grants no leases here: a file of another user without CAP_LEASE, a filesystem
/// without leases, anything but a regular file (EINVAL, ENOTTY).
pub fn open_elsewhere(descriptor: i32) -> io::Result<bool> {
    if unsafe { libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_WRLCK) } == 0 {
        // Given back at once: a lease that stays would make the next open(2) of the file signal this process.
        return match unsafe { libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_UNLCK) } {
            0 => Ok(false),
            _ => Err(io::Error::last_os_error()),
        };
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN) => Ok(true),
        _ => Err(error),
    }
}

#[napi(js_name = "isOpenElsewhere")]
pub fn is_open_elsewhere(descriptor: i32) -> napi::Result<bool> {
    open_elsewhere(descriptor).map_err(crate::errno_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd;

    fn open(path: &std::path::Path) -> File {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .expect("opens")
    }

    #[test]
    fn a_second_descriptor_is_seen_and_its_closing_too() {
        let path = std::env::temp_dir().join(format!("slotmark-lease-{}", std::process::id()));
        let mine = open(&path);
        assert!(!open_elsewhere(mine.as_raw_fd()).expect("leases work here"));
        let other = open(&path);
        assert!(open_elsewhere(mine.as_raw_fd()).expect("leases work here"));
        drop(other);
        assert!(!open_elsewhere(mine.as_raw_fd()).expect("leases work here"));
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn what_is_no_regular_file_is_an_error() {
        let folder = File::open(std::env::temp_dir()).expect("opens");
        assert!(open_elsewhere(folder.as_raw_fd()).is_err());
    }
}
