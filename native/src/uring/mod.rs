//! Writes through io_uring, straight from one stretch of memory: many at once to several files, waited for together.
//!
//! A `RingWriter` never has a request in flight between two calls, so that nothing of it outlives the memory: a call returns only
//! when the kernel has answered every request, also after a failure.

mod addon;
mod lists;
mod ring_writer;

pub(crate) use ring_writer::set_up as set_up_ring;
pub use ring_writer::{BatchOptions, Failure, RingWriter, Span, Write};
