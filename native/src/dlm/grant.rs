//! Who is granted, and when (spec §7.2): the ten rules, the conversion deadlock, the alternative modes, and the pass over
//! the queues after something was given up.

use super::callback::{Afterwards, Status};
use super::queue::{NONE, Place};
use super::resource::Resource;
use super::{Flags, Mode, StatusFlags};

/// What became of a lock that asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Grant,
    /// It has to wait. CONVDEADLK may have demoted it meanwhile (`StatusFlags::DEMOTED`).
    Wait,
    /// It would wait for itself.
    Deadlock,
}

/// When a lock asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// In its own operation.
    Now,
    /// From its queue.
    Queued,
    /// From its queue after a recovery, which has lost the order of conversions.
    Recovered,
}

impl Resource {
    /// Rules 1 to 10, without the deadlock check and the alternative modes.
    #[inline]
    pub(super) fn grantable(&self, lock: u32, asking: Asking) -> bool {
        let entry = &self.locks[lock as usize];
        if entry.flags.has(Flags::EXPEDITE) {
            return true;
        }
        if self.conflicts(lock) {
            return false;
        }
        if entry.granted.is_some() {
            return match asking {
                Asking::Recovered => true,
                Asking::Now => !entry.flags.has(Flags::QUECVT) || self.convert.is_empty(),
                Asking::Queued => entry.flags.has(Flags::NOORDER) || self.convert.head == lock,
            };
        }
        if entry.flags.has(Flags::NOORDER) {
            return true;
        }
        let first = match asking {
            Asking::Now => self.wait.is_empty(),
            Asking::Queued | Asking::Recovered => self.wait.head == lock,
        };
        first && self.convert.is_empty()
    }

    /// The whole decision: the rules, then the conversion deadlock, then the alternative mode.
    #[inline]
    pub(super) fn decide(&mut self, lock: u32, asking: Asking) -> Verdict {
        if self.grantable(lock, asking) {
            return Verdict::Grant;
        }
        self.decide_otherwise(lock, asking)
    }

    fn decide_otherwise(&mut self, lock: u32, asking: Asking) -> Verdict {
        let entry = &self.locks[lock as usize];
        let flags = entry.flags;
        if entry.granted.is_some() && !flags.has(Flags::NOQUEUE) && self.would_deadlock(lock) {
            if flags.has(Flags::CONVDEADLK) {
                self.regrade(lock, Mode::Nl);
                self.locks[lock as usize]
                    .status_flags
                    .set(StatusFlags::DEMOTED);
                return Verdict::Wait;
            }
            return Verdict::Deadlock;
        }
        let requested = self.locks[lock as usize].requested;
        let alternative = if requested != Some(Mode::Pr) && flags.has(Flags::ALTPR) {
            Mode::Pr
        } else if requested != Some(Mode::Cw) && flags.has(Flags::ALTCW) {
            Mode::Cw
        } else {
            return Verdict::Wait;
        };
        self.locks[lock as usize].requested = Some(alternative);
        let asking = if asking == Asking::Now {
            Asking::Now
        } else {
            Asking::Queued
        };
        if self.grantable(lock, asking) {
            self.locks[lock as usize]
                .status_flags
                .set(StatusFlags::ALTMODE);
            return Verdict::Grant;
        }
        self.locks[lock as usize].requested = requested;
        Verdict::Wait
    }

    /// Whether the granted mode of this lock keeps a conversion ahead of it from ever being granted; one behind it counts
    /// only where each is in the other's way.
    fn would_deadlock(&self, lock: u32) -> bool {
        let own = &self.locks[lock as usize];
        let excludes = |granted: Option<Mode>, requested: Option<Mode>| matches!((granted, requested), (Some(granted), Some(requested)) if !granted.goes_with(requested));
        let mut own_is_ahead = false;
        let mut other = self.convert.head;
        while other != NONE {
            let entry = &self.locks[other as usize];
            if other == lock {
                own_is_ahead = true;
            } else if excludes(own.granted, entry.requested)
                && (!own_is_ahead || excludes(entry.granted, own.requested))
            {
                return true;
            }
            other = entry.next;
        }
        false
    }

    /// Grants the requested mode, moves the value block, and tells the owner.
    #[inline]
    pub(super) fn grant(&mut self, lock: u32, afterwards: &mut Afterwards) {
        let entry = &self.locks[lock as usize];
        let Some(mode) = entry.requested else { return };
        let keeps_mode = entry.place == Place::Granted && entry.granted == Some(mode);
        let returned = self.transfer_at_grant(lock, mode);
        if self.is_first_anyway(lock, mode) {
            self.regrade(lock, mode);
        } else if !keeps_mode {
            self.unqueue(lock);
            self.locks[lock as usize].granted = Some(mode);
            self.enqueue(lock, Place::Granted);
        }
        let entry = &mut self.locks[lock as usize];
        entry.requested = None;
        entry.high_bast = Mode::Nl;
        self.complete(lock, Status::Granted, Some(mode), returned, afterwards);
    }

