//! Writes through io_uring: many at once to several files, waited for together.
//!
//! A `RingWriter` never has a request in flight between two calls, so that nothing of it outlives the memory: a call returns only
//! when the kernel has answered every request, also after a failure.

use super::apart_calls::{ApartCalls, Calls};
use super::batch::{BatchOptions, Failure, Files, Span, Write};
use super::in_flight::{InFlight, Outcome, outcome, place_of};
use super::registered_ring::RegisteredRing;
use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types};
use std::io;
use std::os::fd::RawFd;

/// Registered buffers are at most this long each (io_uring_register(2)).
const BUFFER_BYTES: usize = 1 << 30;

/// Requests of a stream that go in one submission, of those that could: a loop device's worker thread is woken by what comes first and
/// takes the rest with it (at depth 32, on another processor than the writer, eight are 5 to 8 % faster than four, and sixteen slower).
/// Everywhere else each goes alone, since the kernel plugs a submission of more than two (IO_PLUG_THRESHOLD in io_uring/io_uring.c): the
/// first waits for the last, and the thread is preempted by those that complete where it prepares the rest (at depth 32 on a disk a tenth
/// of the throughput, on the processor of its interrupt).
const TOGETHER_ON_LOOP: usize = 8;
/// With so few in flight each goes alone to a loop device as well.
const FEW: usize = 8;

/// The loop driver's block devices (Documentation/admin-guide/devices.txt).
const LOOP_MAJOR: u32 = 7;

/// Used by the thread that made it.
pub struct RingWriter {
    /// Before the ring, as it is given back before that.
    registered: Option<RegisteredRing>,
    ring: IoUring,
    base: *const u8,
    length: usize,
    /// Registered stretches, by buffer index; empty where the kernel would not register them.
    buffers: Vec<Span>,
    descriptors: Vec<RawFd>,
    /// To a loop device, whose worker thread begins sooner when the submitting thread does not go to sleep in the call that submits:
    /// a call of its own for that, or the choice where a request is alone in flight. Elsewhere that call would be wasted.
    submits_apart: Option<ApartCalls>,
    /// Requests of a stream of more than FEW that go in one submission.
    together: usize,
    files: Files,
    in_flight: Vec<InFlight>,
    free: Vec<u32>,
}

impl RingWriter {
    /// `registered` are the stretches that the kernel may keep pinned; where it refuses (RLIMIT_MEMLOCK) writes go without.
    ///
    /// # Safety
    /// `base` points to `length` bytes that stay where they are as long as the writer lives.
    ///
    /// # Errors
    /// What io_uring_setup or the registration of the files answered.
    pub unsafe fn new(
        base: *const u8,
        length: usize,
        registered: &[Span],
        files: &[RawFd],
        entries: u32,
    ) -> io::Result<Self> {
        let ring = set_up(entries)?;
        ring.submitter().register_files(files)?;
        let loops = files.iter().any(|&file| is_loop_device(file));
        let mut writer = Self {
            registered: RegisteredRing::of(&ring),
            ring,
            base,
            length,
            buffers: Vec::new(),
            descriptors: files.to_vec(),
            submits_apart: loops.then(ApartCalls::default),
            together: if loops { TOGETHER_ON_LOOP } else { 1 },
            files: Files::new(files.len()),
            in_flight: Vec::new(),
            free: Vec::new(),
        };
        let slots = writer.ring.params().sq_entries();
        let nothing = Write {
            file: 0,
            memory: Span {
                offset: 0,
                length: 0,
            },
            file_offset: 0,
            tag: 0,
        };
        writer.in_flight = vec![
            InFlight {
                write: nothing,
                done: 0
            };
            slots as usize
        ];
        writer.free = (0..slots).collect();
        writer.register_buffers(registered);
        Ok(writer)
    }

