//! Writes of bitmap pages and data to the members' files, straight from one stretch of memory: all at once through io_uring, or one
//! blocking call after another.

mod addon;
mod apart_calls;
mod batch;
mod blocking_writer;
mod file_writer;
mod in_flight;
mod lists;
mod registered_ring;
mod ring_writer;

pub use batch::{BatchOptions, Failure, Span, Write};
pub use blocking_writer::BlockingWriter;
pub use ring_writer::RingWriter;
pub(crate) use ring_writer::set_up as set_up_ring;