    /// Whether a lock that is granted `mode` would be put where it is: at the head of the granted queue.
    #[inline]
    pub(super) fn is_first_anyway(&self, lock: u32, mode: Mode) -> bool {
        self.granted.head == lock
            && match self.locks[lock as usize].next {
                NONE => true,
                next => self.locks[next as usize].requested < Some(mode),
            }
    }

    /// Grants what has become possible, then tells the holders that still stand in the way.
    #[inline]
    pub(super) fn grant_pending(&mut self, afterwards: &mut Afterwards) {
        if self.convert.is_empty() && self.wait.is_empty() {
            return;
        }
        self.grant_pending_slowly(afterwards);
    }

    fn grant_pending_slowly(&mut self, afterwards: &mut Afterwards) {
        let mut blocked = self.grant_conversions(afterwards);
        self.grant_requests(&mut blocked, afterwards);
        let Some(high) = blocked.high else { return };
        let mut lock = self.granted.head;
        while lock != NONE {
            let entry = &self.locks[lock as usize];
            let next = entry.next;
            if entry.wants_bast
                && let Some(mode) = entry.granted
            {
                let concurrent_write = mode == Mode::Pr && blocked.concurrent_write;
                let due = if concurrent_write {
                    entry.high_bast < Mode::Ex
                } else {
                    entry.high_bast < high && !mode.goes_with(high)
                };
                if due {
                    // A CW that waits excludes PR although PR is the higher number: name what excludes it.
                    let named = if concurrent_write && high == Mode::Pr {
                        Mode::Cw
                    } else {
                        high
                    };
                    self.block(lock, named, high, afterwards);
                }
            }
            lock = next;
        }
    }

    /// One pass over the convert queue after another until nothing more is granted.
    pub(super) fn grant_conversions(&mut self, afterwards: &mut Afterwards) -> Blocked {
        let asking = if self.recover_grant {
            Asking::Recovered
        } else {
            Asking::Queued
        };
        let mut concurrent_write = false;
        let mut may_restart_demoted = true;
        loop {
            let mut high = None;
            let mut granted = false;
            let mut demoted = false;
            let mut lock = self.convert.head;
            while lock != NONE {
                let entry = &self.locks[lock as usize];
                let next = entry.next;
                let was_demoted = entry.status_flags.has(StatusFlags::DEMOTED);
                match self.decide(lock, asking) {
                    Verdict::Grant => {
                        self.grant(lock, afterwards);
                        granted = true;
                    }
                    Verdict::Deadlock => self.nag_deadlocked(lock, afterwards),
                    Verdict::Wait => {
                        let entry = &self.locks[lock as usize];
                        if !was_demoted && entry.status_flags.has(StatusFlags::DEMOTED) {
                            demoted = true;
                        } else {
                            high = high.max(entry.requested);
                            concurrent_write |= entry.requested == Some(Mode::Cw);
                        }
                    }
                }
                lock = next;
            }
            if granted {
                continue;
            }
            if demoted && may_restart_demoted {
                may_restart_demoted = false;
                continue;
            }
            return Blocked {
                high,
                concurrent_write,
            };
        }
    }

    /// A conversion that chose to wait in a deadlock (NODLCKWT) is told of it by a blocking callback of its own mode.
    fn nag_deadlocked(&mut self, lock: u32, afterwards: &mut Afterwards) {
        let entry = &self.locks[lock as usize];
        if let Some(requested) = entry.requested
            && entry.flags.has(Flags::NODLCKWT)
            && entry.wants_bast
            && entry.high_bast < requested
        {
            self.block(lock, requested, requested, afterwards);
        }
    }

    fn grant_requests(&mut self, blocked: &mut Blocked, afterwards: &mut Afterwards) {
        let mut lock = self.wait.head;
        while lock != NONE {
            let next = self.locks[lock as usize].next;
            if self.decide(lock, Asking::Queued) == Verdict::Grant {
                self.grant(lock, afterwards);
            } else {
                let requested = self.locks[lock as usize].requested;
                blocked.high = blocked.high.max(requested);
                blocked.concurrent_write |= requested == Some(Mode::Cw);
            }
            lock = next;
        }
    }
}

/// What still waits after a pass.
pub(super) struct Blocked {
    /// The highest mode asked for.
    high: Option<Mode>,
    /// Whether one of them asks for CW.
    concurrent_write: bool,
}
