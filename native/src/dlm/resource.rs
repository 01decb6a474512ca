//! One resource: its locks, its three queues, its value block. Everything here runs with the resource locked.

use super::callback::{Afterwards, Callback, Sink, Status};
use super::holders::Holders;
use super::mode::Transfer;
use super::queue::{NONE, Place, Queue};
use super::{Flags, LockId, Lvb, Mode, Refusal, StatusFlags};
use std::sync::Arc;

/// One lock: one cache line, shared with no other lock, for two threads may be at work on two resources.
#[repr(align(64))]
pub(super) struct Lock {
    /// Absent where the place is free.
    pub(super) sink: Option<Arc<dyn Sink>>,
    /// The caller's value block as this lock last saw it; allocated with the first operation that passes one.
    pub(super) lvb: Option<Box<Lvb>>,
    pub(super) tag: u64,
    /// Flags of the last operation.
    pub(super) flags: Flags,
    pub(super) generation: u32,
    pub(super) node: u32,
    /// `lvb_seq` of the resource when this lock last read or wrote it.
    pub(super) lvb_seq: u32,
    /// Neighbours on the queue; `next` also threads the free places.
    pub(super) next: u32,
    pub(super) previous: u32,
    pub(super) granted: Option<Mode>,
    pub(super) requested: Option<Mode>,
    /// The highest mode that a blocking callback named since the last grant.
    pub(super) high_bast: Mode,
    pub(super) place: Place,
    pub(super) status_flags: StatusFlags,
    pub(super) wants_bast: bool,
}

impl Lock {
    /// Whether the id names this lock, and it is this node's.
    #[inline]
    pub(super) fn is(&self, id: LockId, node: u32) -> bool {
        self.generation == id.generation() && self.node == node
    }
}

/// A resource and its locks. An unused one (`live` false) keeps its place in the table for the next name.
pub(super) struct Resource {
    pub(super) locks: Vec<Lock>,
    pub(super) granted: Queue,
    pub(super) convert: Queue,
    pub(super) wait: Queue,
    /// The locks on the granted and convert queues.
    pub(super) holders: Holders,
    pub(super) live: bool,
    pub(super) lvb_not_valid: bool,
    pub(super) recover_grant: bool,
    pub(super) recover_lvb_invalid: bool,
    pub(super) lvb: Option<Box<Lvb>>,
    pub(super) lvb_seq: u32,
    pub(super) index: u32,
    /// Counts the names that this place has had.
    pub(super) incarnation: u32,
    free: u32,
    pub(super) lock_count: u32,
    generation: u32,
    /// The node that keeps the resource, for what its death does to the value block.
    pub(super) master: u32,
    pub(super) name: Arc<[u8]>,
}

/// A new lock, before its first operation.
pub(super) struct Newcomer {
    pub(super) node: u32,
    pub(super) tag: u64,
    pub(super) sink: Arc<dyn Sink>,
}

impl Resource {
    pub(super) fn unused(index: u32) -> Resource {
        Resource {
            locks: Vec::new(),
            granted: Queue::EMPTY,
            convert: Queue::EMPTY,
            wait: Queue::EMPTY,
            holders: Holders::default(),
            live: false,
            lvb_not_valid: false,
            recover_grant: false,
            recover_lvb_invalid: false,
            lvb: None,
            lvb_seq: 0,
            index,
            incarnation: 0,
            free: NONE,
            lock_count: 0,
            generation: 0,
            master: 0,
            name: Arc::from([]),
        }
    }

    /// Gives an unused place a name.
    pub(super) fn begin(&mut self, name: Arc<[u8]>) {
        self.name = name;
        self.live = true;
        self.incarnation = self.incarnation.wrapping_add(1);
    }

    /// Gives the place back: the name, the locks' memory and the value block go.
    pub(super) fn end(&mut self) {
        let (incarnation, generation) = (self.incarnation, self.generation);
        *self = Resource {
            incarnation,
            generation,
            ..Resource::unused(self.index)
        };
    }

