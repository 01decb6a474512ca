//! The message channel of md-cluster on top of a lock manager: one node sends 64 bytes, every other node processes them
//! before the send returns, and all nodes see all messages in one order (spec §5). It knows bytes, not what they mean.
//!
//! `token` in EX makes one sender; `message` carries the bytes in its value block; `ack`, which every node holds in CR, tells
//! receivers of a message (the sender's request for EX blocks on them) and tells the sender that all are done. A receiver goes
//! by PR on `message` before it takes `ack` again: PR waits for the sender's CW, so for the sender's own CR on `ack`.
//!
//! Every wait has a time-out and can be ended from outside. What a failed send leaves: nodes that processed it and nodes that
//! did not; one that was slow may still process it afterwards, at most once.

mod backend;
// The folder is the concept, this file its one handle.
#[allow(clippy::module_inception)]
mod channel;
mod core;
mod error;
mod interrupt;
mod lock_resource;
mod lock_state;
mod options;
mod receive;
mod send;
mod signal;
mod times;
mod trace;
mod turn;

pub use backend::LockBackend;
pub use channel::{Blocking, Channel};
pub use error::{ChannelError, Failure, Place, Resource};
pub use interrupt::CancelToken;
pub use options::{LOCK_TIMEOUT, Options, Variant};
pub use receive::Received;
pub use send::Token;
pub use signal::{Signal, WaitMode, now_ns};
pub use times::{JoinStep, ReceiveStep, SendStep, Steps, Times};
pub use trace::{Trace, Traced};
