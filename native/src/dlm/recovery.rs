//! What the death or departure of nodes does to one resource (spec §7.3, §7.6): their locks go, the value block may become
//! invalid, a new master may have to make do with what the survivors know.

use super::callback::Afterwards;
use super::queue::{NONE, Place};
use super::resource::Resource;
use super::{Flags, Mode};

impl Resource {
    /// Removes the locks of these nodes. Nothing is granted yet.
    pub(super) fn purge(&mut self, nodes: &[u32], afterwards: &mut Afterwards) {
        let places = self.locks.len() as u32;
        for lock in 0..places {
            let entry = &self.locks[lock as usize];
            if entry.place == Place::Free || !nodes.contains(&entry.node) {
                continue;
            }
            if entry.flags.has(Flags::VALBLK) && entry.granted >= Some(Mode::Pw) {
                self.recover_lvb_invalid = true;
            }
            self.discard(lock, afterwards);
            self.recover_grant = true;
        }
    }

    /// After `purge`: settles who is master, and what the value block is worth.
    pub(super) fn recover(&mut self, nodes: &[u32]) {
        let invalid = std::mem::take(&mut self.recover_lvb_invalid);
        if !nodes.contains(&self.master) {
            self.lvb_not_valid |= invalid;
            return;
        }
        let held = self.locks.iter().filter(|lock| lock.place != Place::Free);
        let Some(master) = held.map(|lock| lock.node).min() else {
            return;
        };
        self.master = master;
        // The new master's copies of the locks know nothing of blocking callbacks sent before.
        for lock in &mut self.locks {
            lock.high_bast = Mode::Nl;
        }
        self.rebuild_lvb();
        self.recover_grant = true;
    }

    /// A new master takes the value block from a lock that must have the last one (any above CR), else the newest that
    /// a lock has seen; and then nobody can say whether a newer one is lost.
    fn rebuild_lvb(&mut self) {
        self.lvb = None;
        self.lvb_not_valid = false;
        let mut newest = NONE;
        let mut certain = false;
        'search: for first in [self.granted.head, self.convert.head] {
            let mut lock = first;
            while lock != NONE {
                let entry = &self.locks[lock as usize];
                if entry.flags.has(Flags::VALBLK) && entry.lvb.is_some() {
                    if entry.granted > Some(Mode::Cr) {
                        newest = lock;
                        certain = true;
                        break 'search;
                    }
                    let newer = |than: u32| {
                        entry
                            .lvb_seq
                            .wrapping_sub(self.locks[than as usize].lvb_seq)
                            as i32
                            >= 0
                    };
                    if newest == NONE || newer(newest) {
                        newest = lock;
                    }
                }
                lock = entry.next;
            }
        }
        if newest == NONE {
            self.lvb_seq = 0;
            return;
        }
        let entry = &self.locks[newest as usize];
        self.lvb = entry.lvb.clone();
        self.lvb_seq = entry.lvb_seq;
        self.lvb_not_valid = !certain;
    }

    /// The grants after a recovery: conversions without regard to order.
    pub(super) fn grant_recovered(&mut self, afterwards: &mut Afterwards) {
        if self.recover_grant {
            self.grant_pending(afterwards);
            self.recover_grant = false;
        }
    }
}
