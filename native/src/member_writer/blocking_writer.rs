//! One blocking pwrite(2) after another. Durable writes go by descriptors of their own, opened with O_DSYNC: files without the newer
//! way of writing take no flag with a write.

use super::batch::{BatchOptions, Failure, Span, Write, give_up_failed};
use std::io;
use std::os::fd::RawFd;

pub struct BlockingWriter {
    base: *const u8,
    length: usize,
    descriptors: Vec<RawFd>,
    /// The same files with O_DSYNC.
    durable_descriptors: Vec<RawFd>,
    /// By file: nothing is written to it any more.
    given_up: Vec<bool>,
}

// The memory is only read, by the kernel, during a call.
unsafe impl Send for BlockingWriter {}

impl BlockingWriter {
    /// # Safety
    /// `base` points to `length` bytes that stay where they are as long as the writer lives.
    #[must_use]
    ///
    /// # Panics
    /// Where the two lists are not of the same files.
    pub unsafe fn new(base: *const u8, length: usize, files: &[RawFd], durable: &[RawFd]) -> Self {
        assert_eq!(files.len(), durable.len(), "each file has both descriptors");
        Self {
            base,
            length,
            descriptors: files.to_vec(),
            durable_descriptors: durable.to_vec(),
            given_up: vec![false; files.len()],
        }
    }

    #[must_use]
    pub fn files(&self) -> u32 {
        self.descriptors.len() as u32
    }

    /// Writes nothing to `file` from here on, as after a failure of its own.
    ///
    /// # Panics
    /// Where the writer has no such file.
    pub fn give_up(&mut self, file: u32) {
        self.given_up[file as usize] = true;
    }

    /// Writes the whole batch in its order; `completed` hears of each write when it has ended: it has reached its file, or it failed, or
    /// its file had been given up. A file that fails is given up; the others get all of theirs. Returns the failures in their order.
    ///
    /// # Panics
    /// Where a write names a file or memory that the writer does not have.
    pub fn run(
        &mut self,
        options: BatchOptions,
        writes: impl IntoIterator<Item = Write>,
        mut completed: impl FnMut(u32),
    ) -> Vec<Failure> {
        let mut failures = Vec::new();
        for write in writes {
            if !self.given_up[write.file as usize]
                && let Err((error, place)) = self.write(options, write)
            {
                let failure = Failure {
                    errno: error,
                    file: write.file,
                    place,
                };
                give_up_failed(&mut self.given_up, &mut failures, failure);
            }
            completed(write.tag);
        }
        failures
    }

    /// Errno (0: the file took no more bytes), and what was left to write; no place: the flush before.
    fn write(&self, options: BatchOptions, write: Write) -> Result<(), (i32, Option<(u64, u32)>)> {
        let descriptors = if options.durable {
            &self.durable_descriptors
        } else {
            &self.descriptors
        };
        let descriptor = descriptors[write.file as usize];
        let Span { offset, length } = write.memory;
        assert!(offset + length <= self.length, "a write lies in the memory");
        if options.flush_first {
            again(|| unsafe { libc::fdatasync(descriptor) } as isize)
                .map_err(|errno| (errno, None))?;
        }
        let mut done = 0;
        while done < length {
            let from = unsafe { self.base.add(offset + done) };
            let at = write.file_offset + done as u64;
            let left = length - done;
            let place = Some((at, left as u32));
            match again(|| unsafe { libc::pwrite64(descriptor, from.cast(), left, at as i64) }) {
                Ok(0) => return Err((0, place)),
                Ok(written) => done += written,
                Err(errno) => return Err((errno, place)),
            }
        }
        Ok(())
    }
}

/// Calls until no signal comes between; the errno of a failure.
fn again(mut call: impl FnMut() -> isize) -> Result<usize, i32> {
    loop {
        match usize::try_from(call()) {
            Ok(result) => return Ok(result),
            Err(_) => match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                errno => return Err(errno.unwrap_or(0)),
            },
        }
    }
}
