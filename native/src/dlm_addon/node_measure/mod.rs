//! What locks and messages cost one node of a lockspace, whichever lock manager that belongs to: the other nodes are other
//! threads, processes or machines, and whoever calls here has seen to it that they play their parts.
//!
//! Each operation is timed on a native thread from its call to the moment at which that thread goes on with its completion.

mod addon;
mod caller;
mod locks;
mod messages;

use crate::channel::{ChannelError, Failure};
use crate::dlm::Refusal;
use std::time::Instant;

/// How long to go on, and how many samples of each series to keep at most.
#[derive(Clone, Copy)]
struct Limit {
    until: Instant,
    samples: usize,
}

impl Limit {
    /// At least one is taken, however short the time.
    fn is_reached(&self, taken: usize) -> bool {
        taken > 0 && (taken >= self.samples || Instant::now() >= self.until)
    }
}

/// Why an operation gave no sample.
#[derive(Debug)]
enum Unmeasured {
    /// The measurement was stopped, or the node is gone.
    Stopped,
    Refused(Refusal),
    /// A broadcast failed: a node that hangs, above all.
    Channel(ChannelError),
}

impl From<ChannelError> for Unmeasured {
    fn from(error: ChannelError) -> Unmeasured {
        match error.failure {
            Failure::Cancelled | Failure::NodeGone => Unmeasured::Stopped,
            _ => Unmeasured::Channel(error),
        }
    }
}

impl From<Refusal> for Unmeasured {
    fn from(refusal: Refusal) -> Unmeasured {
        match refusal {
            Refusal::NodeGone => Unmeasured::Stopped,
            refusal => Unmeasured::Refused(refusal),
        }
    }
}
