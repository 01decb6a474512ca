//! A wait for callbacks that another thread can end: poll(2) on the lockspace's device and on an eventfd.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub struct Waker {
    event: OwnedFd,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    Readable,
    Called,
}

impl Waker {
    /// # Errors
    /// That of eventfd(2).
    pub fn new() -> io::Result<Waker> {
        let event = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if event < 0 {
            return Err(io::Error::last_os_error());
        }
        // Sound: the descriptor is new, and nobody else's.
        Ok(Waker {
            event: unsafe { OwnedFd::from_raw_fd(event) },
        })
    }

    /// Ends the wait, or the next one, and every one after it.
    pub fn call(&self) {
        let one = 1_u64.to_ne_bytes();
        // It fails only where the counter is at its end, and then the wait has been ended often enough.
        unsafe { libc::write(self.event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// # Errors
    /// That of poll(2), but for EINTR.
    pub fn wait_for(&self, descriptor: RawFd) -> io::Result<Woken> {
        let watch = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut watched = [watch(self.event.as_raw_fd()), watch(descriptor)];
        loop {
            if unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, -1) } >= 0 {
                return Ok(if watched[0].revents != 0 {
                    Woken::Called
                } else {
                    Woken::Readable
                });
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_wait_ends_by_a_call_and_by_data() {
        let waker = Arc::new(Waker::new().expect("an eventfd"));
        let (reader, writer) = io::pipe().expect("a pipe");
        let waiting = {
            let waker = Arc::clone(&waker);
            let reader = reader.try_clone().expect("a copy");
            std::thread::spawn(move || waker.wait_for(reader.as_raw_fd()).expect("polled"))
        };
        io::Write::write_all(&mut &writer, b"x").expect("written");
        assert_eq!(waiting.join().expect("ended"), Woken::Readable);
        waker.call();
        for _ in 0..2 {
            assert_eq!(
                waker.wait_for(reader.as_raw_fd()).expect("polled"),
                Woken::Called
            );
        }
    }
}
