//! What the parts of a channel share: its locks, its two turns, and how it waits.

use super::backend::LockBackend;
use super::error::{ChannelError, Failure, Place, Resource};
use super::interrupt::{CancelToken, Interrupt};
use super::lock_resource::{Conversion, LockResource, Patience};
use super::lock_state::{Completion, Notice};
use super::options::{Options, Variant};
use super::receive::Rest;
use super::trace::Trace;
use super::turn::{NoTurn, Turn};
use crate::dlm::Mode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

pub(super) struct Core {
    pub(super) options: Options,
    pub(super) backend: Arc<dyn LockBackend>,
    pub(super) token: LockResource,
    pub(super) message: LockResource,
    pub(super) no_new_dev: LockResource,
    /// Requested only once the token is held, so that no message is in flight when it is armed (CR).
    pub(super) ack: OnceLock<LockResource>,
    pub(super) resync: OnceLock<LockResource>,
    pub(super) notice: Arc<Notice>,
    /// One sender a node (SEND_LOCK).
    pub(super) send_turn: Turn,
    /// A node that sends does not receive (recv_mutex).
    pub(super) receive_turn: Turn,
    /// A receipt that was broken off; whoever receives next finishes it first.
    pub(super) rest: Mutex<Option<Rest>>,
    pub(super) stopped: AtomicBool,
    pub(super) trace: Option<Arc<Trace>>,
}

impl Core {
    pub(super) fn patience<'a>(&'a self, token: Option<&'a CancelToken>) -> Patience<'a> {
        patience(&self.options, &self.stopped, token)
    }

    pub(super) fn ack(&self) -> Result<&LockResource, ChannelError> {
        self.ack
            .get()
            .ok_or_else(|| stopped_at(Place::Lock(Resource::Ack, Mode::Cr)))
    }

    pub(super) fn convert(
        &self,
        lock: &LockResource,
        mode: Mode,
        token: Option<&CancelToken>,
    ) -> Result<Completion, ChannelError> {
        lock.convert(Conversion::to(mode), &self.patience(token))
    }

    pub(super) fn take(
        &self,
        turn: &Turn,
        place: Place,
        token: Option<&CancelToken>,
    ) -> Result<(), ChannelError> {
        let patience = self.patience(token);
        turn.take(patience.mode, patience.timeout, || {
            patience.interrupt.raised()
        })
        .map_err(|reason| {
            let failure = match reason {
                NoTurn::TimedOut => Failure::TimedOut,
                NoTurn::Interrupted => Failure::Cancelled,
            };
            ChannelError::new(place, failure)
        })
    }

    /// Ends every wait, now and later.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.nudge();
    }

    /// Wakes everybody who waits, to look at their interrupts.
    pub(super) fn nudge(&self) {
        self.locks().for_each(LockResource::nudge);
        self.notice.signal.notify();
        self.send_turn.signal.notify();
        self.receive_turn.signal.notify();
    }

    pub(super) fn unlock_all(&self) {
        self.locks().for_each(LockResource::unlock);
    }

    fn locks(&self) -> impl Iterator<Item = &LockResource> {
        [&self.token, &self.message, &self.no_new_dev]
            .into_iter()
            .chain(self.ack.get())
            .chain(self.resync.get())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.unlock_all();
    }
}

pub(super) fn patience<'a>(
    options: &Options,
    stopped: &'a AtomicBool,
    token: Option<&'a CancelToken>,
) -> Patience<'a> {
    Patience {
        mode: options.wait,
        timeout: options.timeout,
        take_back: options.variant != Variant::Mainline,
        interrupt: Interrupt { stopped, token },
    }
}

pub(super) const fn stopped_at(place: Place) -> ChannelError {
    ChannelError::new(place, Failure::Cancelled)
}
