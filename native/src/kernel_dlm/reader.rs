//! The thread that reads a lockspace's callbacks from its device and hands them on.

use super::completion::{Completion, READ_BYTES};
use super::lock_table::LockTable;
use super::waker::{Waker, Woken};
use std::io;
use std::os::fd::RawFd;

/// Ends when the waker is called, or when the device says nothing sensible any more.
pub fn deliver_until_called(device: RawFd, locks: &LockTable, waker: &Waker) {
    while let Ok(Woken::Readable) = waker.wait_for(device) {
        if deliver_what_is_there(device, locks).is_err() {
            return;
        }
    }
}

fn deliver_what_is_there(device: RawFd, locks: &LockTable) -> io::Result<()> {
    let mut bytes = [0; READ_BYTES];
    loop {
        let count = unsafe { libc::read(device, bytes.as_mut_ptr().cast(), bytes.len()) };
        match usize::try_from(count) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let delivery = Completion::from_bytes(&bytes[..count]);
                if let Some(delivery) = delivery.and_then(|completion| locks.complete(&completion))
                {
                    delivery.deliver();
                }
            }
            Err(_) => {
                let error = io::Error::last_os_error();
                match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                }
            }
        }
    }
}

/// # Errors
/// That of fcntl(2).
pub fn set_non_blocking(descriptor: RawFd) -> io::Result<()> {
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    if flags < 0 || unsafe { libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0
    {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
