//! The four operations on a locked resource: request, convert, unlock, cancel (spec §7.2 to §7.4).

use super::callback::{Afterwards, Status};
use super::grant::{Asking, Verdict};
use super::queue::{NONE, Place};
use super::resource::{Newcomer, Resource};
use super::{Flags, LockId, Lvb, Mode, Refusal, StatusFlags};

/// What a request or a conversion asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub mode: Mode,
    pub flags: Flags,
    /// The caller's value block. Copied now; what a completion returns comes with it.
    pub lvb: Option<&'a Lvb>,
    /// Whether this lock hears of requests that it blocks.
    pub blocking_callbacks: bool,
}

impl<'a> Request<'a> {
    /// A request in this mode, without flags, value block or blocking callbacks.
    pub const fn new(mode: Mode) -> Request<'a> {
        Request {
            mode,
            flags: Flags::NONE,
            lvb: None,
            blocking_callbacks: false,
        }
    }

    pub const fn flags(self, flags: Flags) -> Request<'a> {
        Request { flags, ..self }
    }

    /// With this value block, and VALBLK.
    pub const fn lvb(self, lvb: &'a Lvb) -> Request<'a> {
        Request {
            lvb: Some(lvb),
            flags: self.flags.with(Flags::VALBLK),
            ..self
        }
    }

    pub const fn blocking_callbacks(self) -> Request<'a> {
        Request {
            blocking_callbacks: true,
            ..self
        }
    }

    /// The checks that need no lock, in the kernel's order.
    #[inline]
    pub(crate) fn check(&self, converts: bool) -> Result<(), Refusal> {
        const RARE: Flags = Flags(
            Flags::CANCEL.0
                | Flags::CONVERT.0
                | Flags::QUECVT.0
                | Flags::CONVDEADLK.0
                | Flags::EXPEDITE.0
                | Flags::VALBLK.0,
        );
        if !self.flags.has_any(RARE) {
            return Ok(());
        }
        self.check_rare(converts)
    }

    fn check_rare(&self, converts: bool) -> Result<(), Refusal> {
        let has = |flag| self.flags.has(flag);
        let refused = [
            (
                has(Flags::CONVERT) && !converts,
                Refusal::ConvertWithoutLock,
            ),
            (has(Flags::CANCEL), Refusal::CancelInRequest),
            (
                has(Flags::QUECVT) && !converts,
                Refusal::QueueConversionOfRequest,
            ),
            (
                has(Flags::CONVDEADLK) && !converts,
                Refusal::DeadlockFlagOfRequest,
            ),
            (
                has(Flags::CONVDEADLK | Flags::NOQUEUE),
                Refusal::DeadlockFlagWithNoQueue,
            ),
            (
                has(Flags::EXPEDITE) && converts,
                Refusal::ExpediteConversion,
            ),
            (
                has(Flags::EXPEDITE | Flags::NOQUEUE),
                Refusal::ExpediteWithNoQueue,
            ),
            (
                has(Flags::EXPEDITE) && self.mode != Mode::Nl,
                Refusal::ExpediteMode,
            ),
            (
                has(Flags::VALBLK) && self.lvb.is_none(),
                Refusal::ValueBlockMissing,
            ),
        ];
        refused
            .iter()
            .find(|(wrong, _)| *wrong)
            .map_or(Ok(()), |(_, refusal)| Err(*refusal))
    }
}

impl Resource {
    /// A new lock. Its id is good even where the request has failed already (NOQUEUE): the completion names it.
    pub(super) fn request(
        &mut self,
        newcomer: Newcomer,
        request: &Request<'_>,
        afterwards: &mut Afterwards,
    ) -> Result<LockId, Refusal> {
        let lock = self.add(newcomer)?;
        let id = self.id(lock);
        self.take_arguments(lock, request, Flags::NONE);
        if self.decide(lock, Asking::Now) == Verdict::Grant {
            self.grant(lock, afterwards);
        } else if request.flags.has(Flags::NOQUEUE) {
            self.complete(lock, Status::Again, None, false, afterwards);
            self.block_after_failure(lock, afterwards);
            self.discard(lock, afterwards);
        } else {
            self.enqueue(lock, Place::Wait);
            self.block_holders(self.granted.head, lock, afterwards);
        }
        Ok(id)
    }

    #[inline]
    pub(super) fn convert(
        &mut self,
        lock: u32,
        request: &Request<'_>,
        afterwards: &mut Afterwards,
    ) -> Result<(), Refusal> {
        let entry = &self.locks[lock as usize];
        if request.flags.has(Flags::QUECVT)
            && !Mode::may_queue_conversion(entry.granted, request.mode)
        {
            return Err(Refusal::QueueConversionModes);
        }
        if entry.place != Place::Granted {
            return Err(Refusal::OperationOutstanding);
        }
        self.take_arguments(lock, request, Flags::CONVERT);
        match self.decide(lock, Asking::Now) {
            Verdict::Grant => {
                self.grant(lock, afterwards);
                self.grant_pending(afterwards);
            }
            verdict => self.convert_later(lock, verdict, afterwards),
        }
        Ok(())
    }

