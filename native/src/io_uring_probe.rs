//! Whether this kernel lets this process use io_uring, found out by doing it: rings are set up, as many at once as there will be
//! writers, a file is registered with each, and one is asked what it can do.

use crate::member_writer::set_up_ring;
use io_uring::{IoUring, Probe, opcode};
use napi_derive::napi;
use std::fs::File;
use std::os::fd::AsRawFd;

/// What a ring of this kernel offers; or, where none could be set up, the errno of `io_uring_setup`.
#[napi(object)]
#[derive(Debug)]
pub struct IoUringProbe {
    pub available: bool,
    /// errno of the first call that was refused; absent where all worked.
    pub errno: Option<i32>,
    /// Rings that could be had at once, of those asked for.
    pub rings: u32,
    /// IORING_OP_WRITE and IORING_OP_WRITE_FIXED.
    pub write: bool,
    pub write_fixed: bool,
    /// IORING_OP_FSYNC.
    pub fsync: bool,
    /// IORING_FEAT_EXT_ARG: waiting with a time-out needs no extra request.
    pub ext_arg: bool,
    /// IORING_FEAT_NODROP: completions are never lost.
    pub no_drop: bool,
}

pub fn probe(rings: u32, entries: u32) -> IoUringProbe {
    let mut held = Vec::new();
    match set_up(rings, entries, &mut held) {
        Ok(found) => found,
        Err(error) => IoUringProbe {
            available: false,
            errno: error.raw_os_error(),
            rings: held.len() as u32,
            write: false,
            write_fixed: false,
            fsync: false,
            ext_arg: false,
            no_drop: false,
        },
    }
}

fn set_up(rings: u32, entries: u32, held: &mut Vec<IoUring>) -> std::io::Result<IoUringProbe> {
    let file = File::open("/dev/null")?;
    for _ in 1..rings {
        let ring = set_up_ring(entries)?;
        ring.submitter().register_files(&[file.as_raw_fd()])?;
        held.push(ring);
    }
    let ring = set_up_ring(entries)?;
    ring.submitter().register_files(&[file.as_raw_fd()])?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    Ok(IoUringProbe {
        available: true,
        errno: None,
        rings,
        write: probe.is_supported(opcode::Write::CODE),
        write_fixed: probe.is_supported(opcode::WriteFixed::CODE),
        fsync: probe.is_supported(opcode::Fsync::CODE),
        ext_arg: ring.params().is_feature_ext_arg(),
        no_drop: ring.params().is_feature_nodrop(),
    })
}

/// @param rings how many are to be had at once
/// @param entries of each one's submission queue
#[napi(js_name = "probeIoUring")]
pub fn probe_io_uring(rings: u32, entries: u32) -> IoUringProbe {
    probe(rings, entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use io_uring::types;

    #[test]
    fn rings_that_cannot_be_had_at_once_are_counted() {
        // No queue is that long: EINVAL, before the first.
        let found = probe(3, u32::MAX);
        assert!(!found.available && found.errno.is_some() && found.rings == 0);
    }

    /// The answer must agree with an attempt: where the probe says "write", a write through a ring arrives.
    #[test]
    fn the_probe_agrees_with_an_attempt() {
        let found = probe(3, 4);
        assert_eq!(found.available, found.errno.is_none());
        if !found.available {
            assert!(IoUring::new(4).is_err());
            return;
        }
        assert!(found.write && found.fsync && found.rings == 3);
        let mut ring = IoUring::new(4).expect("the probe set one up");
        let mut pipe = [0i32; 2];
        assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
        let text = b"arrived";
        let entry =
            opcode::Write::new(types::Fd(pipe[1]), text.as_ptr(), text.len() as u32).build();
        unsafe { ring.submission().push(&entry) }.expect("an empty ring has room");
        ring.submit_and_wait(1).expect("submitted");
        let completion = ring.completion().next().expect("completed");
        assert_eq!(completion.result(), text.len() as i32);
        let mut read = [0u8; 7];
        assert_eq!(
            unsafe { libc::read(pipe[0], read.as_mut_ptr().cast(), 7) },
            7
        );
        assert_eq!(&read, text);
        unsafe {
            libc::close(pipe[0]);
            libc::close(pipe[1]);
        }
    }
}
