//! A thread that asks for one thing after the other and sleeps until it has it.

use super::Unmeasured;
use crate::channel::LockBackend;
use crate::dlm::{CallbackQueue, Event, Flags, Lvb, Mode, Request, Wait, Waited};
use crate::dlm_addon::stop::Stop;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Locks on one resource, of which it holds few and never has more than one operation under way. Dropped, it gives them up.
pub(super) struct Caller {
    backend: Arc<dyn LockBackend>,
    resource: String,
    lvb: Option<Lvb>,
    queue: Arc<CallbackQueue>,
    held: Vec<u64>,
}

impl Caller {
    pub(super) fn new(
        backend: Arc<dyn LockBackend>,
        resource: String,
        value_block: bool,
        stop: &Stop,
    ) -> Caller {
        let queue = CallbackQueue::new();
        let watched = Arc::clone(&queue);
        stop.watch(move || watched.close());
        Caller {
            backend,
            resource,
            lvb: value_block.then_some([0; 64]),
            queue,
            held: Vec::new(),
        }
    }

    /// A lock in NL, whatever waits: a plain request would wait behind conversions that do.
    pub(super) fn request_expedited(&mut self) -> Result<u64, Unmeasured> {
        let lvb = self.lvb;
        let request = ask(lvb.as_ref(), Mode::Nl);
        let request = request.flags(request.flags | Flags::EXPEDITE);
        self.ask_for(&request).map(|(lock, _)| lock)
    }

    pub(super) fn request(&mut self, mode: Mode) -> Result<(u64, Duration), Unmeasured> {
        let lvb = self.lvb;
        self.ask_for(&ask(lvb.as_ref(), mode))
    }

    fn ask_for(&mut self, request: &Request<'_>) -> Result<(u64, Duration), Unmeasured> {
        let start = Instant::now();
        let lock = self
            .backend
            .request(&self.resource, request, self.queue.clone())?;
        self.held.push(lock);
        self.wait()?;
        Ok((lock, start.elapsed()))
    }

    pub(super) fn convert(&self, lock: u64, mode: Mode) -> Result<Duration, Unmeasured> {
        let start = Instant::now();
        self.ask_to_convert(lock, mode)?;
        self.wait()?;
        Ok(start.elapsed())
    }

    /// `wait` has to follow.
    pub(super) fn ask_to_convert(&self, lock: u64, mode: Mode) -> Result<(), Unmeasured> {
        self.backend.convert(lock, &ask(self.lvb.as_ref(), mode))?;
        Ok(())
    }

    pub(super) fn unlock(&mut self, lock: u64) -> Result<Duration, Unmeasured> {
        let start = Instant::now();
        self.backend.unlock(lock, Flags::NONE)?;
        self.wait()?;
        let taken = start.elapsed();
        self.held.retain(|held| *held != lock);
        Ok(taken)
    }

    /// For the completion of what was asked last: nothing asked here can end but as asked.
    pub(super) fn wait(&self) -> Result<(), Unmeasured> {
        loop {
            match self.queue.wait(Wait::default()) {
                Waited::Event(Event::Ast { .. }) => return Ok(()),
                Waited::Event(_) | Waited::TimedOut => {}
                Waited::Interrupted | Waited::Closed => return Err(Unmeasured::Stopped),
            }
        }
    }
}

fn ask(lvb: Option<&Lvb>, mode: Mode) -> Request<'_> {
    match lvb {
        Some(lvb) => Request::new(mode).lvb(lvb),
        None => Request::new(mode),
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        for lock in &self.held {
            // Refused only where the node is gone, and the lock with it.
            let _ = self.backend.unlock(*lock, Flags::FORCEUNLOCK);
        }
    }
}
