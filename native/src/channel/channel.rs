//! The channel as its owner holds it: join, stop, and the two locks beside the messages.

use super::backend::LockBackend;
use super::core::{Core, patience};
use super::error::{ChannelError, Resource};
use super::interrupt::CancelToken;
use super::lock_resource::{Conversion, LockResource};
use super::lock_state::Notice;
use super::options::Options;
use super::times::{JoinStep, Times};
use super::trace::{Trace, Traced};
use super::turn::Turn;
use crate::dlm::{Flags, Mode};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

/// One node's end of the message channel. Clones are the same end; all threads may use it. Dropped with its last clone,
/// token and message, it gives up its locks, as `close` does.
#[derive(Clone)]
pub struct Channel {
    pub(super) core: Arc<Core>,
}

/// Whether a conversion may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// For the channel's time-out.
    Wait,
    /// For ever, until cancelled: as the kernel waits for `resync`.
    WaitForEver,
    /// Fail with EAGAIN (NOQUEUE).
    No,
}

impl Channel {
    /// Joins: steps 5 to 9 of spec §4.2. Afterwards messages arrive; `join_resync` is step 11.
    ///
    /// # Errors
    /// Where a lock is not granted in time: above all the token, which a node that sends holds. Then nothing stays locked.
    pub fn join(
        backend: Arc<dyn LockBackend>,
        options: Options,
        cancel: Option<&CancelToken>,
    ) -> Result<(Channel, Times), ChannelError> {
        let mut times = Times::start(true);
        let trace = options.trace.then(|| Arc::new(Trace::default()));
        let never = AtomicBool::new(false);
        let request = |resource| {
            let patience = patience(&options, &never, cancel);
            LockResource::request(
                resource,
                Arc::clone(&backend),
                None,
                trace.clone(),
                &patience,
            )
        };
        let mut locks = Vec::with_capacity(3);
        for (resource, step) in [
            (Resource::Message, JoinStep::Message),
            (Resource::Token, JoinStep::Token),
            (Resource::NoNewDev, JoinStep::NoNewDev),
        ] {
            match request(resource) {
                Ok(lock) => locks.push(lock),
                Err(error) => {
                    locks.iter().for_each(LockResource::unlock);
                    return Err(error);
                }
            }
            times.mark(step);
        }
        let [message, token, no_new_dev] = <[LockResource; 3]>::try_from(locks)
            .unwrap_or_else(|_| unreachable!("three resources were requested"));
        let core = Arc::new(Core {
            options,
            backend,
            token,
            message,
            no_new_dev,
            ack: OnceLock::new(),
            resync: OnceLock::new(),
            notice: Arc::new(Notice::default()),
            send_turn: Turn::default(),
            receive_turn: Turn::default(),
            rest: Mutex::new(None),
            stopped: AtomicBool::new(false),
            trace,
        });
        // From here on a failure drops the core, which unlocks.
        core.convert(&core.token, Mode::Ex, cancel)?;
        times.mark(JoinStep::TokenEx);
        let ack = LockResource::request(
            Resource::Ack,
            Arc::clone(&core.backend),
            Some(Arc::clone(&core.notice)),
            core.trace.clone(),
            &core.patience(cancel),
        )?;
        times.mark(JoinStep::Ack);
        core.convert(core.ack.get_or_init(|| ack), Mode::Cr, cancel)?;
        times.mark(JoinStep::AckCr);
        core.convert(&core.token, Mode::Nl, cancel)?;
        times.mark(JoinStep::TokenNl);
        core.convert(&core.no_new_dev, Mode::Cr, cancel)?;
        times.mark(JoinStep::NoNewDevCr);
        Ok((Channel { core }, times))
    }

    /// Step 11 of the join, after the caller has its bitmap lock (step 10): requests `resync` in NL.
    ///
    /// # Errors
    /// As `join`. A second call does nothing.
    pub fn join_resync(&self, times: &mut Times) -> Result<(), ChannelError> {
        let core = &self.core;
        if core.resync.get().is_none() {
            let lock = LockResource::request(
                Resource::Resync,
                Arc::clone(&core.backend),
                None,
                core.trace.clone(),
                &core.patience(None),
            )?;
            if let Err(second) = core.resync.set(lock) {
                second.unlock();
            }
        }
        times.mark(JoinStep::Resync);
        Ok(())
    }

    /// Converts `no-new-dev`, the veto on a new disk (spec §6.2): EX without waiting by the sender, NL by a node that
    /// agrees, CR by all before and after.
    ///
    /// # Errors
    /// `Failure::Again` where another node vetoes; else as every conversion.
    pub fn convert_no_new_dev(
        &self,
        mode: Mode,
        blocking: Blocking,
        cancel: Option<&CancelToken>,
    ) -> Result<(), ChannelError> {
        self.convert_other(&self.core.no_new_dev, mode, blocking, cancel)
    }

    /// Converts `resync`, which the one node that resyncs holds in EX (spec §4.5).
    ///
    /// # Errors
    /// `Failure::Again` without waiting; ENOENT before `join_resync`; else as every conversion.
    pub fn convert_resync(
        &self,
        mode: Mode,
        blocking: Blocking,
        cancel: Option<&CancelToken>,
    ) -> Result<(), ChannelError> {
        let Some(resync) = self.core.resync.get() else {
            let place = super::error::Place::Lock(Resource::Resync, mode);
            let refusal = crate::dlm::Refusal::ConvertWithoutLock;
            return Err(ChannelError::new(
                place,
                super::error::Failure::Refused(refusal),
            ));
        };
        self.convert_other(resync, mode, blocking, cancel)
    }

    fn convert_other(
        &self,
        lock: &LockResource,
        mode: Mode,
        blocking: Blocking,
        cancel: Option<&CancelToken>,
    ) -> Result<(), ChannelError> {
        let mut patience = self.core.patience(cancel);
        let mut conversion = Conversion::to(mode);
        match blocking {
            Blocking::Wait => {}
            Blocking::WaitForEver => {
                patience.timeout = None;
                patience.take_back = true;
            }
            Blocking::No => conversion.flags = Flags::NOQUEUE,
        }
        lock.convert(conversion, &patience).map(drop)
    }

    /// Ends the waits of the operations that were given this token, and theirs only.
    pub fn cancel(&self, token: &CancelToken) {
        token.set();
        self.core.nudge();
    }

    /// Ends every wait, now and later: each operation that would have to wait fails with `Failure::Cancelled`. The locks
    /// stay until `close`, or until the last handle is dropped.
    pub fn stop(&self) {
        self.core.stop();
    }

    /// Stops, and gives up all locks at once, whatever is under way: as a node that leaves. Others are held up no longer.
    pub fn close(&self) {
        self.core.stop();
        self.core.unlock_all();
    }

    /// The lock calls since the last time, in order; empty unless `Options::trace` is set.
    pub fn trace(&self) -> Vec<Traced> {
        let trace = self.core.trace.as_ref();
        trace.map(|trace| trace.take()).unwrap_or_default()
    }
}
