//! A node as its threads hold it: the operations.

use super::callback::{Afterwards, Sink};
use super::lockspace::Lockspace;
use super::operations::Request;
use super::resource::{Newcomer, Resource};
use super::resource_table::Guarded;
use super::sync::{AtomicBool, MutexGuard, Ordering};
use super::{Flags, LockId, Lvb, Refusal};
use std::sync::Arc;

/// Most bytes of a resource's name (DLM_RESNAME_MAXLEN).
pub const RESOURCE_NAME_BYTES: usize = 64;

/// A member of a lockspace. All of its threads may use it at once; dropped, the node leaves and its locks go.
///
/// Every operation returns at once. A `Refusal` means that nothing happened; otherwise the outcome comes as a completion,
/// which may be delivered before the call returns.
pub struct Node {
    lockspace: Arc<Lockspace>,
    node: u32,
    slot: u32,
    sink: Arc<dyn Sink>,
    alive: Arc<AtomicBool>,
}

impl Node {
    pub(super) fn new(
        lockspace: Arc<Lockspace>,
        node: u32,
        slot: u32,
        sink: Arc<dyn Sink>,
        alive: Arc<AtomicBool>,
    ) -> Node {
        Node {
            lockspace,
            node,
            slot,
            sink,
            alive,
        }
    }

    pub fn number(&self) -> u32 {
        self.node
    }