    fn convert_later(&mut self, lock: u32, verdict: Verdict, afterwards: &mut Afterwards) {
        let entry = &self.locks[lock as usize];
        let (flags, granted) = (entry.flags, entry.granted);
        if verdict == Verdict::Deadlock && !flags.has(Flags::NODLCKWT) {
            self.locks[lock as usize].requested = None;
            self.complete(lock, Status::Deadlock, granted, false, afterwards);
            return;
        }
        if self.locks[lock as usize]
            .status_flags
            .has(StatusFlags::DEMOTED)
        {
            // What this lock gave up may let those ahead through, and then itself.
            self.grant_conversions(afterwards);
            if self.grantable(lock, Asking::Now) {
                self.grant(lock, afterwards);
                self.grant_pending(afterwards);
                return;
            }
        }
        if flags.has(Flags::NOQUEUE) {
            self.complete(lock, Status::Again, granted, false, afterwards);
            self.block_after_failure(lock, afterwards);
            return;
        }
        self.unqueue(lock);
        self.enqueue(lock, Place::Convert);
        self.block_holders(self.granted.head, lock, afterwards);
    }

    /// Unlocks whatever the lock's state: as in the kernel, one that waits goes too, with or without FORCEUNLOCK.
    pub(super) fn unlock(
        &mut self,
        lock: u32,
        flags: Flags,
        lvb: Option<&Lvb>,
        afterwards: &mut Afterwards,
    ) {
        let entry = &mut self.locks[lock as usize];
        entry.flags |= flags;
        entry.status_flags = StatusFlags::default();
        keep(&mut entry.lvb, lvb);
        if entry.granted >= Some(Mode::Pw) {
            self.write_lvb(lock);
        }
        self.unqueue(lock);
        self.locks[lock as usize].granted = None;
        self.complete(lock, Status::Unlocked, None, false, afterwards);
        self.discard(lock, afterwards);
        self.grant_pending(afterwards);
    }

    /// Takes back a queued conversion or request. With nothing to cancel it does nothing, without a completion.
    pub(super) fn cancel(&mut self, lock: u32, afterwards: &mut Afterwards) -> Result<(), Refusal> {
        let entry = &mut self.locks[lock as usize];
        if entry.flags.has(Flags::CANCEL) {
            return Err(Refusal::CancelTwice);
        }
        if entry.place == Place::Granted {
            return Ok(());
        }
        entry.flags |= Flags::CANCEL;
        entry.status_flags = StatusFlags::default();
        entry.requested = None;
        let granted = entry.granted;
        let converts = entry.place == Place::Convert;
        self.unqueue(lock);
        if converts {
            self.enqueue(lock, Place::Granted);
        }
        self.complete(lock, Status::Cancelled, granted, false, afterwards);
        if !converts {
            self.discard(lock, afterwards);
        }
        self.grant_pending(afterwards);
        Ok(())
    }

    #[inline]
    fn take_arguments(&mut self, lock: u32, request: &Request<'_>, kind: Flags) {
        let entry = &mut self.locks[lock as usize];
        entry.flags = request.flags.with(kind);
        entry.status_flags = StatusFlags::default();
        entry.requested = Some(request.mode);
        entry.wants_bast = request.blocking_callbacks;
        keep(&mut entry.lvb, request.lvb);
    }

    /// Blocking callbacks for a NOQUEUE that failed: only with NOQUEUEBAST, then to conversions that wait as well.
    fn block_after_failure(&mut self, lock: u32, afterwards: &mut Afterwards) {
        if self.locks[lock as usize].flags.has(Flags::NOQUEUEBAST) {
            self.block_holders(self.granted.head, lock, afterwards);
            self.block_holders(self.convert.head, lock, afterwards);
        }
    }

    /// Tells the holders from `first` on that `waiter` waits for them, each once for a level of conflict.
    fn block_holders(&mut self, first: u32, waiter: u32, afterwards: &mut Afterwards) {
        let Some(requested) = self.locks[waiter as usize].requested else {
            return;
        };
        let mut lock = first;
        while lock != NONE {
            let entry = &self.locks[lock as usize];
            let next = entry.next;
            if lock != waiter
                && entry.wants_bast
                && let Some(mode) = entry.granted
            {
                let due = match (mode, requested) {
                    // Neither is the higher of these two, so the level says nothing.
                    (Mode::Pr, Mode::Cw) | (Mode::Cw, Mode::Pr) => entry.high_bast < Mode::Ex,
                    _ => entry.high_bast < requested && !mode.goes_with(requested),
                };
                if due {
                    self.block(lock, requested, requested, afterwards);
                }
            }
            lock = next;
        }
    }
}

/// Keeps the caller's value block; without one, what was kept before stays.
#[inline]
fn keep(buffer: &mut Option<Box<Lvb>>, lvb: Option<&Lvb>) {
    if let Some(lvb) = lvb {
        match buffer {
            Some(buffer) => **buffer = *lvb,
            none => *none = Some(Box::new(*lvb)),
        }
    }
}
