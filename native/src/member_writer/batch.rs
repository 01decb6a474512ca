//! What a writer is given, and what it answers.

/// A stretch of the writer's memory.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub offset: usize,
    pub length: usize,
}

/// One write of `memory` to a file, by the file's index.
#[derive(Clone, Copy, Debug)]
pub struct Write {
    pub file: u32,
    pub memory: Span,
    pub file_offset: u64,
    /// What the caller knows the write by.
    pub tag: u32,
}

/// The first request of a file that failed. Later ones to that file were not begun; those in flight have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// 0 where the file took no more bytes.
    pub errno: i32,
    pub file: u32,
    /// None: the flush before the writes.
    pub place: Option<(u64, u32)>,
}

/// What a batch asks of the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchOptions {
    /// fdatasync(2) of every file before the first write; of its own file before each write, where they go one after another.
    pub flush_first: bool,
    /// RWF_DSYNC: each write is durable when it completes.
    pub durable: bool,
    /// Requests of a ring in flight at most; 0: as many as it holds.
    pub depth: u32,
    /// Hear of every write of a ring as soon as it has completed, and replace it at once, at the price of more wake-ups. Without it
    /// the batch goes in one submission, as far as the ring holds it, and is waited for as a whole.
    pub each_completion: bool,
}

/// Notes the failure, unless the file had one before.
pub(super) fn give_up_failed(given_up: &mut [bool], failures: &mut Vec<Failure>, failure: Failure) {
    let given_up = &mut given_up[failure.file as usize];
    if !*given_up {
        *given_up = true;
        failures.push(failure);
    }
}
