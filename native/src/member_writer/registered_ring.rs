//! A ring whose own descriptor the kernel knows by number (io_uring_register(2), IORING_REGISTER_RING_FDS, Linux 5.18): a call then
//! needs no look-up of the descriptor, which in a process of many threads is an atomic operation each way. The number holds for
//! the thread that registered it.

use io_uring::IoUring;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

const REGISTER_RING_FDS: u32 = 20;
const UNREGISTER_RING_FDS: u32 = 21;
const ENTER_GETEVENTS: u32 = 1;
const ENTER_REGISTERED_RING: u32 = 1 << 4;

/// struct io_uring_rsrc_update of linux/io_uring.h.
#[repr(C)]
struct RingNumber {
    offset: u32,
    reserved: u32,
    data: u64,
}

pub struct RegisteredRing {
    descriptor: RawFd,
    number: u32,
}

impl RegisteredRing {
    /// None where the kernel has no room for it, or is older.
    pub fn of(ring: &IoUring) -> Option<Self> {
        let descriptor = ring.as_raw_fd();
        let mut number = RingNumber {
            offset: u32::MAX,
            reserved: 0,
            data: descriptor as u64,
        };
        (call_register(descriptor, REGISTER_RING_FDS, &mut number) == 1).then_some(Self {
            descriptor,
            number: number.offset,
        })
    }

    /// Submits so many requests, which stand in the ring, takes in what has completed, and waits for `want` completions.
    pub fn enter(&self, submit: usize, want: usize) -> io::Result<usize> {
        let flags = ENTER_REGISTERED_RING | ENTER_GETEVENTS;
        let result = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                self.number,
                submit as u32,
                want as u32,
                flags,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        usize::try_from(result).map_err(|_| io::Error::last_os_error())
    }
}

impl Drop for RegisteredRing {
    /// Else the ring would live as long as the thread.
    fn drop(&mut self) {
        let mut number = RingNumber {
            offset: self.number,
            reserved: 0,
            data: 0,
        };
        call_register(self.descriptor, UNREGISTER_RING_FDS, &mut number);
    }
}

fn call_register(descriptor: RawFd, operation: u32, number: &mut RingNumber) -> i64 {
    unsafe {
        libc::syscall(
            libc::SYS_io_uring_register,
            descriptor,
            operation,
            std::ptr::from_mut(number),
            1u32,
        )
    }
}
