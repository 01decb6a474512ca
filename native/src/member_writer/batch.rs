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

/// What becomes of the files: one that failed, here or elsewhere, is given up, and nothing is written to it any more.
pub(super) struct Files {
    given_up: Vec<bool>,
    /// Of the batch that is being written: the first of each file that failed in it, in the order in which they were seen.
    failures: Vec<Failure>,
}

impl Files {
    pub fn new(count: usize) -> Self {
        Self {
            given_up: vec![false; count],
            failures: Vec::new(),
        }
    }

    pub fn count(&self) -> u32 {
        self.given_up.len() as u32
    }

    pub fn left(&self) -> usize {
        self.given_up.iter().filter(|&&given_up| !given_up).count()
    }

    pub fn is_given_up(&self, file: u32) -> bool {
        self.given_up[file as usize]
    }

    pub fn give_up(&mut self, file: u32) {
        self.given_up[file as usize] = true;
    }

    /// Gives the file up; what else it had in flight may fail as well and is no news.
    pub fn fail(&mut self, file: u32, errno: i32, place: Option<(u64, u32)>) {
        if self.is_given_up(file) {
            return;
        }
        self.give_up(file);
        self.failures.push(Failure { errno, file, place });
    }

    /// At the end of a batch.
    pub fn take_failures(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.failures)
    }
}