    #[must_use]
    pub fn registers_buffers(&self) -> bool {
        !self.buffers.is_empty()
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

    fn register_buffers(&mut self, registered: &[Span]) {
        let mut pieces = Vec::new();
        for span in registered {
            assert!(
                span.offset + span.length <= self.length,
                "a registered span lies in the memory"
            );
            for offset in (span.offset..span.offset + span.length).step_by(BUFFER_BYTES) {
                let length = BUFFER_BYTES.min(span.offset + span.length - offset);
                pieces.push(Span { offset, length });
            }
        }
        let vectors: Vec<libc::iovec> = pieces
            .iter()
            .map(|piece| libc::iovec {
                iov_base: unsafe { self.base.add(piece.offset) }.cast_mut().cast(),
                iov_len: piece.length,
            })
            .collect();
        if unsafe { self.ring.submitter().register_buffers(&vectors) }.is_ok() {
            self.buffers = pieces;
        }
    }

    /// Writes the whole batch; `completed` hears of each write when it has ended, in that order: it has reached its file, or it failed,
    /// or its file had been given up. A file that fails is given up; the others get all of theirs. Returns the first failure of each
    /// file that failed, in the order in which they were seen.
    ///
    /// # Panics
    /// Where a write names a file or memory that the writer does not have.
    pub fn run(
        &mut self,
        options: BatchOptions,
        writes: impl IntoIterator<Item = Write>,
        mut completed: impl FnMut(u32),
    ) -> Vec<Failure> {
        let depth = match options.depth {
            0 => self.in_flight.len(),
            depth => self.in_flight.len().min(depth as usize),
        };
        // All at once is what a plug is, and no stream.
        let is_stream = options.each_completion && options.depth != 0;
        let together = if depth > FEW { self.together } else { 1 };
        let mut waiting = 0usize;
        if options.flush_first {
            self.flush();
        }
        let mut writes = writes.into_iter().peekable();
        let mut again: Vec<InFlight> = Vec::new();
        loop {
            while waiting < depth {
                let next = match again.pop() {
                    Some(rest) => rest,
                    None => match writes.next() {
                        Some(write) => InFlight { write, done: 0 },
                        None => break,
                    },
                };
                if self.files.is_given_up(next.write.file) {
                    completed(next.write.tag);
                    continue;
                }
                self.push_write(next, options.durable);
                waiting += 1;
                // What fills the ring goes with the call that waits.
                if is_stream && waiting < depth && self.ring.submission().len() >= together {
                    self.submit_and_wait(0, false);
                }
            }
            if waiting == 0 {
                return self.files.take_failures();
            }
            let want = if options.each_completion || writes.peek().is_some() {
                1
            } else {
                waiting
            };
            self.submit_and_wait(want, waiting == 1);
            while let Some(completion) = self.ring.completion().next() {
                waiting -= 1;
                let slot = completion.user_data() as u32;
                self.free.push(slot);
                let ended = self.in_flight[slot as usize];
                match outcome(ended, completion.result()) {
                    Outcome::Whole => completed(ended.write.tag),
                    Outcome::Rest(rest) => again.push(rest),
                    Outcome::Failed(errno) => {
                        completed(ended.write.tag);
                        self.files
                            .fail(ended.write.file, errno, Some(place_of(ended)));
                    }
                }
            }
        }
    }
}

impl RingWriter {
    /// fdatasync(2) of all files, at once where there are several.
    fn flush(&mut self) {
        let mut waiting = self.files.left();
        let alone = waiting == 1;
        for file in 0..self.files.count() {
            if self.files.is_given_up(file) {
                continue;
            }
            if alone {
                // A ring would hand it to a thread of its own, for nothing.
                if unsafe { libc::fdatasync(self.descriptors[file as usize]) } != 0 {
                    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
                    self.files.fail(file, errno, None);
                }
                return;
            }
            let entry = opcode::Fsync::new(types::Fixed(file))
                .flags(types::FsyncFlags::DATASYNC)
                .build()
                .user_data(u64::from(file));
            self.push(&entry);
        }
        while waiting > 0 {
            self.submit_and_wait(waiting, false);
            while let Some(completion) = self.ring.completion().next() {
                waiting -= 1;
                if completion.result() < 0 {
                    let file = completion.user_data() as u32;
                    self.files.fail(file, -completion.result(), None);
                }
            }
        }
    }

