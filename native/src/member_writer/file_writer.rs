//! The two ways to the files as one.

use super::batch::{BatchOptions, Failure, Write};
use super::{BlockingWriter, RingWriter};

pub enum FileWriter {
    Ring(Box<RingWriter>),
    Blocking(BlockingWriter),
}

impl FileWriter {
    pub fn files(&self) -> u32 {
        match self {
            Self::Ring(writer) => writer.files(),
            Self::Blocking(writer) => writer.files(),
        }
    }

    pub fn give_up(&mut self, file: u32) {
        match self {
            Self::Ring(writer) => writer.give_up(file),
            Self::Blocking(writer) => writer.give_up(file),
        }
    }

    /// Whether memory would have to be mapped for each write, as a ring does that may not pin it.
    pub fn maps_each_write(&self) -> bool {
        match self {
            Self::Ring(writer) => !writer.registers_buffers(),
            Self::Blocking(_) => false,
        }
    }

    pub fn run(
        &mut self,
        options: BatchOptions,
        writes: impl IntoIterator<Item = Write>,
        completed: impl FnMut(u32),
    ) -> Vec<Failure> {
        match self {
            Self::Ring(writer) => writer.run(options, writes, completed),
            Self::Blocking(writer) => writer.run(options, writes, completed),
        }
    }
}
