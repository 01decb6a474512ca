//! Whether this kernel lets this process use io_uring, found out by doing it: a ring is set up and asked what it can do.

use io_uring::{IoUring, Probe, opcode};
use napi_derive::napi;

/// What a ring of this kernel offers; or, where none could be set up, the errno of `io_uring_setup`.
#[napi(object)]
#[derive(Debug)]
pub struct IoUringProbe {
    pub available: bool,
    /// errno of io_uring_setup(2) or of the probe; absent where it worked.
    pub errno: Option<i32>,
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

pub fn probe() -> IoUringProbe {
    match set_up() {
        Ok(found) => found,
        Err(error) => IoUringProbe {
            available: false,
            errno: error.raw_os_error(),
            write: false,
            write_fixed: false,
            fsync: false,
            ext_arg: false,
            no_drop: false,
        },
    }
}

fn set_up() -> std::io::Result<IoUringProbe> {
    let ring = IoUring::new(4)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    Ok(IoUringProbe {
        available: true,
        errno: None,
        write: probe.is_supported(opcode::Write::CODE),
        write_fixed: probe.is_supported(opcode::WriteFixed::CODE),
        fsync: probe.is_supported(opcode::Fsync::CODE),
        ext_arg: ring.params().is_feature_ext_arg(),
        no_drop: ring.params().is_feature_nodrop(),
    })
}

#[napi(js_name = "probeIoUring")]
pub fn probe_io_uring() -> IoUringProbe {
    probe()
}

#[cfg(test)]
mod tests {
    use super::*;
    use io_uring::types;

    /// The answer must agree with an attempt: where the probe says "write", a write through a ring arrives.
    #[test]
    fn the_probe_agrees_with_an_attempt() {
        let found = probe();
        assert_eq!(found.available, found.errno.is_none());
        if !found.available {
            assert!(IoUring::new(4).is_err());
            return;
        }
        assert!(found.write && found.fsync);
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