    fn push_write(&mut self, next: InFlight, durable: bool) {
        let InFlight { write, done } = next;
        assert!(
            write.file < self.files(),
            "a write names a file of the writer"
        );
        let Span { offset, length } = write.memory;
        assert!(offset + length <= self.length, "a write lies in the memory");
        let from = offset + done;
        let (pointer, bytes) = (unsafe { self.base.add(from) }, (length - done) as u32);
        let file = types::Fixed(write.file);
        let file_offset = write.file_offset + done as u64;
        let flags = if durable { libc::RWF_DSYNC } else { 0 };
        let buffer = self
            .buffers
            .iter()
            .position(|span| from >= span.offset && offset + length <= span.offset + span.length);
        let entry = match buffer {
            Some(index) => opcode::WriteFixed::new(file, pointer, bytes, index as u16)
                .offset(file_offset)
                .rw_flags(flags)
                .build(),
            None => opcode::Write::new(file, pointer, bytes)
                .offset(file_offset)
                .rw_flags(flags)
                .build(),
        };
        let slot = self
            .free
            .pop()
            .expect("no more in flight than the ring holds");
        self.in_flight[slot as usize] = next;
        self.push(&entry.user_data(u64::from(slot)));
    }

    fn push(&mut self, entry: &Entry) {
        // There is room: no more is ever in flight than the queue has entries.
        unsafe { self.ring.submission().push(entry) }.expect("the submission queue has room");
    }

    /// `alone`: one request is in flight.
    fn submit_and_wait(&mut self, want: usize, alone: bool) {
        let calls = match &mut self.submits_apart {
            Some(apart) if want > 0 && !self.ring.submission().is_empty() => {
                if alone {
                    apart.next()
                } else {
                    Calls::Apart
                }
            }
            _ => Calls::Together,
        };
        if calls != Calls::Together {
            self.enter(0);
        }
        if calls == Calls::Trial {
            self.enter(0);
            if let Some(apart) = &mut self.submits_apart
                && !self.ring.completion().is_empty()
            {
                apart.paid();
            }
        }
        // What has been submitted may have completed meanwhile.
        if want == 0 || !self.ring.submission().is_empty() || self.ring.completion().len() < want {
            self.enter(want);
        }
    }

    fn enter(&mut self, want: usize) {
        loop {
            let entered = match &self.registered {
                Some(registered) => registered.enter(self.ring.submission().len(), want),
                None => self.ring.submit_and_wait(want),
            };
            match entered {
                Ok(_) => return,
                // A signal; EAGAIN and EBUSY pass when completions have been reaped.
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY)) => {
                    return;
                }
                Err(error) => panic!("io_uring_enter: {error}"),
            }
        }
    }
}

impl Drop for RingWriter {
    /// Gives files and memory back before the ring itself, which the kernel tears down in its own time.
    fn drop(&mut self) {
        // What was never registered cannot be given back; nothing follows from it.
        let _ = self.ring.submitter().unregister_buffers();
        let _ = self.ring.submitter().unregister_files();
    }
}

fn is_loop_device(descriptor: RawFd) -> bool {
    let mut status = std::mem::MaybeUninit::<libc::stat>::uninit();
    if unsafe { libc::fstat(descriptor, status.as_mut_ptr()) } != 0 {
        return false;
    }
    let status = unsafe { status.assume_init() };
    status.st_mode & libc::S_IFMT == libc::S_IFBLK && libc::major(status.st_rdev) == LOOP_MAJOR
}

/// The cheapest ring that this kernel has for a thread that alone submits and waits (Linux 6.1, 6.0, 5.19, 5.1).
pub(crate) fn set_up(entries: u32) -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(entries)
        .or_else(|_| IoUring::builder().setup_coop_taskrun().build(entries))
        .or_else(|_| IoUring::builder().build(entries))
}
