//! A lock held for the life of the channel and converted to and fro, as md-cluster's `dlm_lock_resource` (spec §4.1):
//! requested once in NL with EXPEDITE, afterwards conversions only, each waited for.

use super::backend::LockBackend;
use super::error::{ChannelError, Failure, Place, Resource};
use super::interrupt::Interrupt;
use super::lock_state::{Completion, LockState, Notice};
use super::signal::{WaitMode, now_ns};
use super::trace::{Trace, Traced};
use crate::dlm::{Flags, LVB_BYTES, Lvb, Mode, Refusal, Request, Status};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a cancel may take before the wait is given up altogether: only a lock manager in the middle of a recovery, or
/// one on another machine, needs any of it.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// How to wait for a conversion.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    pub(super) mode: WaitMode,
    /// None waits for ever.
    pub(super) timeout: Option<Duration>,
    /// Whether a conversion that timed out is taken back; mainline leaves it queued.
    pub(super) take_back: bool,
    pub(super) interrupt: Interrupt<'a>,
}

/// One operation: what is asked for.
#[derive(Clone, Copy)]
pub(super) struct Conversion {
    pub(super) mode: Mode,
    /// Besides CONVERT and VALBLK, which the resource adds.
    pub(super) flags: Flags,
}

impl Conversion {
    pub(super) const fn to(mode: Mode) -> Conversion {
        Conversion {
            mode,
            flags: Flags::NONE,
        }
    }
}

pub(super) struct LockResource {
    resource: Resource,
    backend: Arc<dyn LockBackend>,
    lock: u64,
    flags: Flags,
    notice: bool,
    state: Arc<LockState>,
    /// Operations that the lock manager accepted; each completes once.
    issued: Mutex<u32>,
    trace: Option<Arc<Trace>>,
}

impl LockResource {
    /// Requests the lock in NL.
    pub(super) fn request(
        resource: Resource,
        backend: Arc<dyn LockBackend>,
        notice: Option<Arc<Notice>>,
        trace: Option<Arc<Trace>>,
        patience: &Patience<'_>,
    ) -> Result<LockResource, ChannelError> {
        let lvb = match resource {
            Resource::Message => Some([0; LVB_BYTES]),
            _ => None,
        };
        let kept = if lvb.is_some() {
            Flags::VALBLK
        } else {
            Flags::NONE
        };
        let wants_bast = notice.is_some();
        let state = Arc::new(LockState::new(resource, notice, trace.clone()));
        let request = Request {
            mode: Mode::Nl,
            flags: Flags::EXPEDITE | kept,
            lvb: lvb.as_ref(),
            blocking_callbacks: wants_bast,
        };
        let start_ns = trace.as_ref().map(|_| now_ns());
        let sink: Arc<LockState> = Arc::clone(&state);
        let lock = backend.request(resource.name(), &request, sink);
        let lock = lock.map_err(|refusal| {
            ChannelError::new(Place::Lock(resource, Mode::Nl), Failure::Refused(refusal))
        })?;
        let made = LockResource {
            resource,
            backend,
            lock,
            flags: Flags::CONVERT | kept,
            notice: wants_bast,
            state,
            issued: Mutex::new(1),
            trace,
        };
        let outcome = made.wait(1, patience);
        made.note(Mode::Nl, request.flags, &outcome, start_ns);
        match made.judge(Mode::Nl, outcome) {
            Ok(_) => Ok(made),
            Err(error) => {
                made.unlock();
                Err(error)
            }
        }
    }

    /// Converts and waits. Returns the completion; errors are those of `judge`.
    pub(super) fn convert(
        &self,
        conversion: Conversion,
        patience: &Patience<'_>,
    ) -> Result<Completion, ChannelError> {
        let start_ns = self.trace.as_ref().map(|_| now_ns());
        let flags = self.flags | conversion.flags;
        let lvb = flags.has(Flags::VALBLK).then(|| self.state.lvb());
        let request = Request {
            mode: conversion.mode,
            flags,
            lvb: lvb.as_ref(),
            blocking_callbacks: self.notice,
        };
        let outcome = self
            .issue(&request, patience)
            .and_then(|number| self.wait(number, patience));
        self.note(conversion.mode, flags, &outcome, start_ns);
        self.judge(conversion.mode, outcome)
    }

