//! Receiving (spec §5.3): from the notice to the point where this node is ready for the next message.

use super::channel::Channel;
use super::core::{Core, stopped_at};
use super::error::{ChannelError, Failure, Place};
use super::interrupt::CancelToken;
use super::lock_resource::Conversion;
use super::options::Variant;
use super::times::{ReceiveStep, Times};
use crate::dlm::{Flags, Lvb, Mode, StatusFlags};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is left to do of a receipt, in order.
pub(super) type Rest = &'static [ReceiveStep];

const ACKNOWLEDGE: Rest = &[
    ReceiveStep::AckNl,
    ReceiveStep::MessagePr,
    ReceiveStep::AckCr,
    ReceiveStep::MessageNl,
];
/// PR waits until the sender gave up, then CR to CR makes this node hear notices again: the lock manager sends one for
/// each grant, not for each request.
const REFUSE: Rest = &[
    ReceiveStep::MessagePr,
    ReceiveStep::AckCr,
    ReceiveStep::MessageNl,
];
/// Mainline goes straight to the end, and hears no notice from then on.
const REFUSE_AND_GO_DEAF: Rest = &[ReceiveStep::MessageNl];

impl Channel {
    /// Waits for a message and returns it with this node's acknowledgement still owed: steps 1 to 3. None where `timeout`
    /// passed without one.
    ///
    /// What an earlier receipt left undone (its handle dropped, a wait timed out) is done first.
    ///
    /// # Errors
    /// The step and the reason. After a failure the message is still to be had, by receiving again.
    pub fn receive(
        &self,
        timeout: Option<Duration>,
        cancel: Option<&CancelToken>,
    ) -> Result<Option<Received>, ChannelError> {
        let core = &self.core;
        let start = timeout.map(|_| Instant::now());
        let unfinished = unfinished(core).take();
        if let Some(rest) = unfinished {
            finish(
                core,
                rest,
                &mut Times::start(core.options.step_times),
                cancel,
            )?;
        }
        loop {
            let left = timeout.zip(start);
            let left = left.map(|(timeout, start)| timeout.saturating_sub(start.elapsed()));
            if !wait_for_notice(core, left, cancel)? {
                return Ok(None);
            }
            let mut times = Times::start(core.options.step_times);
            times.mark_at_start(ReceiveStep::Notice);
            core.take(&core.receive_turn, Place::ReceiveTurn, cancel)?;
            times.mark(ReceiveStep::ReceiveTurn);
            // Our own sender may have had its turn meanwhile, and another thread this message.
            if !core.notice.take() {
                core.receive_turn.give_back();
                continue;
            }
            let read = core.convert(&core.message, Mode::Cr, cancel);
            let read = read.inspect_err(|_| {
                core.notice.put();
                core.receive_turn.give_back();
            })?;
            times.mark(ReceiveStep::MessageCr);
            let is_valid = !read.flags.has(StatusFlags::VALNOTVALID);
            let message = Received {
                core: Arc::clone(core),
                payload: core.message.lvb(),
                is_valid,
                times,
                owed: true,
            };
            if is_valid || core.options.variant == Variant::Mainline {
                return Ok(Some(message));
            }
            message.acknowledge(cancel)?;
        }
    }
}

fn wait_for_notice(
    core: &Core,
    timeout: Option<Duration>,
    cancel: Option<&CancelToken>,
) -> Result<bool, ChannelError> {
    let interrupt = core.patience(cancel).interrupt;
    let ack = core.ack()?;
    let seen = core.notice.signal.wait(core.options.wait, timeout, || {
        if core.notice.is_pending() {
            return Some(Ok(()));
        }
        if ack.is_gone() {
            return Some(Err(ChannelError::new(Place::Notice, Failure::NodeGone)));
        }
        interrupt.raised().then_some(Err(stopped_at(Place::Notice)))
    });
    seen.map_or(Ok(false), |outcome| outcome.map(|()| true))
}

/// A message that this node has read and still owes an answer. Dropped without one it counts as refused, which takes
/// effect when this node receives again.
#[must_use = "until it is answered no other node can send"]
pub struct Received {
    core: Arc<Core>,
    payload: Lvb,
    is_valid: bool,
    times: Times,
    owed: bool,
}

impl Received {
    pub fn payload(&self) -> &Lvb {
        &self.payload
    }

