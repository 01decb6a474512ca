//! One blocking pwrite(2) after another. Durable writes go by descriptors of their own, opened with O_DSYNC: files without the newer
//! way of writing take no flag with a write.

use super::batch::{BatchOptions, Failure, Files, Span, Write};
use std::io;
use std::os::fd::RawFd;

pub struct BlockingWriter {
    base: *const u8,
    length: usize,
    descriptors: Vec<RawFd>,
    /// The same files with O_DSYNC.
    durable_descriptors: Vec<RawFd>,
    files: Files,
}

impl BlockingWriter {
    /// # Safety
    /// `base` points to `length` bytes that stay where they are as long as the writer lives.
    ///
    /// # Panics
    /// Where the two lists are not of the same files.
    #[must_use]
    pub unsafe fn new(base: *const u8, length: usize, files: &[RawFd], durable: &[RawFd]) -> Self {
        assert_eq!(files.len(), durable.len(), "each file has both descriptors");
        Self {
            base,
            length,
            descriptors: files.to_vec(),
            durable_descriptors: durable.to_vec(),
            files: Files::new(files.len()),
        }
    }

    #[must_use]
    pub fn files(&self) -> u32 {
        self.files.count()
    }

    /// Writes nothing to `file` from here on, as after a failure of its own.
    ///
    /// # Panics
    /// Where the writer has no such file.
    pub fn give_up(&mut self, file: u32) {
        self.files.give_up(file);
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
        for write in writes {
            if !self.files.is_given_up(write.file)
                && let Err((errno, place)) = self.write(options, write)
            {
                self.files.fail(write.file, errno, place);
            }
            completed(write.tag);
        }
        self.files.take_failures()
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