    /// The value block as last read, or set.
    pub(super) fn lvb(&self) -> Lvb {
        self.state.lvb()
    }

    /// What the next conversion that writes will write.
    pub(super) fn set_lvb(&self, lvb: &Lvb) {
        self.state.set_lvb(lvb);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state.is_gone()
    }

    /// Wakes whoever waits, to look at its interrupt.
    pub(super) fn nudge(&self) {
        self.state.signal.notify();
    }

    /// Gives the lock up, whatever it is doing. Nobody waits for it: a node that goes has nobody to report to.
    pub(super) fn unlock(&self) {
        let _ = self.backend.unlock(self.lock, Flags::FORCEUNLOCK);
    }

    /// The number of the completion that answers this operation.
    fn issue(&self, request: &Request<'_>, patience: &Patience<'_>) -> Result<u32, Failure> {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        match self.backend.convert(self.lock, request) {
            Ok(()) => {
                *issued = issued.wrapping_add(1);
                Ok(*issued)
            }
            Err(Refusal::NodeGone) => Err(Failure::NodeGone),
            // A channel that is closed has no locks any more.
            Err(Refusal::UnknownLock) if patience.interrupt.raised() => Err(Failure::Cancelled),
            Err(refusal) => Err(Failure::Refused(refusal)),
        }
    }

    fn wait(&self, number: u32, patience: &Patience<'_>) -> Result<Completion, Failure> {
        let ended = || {
            let completion = self.state.completion();
            if completion.count == number {
                return Some(Ok(completion));
            }
            if self.state.is_gone() {
                return Some(Err(Failure::NodeGone));
            }
            patience
                .interrupt
                .raised()
                .then_some(Err(Failure::Cancelled))
        };
        let waited = self
            .state
            .signal
            .wait(patience.mode, patience.timeout, ended);
        let failure = match waited {
            Some(Ok(completion)) => return Ok(completion),
            Some(Err(Failure::NodeGone)) => return Err(Failure::NodeGone),
            Some(Err(failure)) => failure,
            None if !patience.take_back => return Err(Failure::TimedOut),
            None => Failure::TimedOut,
        };
        match self.take_back(number) {
            // Granted in the last moment: it counts, and an interrupt ends the next wait.
            Some(completion) if completion.status == Status::Granted => Ok(completion),
            _ => Err(failure),
        }
    }

    /// Cancels the operation and waits until it is over, one way or the other.
    fn take_back(&self, number: u32) -> Option<Completion> {
        // A refusal means that the operation is over already, or the node gone.
        let _ = self.backend.cancel(self.lock);
        self.state
            .signal
            .wait(WaitMode::Park, Some(CANCEL_GRACE), || {
                let completion = self.state.completion();
                if completion.count == number {
                    return Some(Some(completion));
                }
                self.state.is_gone().then_some(None)
            })?
    }

    fn judge(
        &self,
        mode: Mode,
        outcome: Result<Completion, Failure>,
    ) -> Result<Completion, ChannelError> {
        let failure = match outcome {
            Ok(completion) => match completion.status {
                Status::Granted => return Ok(completion),
                Status::Again => Failure::Again,
                Status::Deadlock => Failure::Deadlock,
                Status::Cancelled => Failure::Cancelled,
                status @ Status::Unlocked => Failure::Unexpected(status),
            },
            Err(failure) => failure,
        };
        Err(ChannelError::new(Place::Lock(self.resource, mode), failure))
    }

    fn note(
        &self,
        mode: Mode,
        flags: Flags,
        outcome: &Result<Completion, Failure>,
        start_ns: Option<u64>,
    ) {
        let (Some(trace), Some(start_ns)) = (&self.trace, start_ns) else {
            return;
        };
        let status = match outcome {
            Ok(completion) => Some(completion.status.code()),
            Err(Failure::Refused(refusal)) => Some(-refusal.errno()),
            Err(_) => None,
        };
        trace.push(Traced::Call {
            resource: self.resource,
            mode,
            flags,
            status,
            start_ns,
            end_ns: now_ns(),
        });
    }
}