    /// False where a recovery could not tell whether this is the newest message; it may have been received before. The
    /// variant `mainline` alone hands such out, as md-cluster does.
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    pub fn times(&self) -> Times {
        self.times
    }

    /// Tells the sender that the message is processed, and makes ready for the next: steps 5 to 8.
    ///
    /// # Errors
    /// The step and the reason. `Failure::Deadlock` (variant `original`) comes after all steps are done. After a time-out
    /// or a cancel this node still holds `message`, so that it misses nothing: receiving again finishes the rest.
    pub fn acknowledge(mut self, cancel: Option<&CancelToken>) -> Result<Times, ChannelError> {
        self.times.mark(ReceiveStep::Processed);
        self.finish(ACKNOWLEDGE, cancel)
    }

    /// Does not acknowledge: the sender runs into its time-out. Waits until it has given up.
    ///
    /// # Errors
    /// As `acknowledge`.
    pub fn refuse(mut self, cancel: Option<&CancelToken>) -> Result<Times, ChannelError> {
        self.times.mark(ReceiveStep::Processed);
        let rest = refusal(&self.core);
        self.finish(rest, cancel)
    }

    fn finish(&mut self, rest: Rest, cancel: Option<&CancelToken>) -> Result<Times, ChannelError> {
        self.owed = false;
        finish(&self.core, rest, &mut self.times, cancel).map(|()| self.times)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if self.owed {
            *unfinished(&self.core) = Some(refusal(&self.core));
        }
    }
}

fn refusal(core: &Core) -> Rest {
    match core.options.variant {
        Variant::Mainline => REFUSE_AND_GO_DEAF,
        Variant::Safe | Variant::Original => REFUSE,
    }
}

fn unfinished(core: &Core) -> MutexGuard<'_, Option<Rest>> {
    core.rest.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does these steps and ends the receive turn. Where one fails that can be tried again, it keeps the turn and leaves the
/// rest to the next receipt; mainline goes on regardless.
fn finish(
    core: &Core,
    rest: Rest,
    times: &mut Times,
    cancel: Option<&CancelToken>,
) -> Result<(), ChannelError> {
    let mut outcome = Ok(());
    for (index, step) in rest.iter().enumerate() {
        if let Err(error) = take_step(core, *step, cancel) {
            let repeatable = matches!(error.failure, Failure::TimedOut | Failure::Cancelled);
            if repeatable && core.options.variant != Variant::Mainline {
                *unfinished(core) = Some(&rest[index..]);
                return Err(error);
            }
            outcome = outcome.and(Err(error));
        }
        times.mark(*step);
    }
    core.receive_turn.give_back();
    outcome
}

fn take_step(
    core: &Core,
    step: ReceiveStep,
    cancel: Option<&CancelToken>,
) -> Result<(), ChannelError> {
    match step {
        ReceiveStep::AckNl => {
            core.convert(core.ack()?, Mode::Nl, cancel)?;
            // Whatever notice came up to here was of this message: the next needs our acknowledgement armed.
            core.notice.take();
        }
        ReceiveStep::MessagePr => wait_for_sender(core, cancel)?,
        ReceiveStep::AckCr => drop(core.convert(core.ack()?, Mode::Cr, cancel)?),
        ReceiveStep::MessageNl => drop(core.convert(&core.message, Mode::Nl, cancel)?),
        ReceiveStep::Notice
        | ReceiveStep::ReceiveTurn
        | ReceiveStep::MessageCr
        | ReceiveStep::Processed => {}
    }
    Ok(())
}

/// Returns once the sender is done with `message`.
fn wait_for_sender(core: &Core, cancel: Option<&CancelToken>) -> Result<(), ChannelError> {
    if core.options.variant != Variant::Original {
        return core.convert(&core.message, Mode::Pr, cancel).map(drop);
    }
    let first = core.convert(&core.message, Mode::Ex, cancel);
    let Err(deadlock) = first else { return Ok(()) };
    if deadlock.failure != Failure::Deadlock {
        return Err(deadlock);
    }
    // Queued again with CR given up in the same moment: behind the other receivers, ahead of the next sender.
    let again = Conversion {
        mode: Mode::Ex,
        flags: Flags::CONVDEADLK,
    };
    core.message.convert(again, &core.patience(cancel))?;
    Err(deadlock)
}
