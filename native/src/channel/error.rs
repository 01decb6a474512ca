//! How an operation of the channel fails: where it was, and why.

use crate::dlm::{Mode, Refusal, Status};
use std::fmt;

/// The lock resources of a channel (spec §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    Token,
    Message,
    Ack,
    NoNewDev,
    Resync,
}

impl Resource {
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Token => "token",
            Resource::Message => "message",
            Resource::Ack => "ack",
            Resource::NoNewDev => "no-new-dev",
            Resource::Resync => "resync",
        }
    }
}

/// Where an operation was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Waiting for another sender of this node (SEND_LOCK).
    SendTurn,
    /// Waiting for this node's receiver, or the receiver for its sender (recv_mutex).
    ReceiveTurn,
    /// Waiting for a message.
    Notice,
    /// Converting this resource to this mode.
    Lock(Resource, Mode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The time-out passed. Kernel: EBUSY.
    TimedOut,
    /// Cancelled from outside, or the channel was stopped.
    Cancelled,
    /// This node has left the lockspace or was declared dead.
    NodeGone,
    /// A conversion that waits for itself: the dance of the original patch with two receivers.
    Deadlock,
    /// NOQUEUE, and somebody stands in the way.
    Again,
    /// The lock manager refused the operation.
    Refused(Refusal),
    /// A completion that the operation cannot have: a defect of the lock manager.
    Unexpected(Status),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelError {
    pub place: Place,
    pub failure: Failure,
}

impl ChannelError {
    pub(super) const fn new(place: Place, failure: Failure) -> ChannelError {
        ChannelError { place, failure }
    }

    /// Positive errno.
    pub const fn errno(&self) -> i32 {
        match self.failure {
            Failure::TimedOut => libc::ETIMEDOUT,
            Failure::Cancelled => libc::ECANCELED,
            Failure::NodeGone => libc::ESHUTDOWN,
            Failure::Deadlock => libc::EDEADLK,
            Failure::Again => libc::EAGAIN,
            Failure::Refused(refusal) => refusal.errno(),
            Failure::Unexpected(_) => libc::EPROTO,
        }
    }

    pub const fn errno_name(&self) -> &'static str {
        match self.failure {
            Failure::TimedOut => "ETIMEDOUT",
            Failure::Cancelled => "ECANCELED",
            Failure::NodeGone => "ESHUTDOWN",
            Failure::Deadlock => "EDEADLK",
            Failure::Again => "EAGAIN",
            Failure::Refused(refusal) => refusal.errno_name(),
            Failure::Unexpected(_) => "EPROTO",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::SendTurn => write!(out, "waiting for another send of this node"),
            Place::ReceiveTurn => write!(out, "waiting between this node's sender and receiver"),
            Place::Notice => write!(out, "waiting for a message"),
            Place::Lock(resource, mode) => {
                write!(out, "converting `{}` to {mode:?}", resource.name())
            }
        }
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: ", self.errno_name(), self.place)?;
        match self.failure {
            Failure::TimedOut => match self.place {
                Place::Lock(Resource::Ack, _) => write!(
                    out,
                    "not every node answered in time; look for a node that hangs, or raise the time-out"
                ),
                _ => write!(
                    out,
                    "another node held it for longer than the time-out; look for a node that hangs, or raise the time-out"
                ),
            },
            Failure::Cancelled => write!(out, "cancelled"),
            Failure::NodeGone => write!(out, "this node is no member any more; join again"),
            Failure::Deadlock => write!(
                out,
                "conversion deadlock with another receiver, as the original patch has it; use the variant `mainline`"
            ),
            Failure::Again => write!(out, "another node stands in the way"),
            Failure::Refused(refusal) => write!(out, "{refusal}"),
            Failure::Unexpected(status) => write!(out, "the lock manager answered {status:?}"),
        }
    }
}

impl std::error::Error for ChannelError {}
