//! Why an operation is refused at once, without a completion: one enum, each with the kernel's errno and what to do.

use std::fmt;

/// An operation that changed nothing and completes with no callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownMode,
    LockspaceNameLength,
    NameTooLong,
    LvbLength,
    ConvertWithoutLock,
    CancelInRequest,
    QueueConversionOfRequest,
    DeadlockFlagOfRequest,
    DeadlockFlagWithNoQueue,
    ExpediteConversion,
    ExpediteWithNoQueue,
    ExpediteMode,
    ValueBlockMissing,
    QueueConversionModes,
    UnlockFlags,
    CancelTwice,
    OperationOutstanding,
    UnknownLock,
    NodeGone,
    NodeExists,
    NodeUnknown,
    NodeHoldsLocks,
    ZeroNode,
    TooMany,
}

impl Refusal {
    /// The errno that the kernel's DLM gives here, positive. Without a counterpart there (nodes, limits): the nearest.
    pub const fn errno(self) -> i32 {
        match self {
            Refusal::UnknownLock | Refusal::NodeUnknown => libc::ENOENT,
            Refusal::OperationOutstanding | Refusal::NodeHoldsLocks => libc::EBUSY,
            Refusal::NodeGone => libc::ESHUTDOWN,
            Refusal::NodeExists => libc::EEXIST,
            Refusal::TooMany => libc::ENOMEM,
            _ => libc::EINVAL,
        }
    }

    /// The errno's name.
    pub const fn errno_name(self) -> &'static str {
        match self {
            Refusal::UnknownLock | Refusal::NodeUnknown => "ENOENT",
            Refusal::OperationOutstanding | Refusal::NodeHoldsLocks => "EBUSY",
            Refusal::NodeGone => "ESHUTDOWN",
            Refusal::NodeExists => "EEXIST",
            Refusal::TooMany => "ENOMEM",
            _ => "EINVAL",
        }
    }

    /// What was wrong.
    pub const fn message(self) -> &'static str {
        match self {
            Refusal::UnknownMode => "no such lock mode",
            Refusal::LockspaceNameLength => "a lockspace name has 1 to 64 bytes",
            Refusal::NameTooLong => "a resource name has at most 64 bytes",
            Refusal::LvbLength => "a lock value block has exactly 64 bytes",
            Refusal::ConvertWithoutLock => "CONVERT without the lock to convert",
            Refusal::CancelInRequest => "CANCEL is no flag of a request or a conversion",
            Refusal::QueueConversionOfRequest => "QUECVT on a new request",
            Refusal::DeadlockFlagOfRequest => "CONVDEADLK on a new request",
            Refusal::DeadlockFlagWithNoQueue => "CONVDEADLK together with NOQUEUE",
            Refusal::ExpediteConversion => "EXPEDITE on a conversion",
            Refusal::ExpediteWithNoQueue => "EXPEDITE together with NOQUEUE",
            Refusal::ExpediteMode => "EXPEDITE with a mode other than NL",
            Refusal::ValueBlockMissing => "VALBLK without a lock value block",
            Refusal::QueueConversionModes => "QUECVT on a conversion that never has to wait",
            Refusal::UnlockFlags => "an unlock or cancel with a flag that it does not know",
            Refusal::CancelTwice => "a second cancel of the same operation",
            Refusal::OperationOutstanding => "an operation on this lock is still outstanding",
            Refusal::UnknownLock => {
                "no such lock on this node: never granted, unlocked, or another node's"
            }
            Refusal::NodeGone => "this node has left the lockspace or died",
            Refusal::NodeExists => "a node of this number is in the lockspace already",
            Refusal::NodeUnknown => "no node of this number is in the lockspace",
            Refusal::NodeHoldsLocks => "the node still holds locks",
            Refusal::ZeroNode => "node numbers begin at 1",
            Refusal::TooMany => "too many resources in the lockspace, or locks on one resource",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Refusal::UnknownMode => "use NL, CR, CW, PR, PW or EX (0 to 5)",
            Refusal::LockspaceNameLength | Refusal::NameTooLong => "use a shorter name",
            Refusal::LvbLength => "pass 64 bytes; pad with zeros",
            Refusal::ConvertWithoutLock => {
                "request the lock first, and pass the id that the request returned"
            }
            Refusal::CancelInRequest => "cancel is an operation of its own",
            Refusal::QueueConversionOfRequest | Refusal::DeadlockFlagOfRequest => {
                "leave the flag out, or convert an existing lock"
            }
            Refusal::DeadlockFlagWithNoQueue | Refusal::ExpediteWithNoQueue => {
                "leave one of the two out"
            }
            Refusal::ExpediteConversion => "leave EXPEDITE out: it is for new requests",
            Refusal::ExpediteMode => "request NL, then convert",
            Refusal::ValueBlockMissing => "pass a lock value block, or leave VALBLK out",
            Refusal::QueueConversionModes => {
                "leave QUECVT out: a conversion down, or to the same mode, is granted at once"
            }
            Refusal::UnlockFlags => {
                "use VALBLK, IVVALBLK and FORCEUNLOCK for an unlock, none for a cancel"
            }
            Refusal::CancelTwice => "wait for the completion of the first cancel, or convert again",
            Refusal::OperationOutstanding => "wait for its completion, or cancel it",
            Refusal::UnknownLock => "request the lock again",
            Refusal::NodeGone => "join again",
            Refusal::NodeExists => "use another number, or let that node leave first",
            Refusal::NodeUnknown => "join first",
            Refusal::NodeHoldsLocks => "unlock them, or leave by force",
            Refusal::ZeroNode => "use a number of 1 or more",
            Refusal::TooMany => "unlock what is not used",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}: {}; {}",
            self.errno_name(),
            self.message(),
            self.remedy()
        )
    }
}

impl std::error::Error for Refusal {}
