//! Sending (spec §5.2): the token, the payload, and the wait for everybody's acknowledgement.

use super::channel::Channel;
use super::core::Core;
use super::error::{ChannelError, Place};
use super::interrupt::CancelToken;
use super::options::Variant;
use super::times::{SendStep, Times};
use crate::dlm::{Lvb, Mode};
use std::sync::Arc;

impl Channel {
    /// Broadcasts 64 bytes and returns once every other node of the lockspace has processed them.
    ///
    /// # Errors
    /// The step and the reason. After a failure at `ack` some nodes may have processed the message, others not; after one
    /// before, none has. The channel can be used again.
    pub fn send(&self, payload: &Lvb, cancel: Option<&CancelToken>) -> Result<Times, ChannelError> {
        let mut token = self.take_token(cancel)?;
        let sent = token.send(payload, cancel);
        let mut times = token.times;
        let released = token.release();
        times.mark(SendStep::TokenNl);
        sent?;
        released.map(|()| times)
    }

    /// Takes the token without sending yet: for work that must not be done by two nodes at once (metadata updates, spec
    /// §5.6), and for several messages that belong together (add-disk, spec §6.2). While it is held this node does not
    /// receive, and nobody else sends or joins.
    ///
    /// # Errors
    /// The step and the reason.
    pub fn take_token(&self, cancel: Option<&CancelToken>) -> Result<Token, ChannelError> {
        let core = &self.core;
        let mut times = Times::start(core.options.step_times);
        core.take(&core.send_turn, Place::SendTurn, cancel)?;
        times.mark(SendStep::Turn);
        let granted = core.convert(&core.token, Mode::Ex, cancel);
        if let Err(error) = granted {
            core.send_turn.give_back();
            return Err(error);
        }
        times.mark(SendStep::TokenEx);
        let mut token = Token {
            core: Arc::clone(core),
            times,
            receives_wait: false,
            held: true,
        };
        // A failure drops the token, which gives it back.
        core.take(&core.receive_turn, Place::ReceiveTurn, cancel)?;
        token.receives_wait = true;
        token.times.mark(SendStep::ReceiveTurn);
        Ok(token)
    }
}

/// The right to send, held. Any thread may have it; dropped, it is given back.
pub struct Token {
    core: Arc<Core>,
    /// Of the token, and of the last message.
    times: Times,
    /// Whether the receive turn is ours.
    receives_wait: bool,
    held: bool,
}

impl Token {
    /// Broadcasts under this token, which stays held. The times of its steps begin with those of the token.
    ///
    /// # Errors
    /// As `Channel::send`.
    pub fn send(
        &mut self,
        payload: &Lvb,
        cancel: Option<&CancelToken>,
    ) -> Result<Times, ChannelError> {
        let core = &*self.core;
        core.convert(&core.message, Mode::Ex, cancel)?;
        self.times.mark(SendStep::MessageEx);
        core.message.set_lvb(payload);
        let acknowledged = broadcast(core, &mut self.times, cancel);
        let released = core.convert(&core.message, Mode::Nl, None);
        self.times.mark(SendStep::MessageNl);
        acknowledged?;
        released.map(|_| self.times)
    }

    pub fn times(&self) -> Times {
        self.times
    }

    /// Gives the token back.
    ///
    /// # Errors
    /// Where this node is gone; then it has no token either.
    pub fn release(mut self) -> Result<(), ChannelError> {
        self.give_back()
    }

    fn give_back(&mut self) -> Result<(), ChannelError> {
        if !std::mem::replace(&mut self.held, false) {
            return Ok(());
        }
        let core = &*self.core;
        if self.receives_wait {
            core.receive_turn.give_back();
        }
        let released = core.convert(&core.token, Mode::Nl, None);
        core.send_turn.give_back();
        released.map(drop)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // Refused only where the node is gone.
        let _ = self.give_back();
    }
}

/// Steps 5 to 7: write the payload, wait until all have dropped their acknowledgement, take it up again.
fn broadcast(
    core: &Core,
    times: &mut Times,
    cancel: Option<&CancelToken>,
) -> Result<(), ChannelError> {
    let written = match core.options.variant {
        Variant::Original => Mode::Cr,
        Variant::Safe | Variant::Mainline => Mode::Cw,
    };
    core.convert(&core.message, written, cancel)?;
    times.mark(SendStep::MessageWritten);
    // With the token ours, a notice still pending is of a sender that died or gave up, and its message is overwritten:
    // our receiver would take our own for it.
    core.notice.take();
    let ack = core.ack()?;
    core.convert(ack, Mode::Ex, cancel)?;
    times.mark_always(SendStep::AckEx);
    core.convert(ack, Mode::Cr, None)?;
    times.mark(SendStep::AckCr);
    Ok(())
}
