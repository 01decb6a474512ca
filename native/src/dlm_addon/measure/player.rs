//! A node that plays a part in a measurement: locks, and the queue on which its one thread waits.

use super::Plan;
use crate::dlm::{
    CallbackQueue, Event, Flags, LockId, Lockspace, Lvb, Mode, Node, Refusal, Request, Status,
    Wait, Waited,
};
use crate::dlm_addon::stop::Stop;
use std::sync::Arc;

pub(super) const RESOURCE: &[u8] = b"token";

pub(super) struct Player {
    pub(super) node: Node,
    pub(super) queue: Arc<CallbackQueue>,
    wait: Wait,
    hears_blocking: bool,
    lvb: Option<Lvb>,
}

/// The measurement was stopped.
pub(super) struct Stopped;

/// A refusal here is a mistake in the measurement; the thread's panic ends it and is reported.
pub(super) fn sure<T>(outcome: Result<T, Refusal>) -> T {
    outcome.unwrap_or_else(|refusal| panic!("{refusal}"))
}

impl Player {
    pub(super) fn join(
        lockspace: &Arc<Lockspace>,
        number: u32,
        plan: Plan,
        hears_blocking: bool,
        stop: Option<&Stop>,
    ) -> Player {
        let queue = CallbackQueue::new();
        let node = sure(lockspace.join(number, queue.clone()));
        if let Some(stop) = stop {
            let watched = Arc::clone(&queue);
            stop.watch(move || watched.close());
        }
        while queue.poll().is_some() {}
        Player {
            node,
            queue,
            wait: plan.wait(),
            hears_blocking,
            lvb: plan.value_block.then_some([0; 64]),
        }
    }

    /// A request as the plan has it, with or without value block.
    #[inline]
    fn ask(&self, mode: Mode) -> Request<'_> {
        let request = Request {
            blocking_callbacks: self.hears_blocking,
            ..Request::new(mode)
        };
        match &self.lvb {
            Some(lvb) => request.lvb(lvb),
            None => request,
        }
    }

    pub(super) fn request(&self, tag: u64, mode: Mode) -> LockId {
        sure(self.node.lock(RESOURCE, tag, &self.ask(mode)))
    }

    #[inline]
    pub(super) fn convert(&self, lock: LockId, mode: Mode) {
        sure(self.node.convert(lock, &self.ask(mode)));
    }

    pub(super) fn unlock(&self, lock: LockId) {
        sure(self.node.unlock(lock, Flags::NONE, None));
    }

    /// Waits for the next callback that `wanted` takes; others are passed over.
    pub(super) fn wait_for(&self, mut wanted: impl FnMut(&Event) -> bool) -> Result<(), Stopped> {
        loop {
            match self.queue.wait(self.wait) {
                Waited::Event(event) if wanted(&event) => return Ok(()),
                Waited::Event(_) | Waited::TimedOut => {}
                Waited::Interrupted | Waited::Closed => return Err(Stopped),
            }
        }
    }

    pub(super) fn wait_for_grant(&self, of: u64, in_mode: Mode) -> Result<(), Stopped> {
        self.wait_for(|event| {
            matches!(event, Event::Ast { tag, status: Status::Granted, mode: Some(mode), .. }
                if *tag == of && *mode == in_mode)
        })
    }
}