    /// The place of a lock that this node has.
    #[inline]
    pub(super) fn find(&self, id: LockId, node: u32) -> Result<u32, Refusal> {
        match self.locks.get(id.place() as usize) {
            Some(lock) if lock.place != Place::Free && lock.is(id, node) => Ok(id.place()),
            _ => Err(Refusal::UnknownLock),
        }
    }

    pub(super) fn id(&self, lock: u32) -> LockId {
        LockId::new(self.index, lock, self.locks[lock as usize].generation)
    }

    /// Makes room for a lock that is on no queue yet.
    pub(super) fn add(&mut self, newcomer: Newcomer) -> Result<u32, Refusal> {
        let generation = LockId::next_generation(self.generation);
        let lock = Lock {
            sink: Some(newcomer.sink),
            lvb: None,
            tag: newcomer.tag,
            flags: Flags::NONE,
            generation,
            node: newcomer.node,
            lvb_seq: 0,
            next: NONE,
            previous: NONE,
            granted: None,
            requested: None,
            high_bast: Mode::Nl,
            place: Place::Unqueued,
            status_flags: StatusFlags::default(),
            wants_bast: false,
        };
        let place = if self.free != NONE {
            let place = self.free;
            self.free = self.locks[place as usize].next;
            self.locks[place as usize] = lock;
            place
        } else {
            let place = u32::try_from(self.locks.len()).unwrap_or(LockId::PLACES);
            if place >= LockId::PLACES {
                return Err(Refusal::TooMany);
            }
            if self.locks.len() == self.locks.capacity() {
                // By half instead of doubling: a lock costs at most half a place more than its own.
                self.locks.reserve_exact(self.locks.len() / 2 + 1);
            }
            self.locks.push(lock);
            place
        };
        if self.lock_count == 0 {
            self.master = newcomer.node;
        }
        self.generation = generation;
        self.lock_count += 1;
        Ok(place)
    }

    /// Takes a lock off its queue and out of the table. Its sink is dropped once the resource is unlocked.
    pub(super) fn discard(&mut self, lock: u32, afterwards: &mut Afterwards) {
        self.unqueue(lock);
        let entry = &mut self.locks[lock as usize];
        entry.place = Place::Free;
        entry.lvb = None;
        entry.next = self.free;
        self.free = lock;
        self.lock_count -= 1;
        if let Some(sink) = entry.sink.take() {
            afterwards.release(sink);
        }
    }

    /// Takes a lock off whatever queue it is on.
    #[inline]
    pub(super) fn unqueue(&mut self, lock: u32) {
        let locks = self.locks.as_mut_slice();
        match locks[lock as usize].place {
            Place::Granted => self.granted.remove(locks, lock),
            Place::Convert => self.convert.remove(locks, lock),
            Place::Wait => self.wait.remove(locks, lock),
            Place::Unqueued | Place::Free => return,
        }
        locks[lock as usize].place = Place::Unqueued;
        if let Some(mode) = locks[lock as usize].granted {
            self.holders.remove(mode);
        }
    }

    /// Puts an unqueued lock on a queue: granted in `granted`, or waiting for its requested mode.
    #[inline]
    pub(super) fn enqueue(&mut self, lock: u32, place: Place) {
        let locks = self.locks.as_mut_slice();
        locks[lock as usize].place = place;
        let at_head = locks[lock as usize].flags.has(Flags::HEADQUE);
        match place {
            Place::Granted => {
                // The newest grant first, but behind locks whose last conversion failed in this mode or a higher one:
                // the order of add_lkb in fs/dlm/lock.c, which is the order of the blocking callbacks.
                let mode = locks[lock as usize].granted;
                let mut next = self.granted.head;
                while next != NONE && locks[next as usize].requested >= mode {
                    next = locks[next as usize].next;
                }
                self.granted.insert_before(locks, next, lock);
            }
            Place::Convert if at_head => self.convert.push_head(locks, lock),
            Place::Convert => self.convert.push_tail(locks, lock),
            Place::Wait if at_head => self.wait.push_head(locks, lock),
            Place::Wait => self.wait.push_tail(locks, lock),
            Place::Unqueued | Place::Free => {}
        }
        if let Some(mode) = locks[lock as usize].granted {
            self.holders.add(mode);
        }
    }