    /// From 1, as fs/dlm counts; md's slots count from 0.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    pub fn lockspace(&self) -> &Arc<Lockspace> {
        &self.lockspace
    }

    /// Requests a new lock on `name`; its callbacks carry `tag` and go to the node's sink.
    ///
    /// Where NOQUEUE fails (completion EAGAIN) the lock is gone by the time this returns its id.
    ///
    /// # Errors
    /// EINVAL for a name over 64 bytes and for flags that do not fit, ESHUTDOWN once the node is gone.
    pub fn lock(&self, name: &[u8], tag: u64, request: &Request<'_>) -> Result<LockId, Refusal> {
        self.lock_with(name, tag, request, Arc::clone(&self.sink))
    }

    /// As `lock`, with a sink for this lock alone.
    ///
    /// # Errors
    /// As `lock`.
    pub fn lock_with(
        &self,
        name: &[u8],
        tag: u64,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<LockId, Refusal> {
        if name.len() > RESOURCE_NAME_BYTES {
            return Err(Refusal::NameTooLong);
        }
        request.check(false)?;
        let newcomer = Newcomer {
            node: self.node,
            tag,
            sink,
        };
        let mut afterwards = Afterwards::default();
        let (resource, mut state) = loop {
            let found = self.lockspace.table.find_or_make(name)?;
            let state = self.enter(found.resource);
            // It may have lost its last lock, and its place its name, since it was found.
            match state {
                Ok(state) if state.live && state.incarnation == found.incarnation => {
                    break (found.resource, state);
                }
                Ok(_) => {}
                Err(refusal) => {
                    self.lockspace.table.retire(found.resource);
                    return Err(refusal);
                }
            }
        };
        let outcome = state.request(newcomer, request, &mut afterwards);
        let unused = state.lock_count == 0;
        drop(state);
        if unused {
            self.lockspace.table.retire(resource);
        }
        afterwards.run();
        outcome
    }

    /// Converts a lock to another mode (or the same, to move the value block).
    ///
    /// # Errors
    /// EINVAL for flags that do not fit, ENOENT for a lock that this node does not have, EBUSY while an operation on it
    /// is outstanding, ESHUTDOWN once the node is gone.
    // As with `convert_unopposed`: a frame of its own would cost a fifth of the whole.
    #[inline(always)]
    pub fn convert(&self, lock: LockId, request: &Request<'_>) -> Result<(), Refusal> {
        request.check(true)?;
        let resource = self.resource_of(lock, Refusal::ConvertWithoutLock)?;
        let mut state = self.enter(resource)?;
        let Some(sleeper) = state.convert_unopposed(lock, self.node, request) else {
            return self.convert_opposed(state, lock, *request);
        };
        drop(state);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
        Ok(())
    }

    /// Everything that `convert_unopposed` leaves.
    #[inline(never)]
    fn convert_opposed(
        &self,
        mut state: MutexGuard<'_, Resource>,
        lock: LockId,
        request: Request<'_>,
    ) -> Result<(), Refusal> {
        let mut afterwards = Afterwards::default();
        let place = state.find(lock, self.node)?;
        let outcome = state.convert(place, &request, &mut afterwards);
        drop(state);
        afterwards.run();
        outcome
    }

    /// Gives the lock up; its completion is `Status::Unlocked`. Takes VALBLK and IVVALBLK (also left over from the
    /// last operation) where PW or EX is held, and FORCEUNLOCK. With `lvb`, that is what is written.
    ///
    /// # Errors
    /// EINVAL for other flags, ENOENT for a lock that this node does not have, ESHUTDOWN once the node is gone.
    pub fn unlock(&self, lock: LockId, flags: Flags, lvb: Option<&Lvb>) -> Result<(), Refusal> {
        const KNOWN: u32 = Flags::VALBLK.0 | Flags::IVVALBLK.0 | Flags::FORCEUNLOCK.0;
        if flags.0 & !KNOWN != 0 {
            return Err(Refusal::UnlockFlags);
        }
        self.finish(lock, |state, place, afterwards| {
            state.unlock(place, flags, lvb, afterwards);
            Ok(())
        })
    }

    /// Takes back the outstanding conversion (the lock keeps its mode) or request (the lock goes); the completion is
    /// `Status::Cancelled`. With nothing outstanding nothing happens, and no completion comes.
    ///
    /// # Errors
    /// EINVAL for a lock whose last operation was cancelled already, ENOENT for one that this node does not have,
    /// ESHUTDOWN once the node is gone.
    pub fn cancel(&self, lock: LockId) -> Result<(), Refusal> {
        self.finish(lock, |state, place, afterwards| {
            state.cancel(place, afterwards)
        })
    }

    /// Leaves the lockspace. By force all of its locks go with it; without, it may have none.
    ///
    /// # Errors
    /// EBUSY without force while it has locks, ENOENT where it is no member any more.
    pub fn leave(&self, force: bool) -> Result<(), Refusal> {
        self.check_alive().map_err(|_| Refusal::NodeUnknown)?;
        self.lockspace.leave(self.node, force)
    }

    /// Whether the node is still a member.
    pub fn is_member(&self) -> bool {
        self.check_alive().is_ok()
    }

    #[inline]
    fn check_alive(&self) -> Result<(), Refusal> {
        if self.alive.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(Refusal::NodeGone)
        }
    }

    #[inline]
    fn resource_of(&self, lock: LockId, none: Refusal) -> Result<&Guarded, Refusal> {
        match self.lockspace.table.at(lock.resource()) {
            Some(resource) if !lock.is_none() => Ok(resource),
            _ if lock.is_none() => Err(none),
            _ => Err(Refusal::UnknownLock),
        }
    }

    /// Locks the resource once no change of membership is under way.
    #[inline]
    fn enter<'a>(&self, resource: &'a Guarded) -> Result<MutexGuard<'a, Resource>, Refusal> {
        loop {
            let state = resource.lock();
            if !self.lockspace.is_stopped() {
                self.check_alive()?;
                return Ok(state);
            }
            drop(state);
            self.lockspace.wait_for_recovery();
        }
    }

    /// An operation that may end the lock, and the resource with it.
    fn finish(
        &self,
        lock: LockId,
        operation: impl FnOnce(&mut Resource, u32, &mut Afterwards) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let resource = self.resource_of(lock, Refusal::UnknownLock)?;
        let mut afterwards = Afterwards::default();
        let mut state = self.enter(resource)?;
        let place = state.find(lock, self.node)?;
        let outcome = operation(&mut state, place, &mut afterwards);
        let unused = state.lock_count == 0;
        drop(state);
        if unused {
            self.lockspace.table.retire(resource);
        }
        afterwards.run();
        outcome
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.is_member() {
            // Refused only where another thread was faster.
            let _ = self.lockspace.leave(self.node, true);
        }
    }
}
