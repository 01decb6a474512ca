//! A request that the kernel has, and what its completion means.

use super::batch::Write;

#[derive(Clone, Copy)]
pub struct InFlight {
    pub write: Write,
    /// Of a write that the kernel cut short: how much of it has been done.
    pub done: usize,
}

pub enum Outcome {
    Whole,
    Rest(InFlight),
    /// Errno; 0: the file took no more bytes.
    Failed(i32),
}

pub fn outcome(ended: InFlight, result: i32) -> Outcome {
    match result {
        0 => Outcome::Failed(0),
        written if written > 0 => {
            let done = ended.done + written as usize;
            if done == ended.write.memory.length {
                Outcome::Whole
            } else {
                Outcome::Rest(InFlight { done, ..ended })
            }
        }
        errno => Outcome::Failed(-errno),
    }
}

/// Where in its file what is left of it goes, and how much that is.
pub fn place_of(ended: InFlight) -> (u64, u32) {
    let InFlight { write, done } = ended;
    (
        write.file_offset + done as u64,
        (write.memory.length - done) as u32,
    )
}