    /// Changes the granted mode of a lock that stays where it is.
    #[inline]
    pub(super) fn regrade(&mut self, lock: u32, mode: Mode) {
        match self.locks[lock as usize].granted.replace(mode) {
            Some(old) => self.holders.change(old, mode),
            None => self.holders.add(mode),
        }
    }

    /// Whether another lock's granted mode excludes the mode that this one asks for.
    #[inline]
    pub(super) fn conflicts(&self, lock: u32) -> bool {
        let entry = &self.locks[lock as usize];
        let Some(requested) = entry.requested else {
            return false;
        };
        let others = match entry.granted {
            Some(own) => self.holders.modes_without(own),
            None => self.holders.modes(),
        };
        others & requested.excluded() != 0
    }

    /// Moves the value block as a grant does. True where it was returned to the caller.
    #[inline]
    pub(super) fn transfer_at_grant(&mut self, lock: u32, requested: Mode) -> bool {
        let entry = &mut self.locks[lock as usize];
        let mut returned = false;
        match Transfer::of(entry.granted, requested) {
            Transfer::Return => {
                if !entry.flags.has(Flags::VALBLK) {
                    return false;
                }
                let (Some(buffer), Some(value)) = (&mut entry.lvb, &self.lvb) else {
                    return false;
                };
                **buffer = **value;
                entry.lvb_seq = self.lvb_seq;
                returned = true;
            }
            Transfer::Write => {
                if !self.write_lvb(lock) {
                    return false;
                }
            }
            Transfer::Nothing => {}
        }
        if self.lvb_not_valid {
            self.locks[lock as usize]
                .status_flags
                .set(StatusFlags::VALNOTVALID);
        }
        returned
    }

    /// Writes, or with IVVALBLK invalidates, the resource's value block. True where it was written.
    pub(super) fn write_lvb(&mut self, lock: u32) -> bool {
        let entry = &mut self.locks[lock as usize];
        if entry.flags.has(Flags::IVVALBLK) {
            self.lvb_not_valid = true;
            return false;
        }
        if !entry.flags.has(Flags::VALBLK) {
            return false;
        }
        let Some(buffer) = &entry.lvb else {
            return false;
        };
        match &mut self.lvb {
            Some(value) => **value = **buffer,
            none => *none = Some(buffer.clone()),
        }
        self.lvb_seq = self.lvb_seq.wrapping_add(1);
        entry.lvb_seq = self.lvb_seq;
        self.lvb_not_valid = false;
        true
    }

    /// Tells the owner how its operation ended, and that it now holds `mode`.
    #[inline]
    pub(super) fn complete(
        &self,
        lock: u32,
        status: Status,
        mode: Option<Mode>,
        returned: bool,
        afterwards: &mut Afterwards,
    ) {
        let entry = &self.locks[lock as usize];
        let callback = Callback::Ast {
            lock: self.id(lock),
            tag: entry.tag,
            status,
            flags: entry.status_flags,
            mode,
            lvb: entry.lvb.as_deref().filter(|_| returned),
        };
        if let Some(sink) = &entry.sink {
            afterwards.deliver(sink, &callback);
        }
    }

    /// Tells a holder that it stands in the way, and remembers that it was told.
    pub(super) fn block(
        &mut self,
        lock: u32,
        named: Mode,
        remembered: Mode,
        afterwards: &mut Afterwards,
    ) {
        let id = self.id(lock);
        let entry = &mut self.locks[lock as usize];
        entry.high_bast = remembered;
        let callback = Callback::Bast {
            lock: id,
            tag: entry.tag,
            mode: named,
        };
        if let Some(sink) = &entry.sink {
            afterwards.deliver(sink, &callback);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_one_cache_line() {
        assert_eq!(size_of::<Lock>(), 64);
    }
}
