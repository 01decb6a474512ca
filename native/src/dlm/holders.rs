//! Which modes are held on a resource, and by how many locks each.

use super::Mode;

#[derive(Clone, Copy, Default)]
pub(super) struct Holders {
    counts: [u32; 6],
    /// The modes with a count, one bit each.
    modes: u8,
}

impl Holders {
    /// The modes held, one bit each.
    #[inline]
    pub(super) fn modes(&self) -> u8 {
        self.modes
    }

    /// The modes held when one holder of `own` is left out of account.
    #[inline]
    pub(super) fn modes_without(&self, own: Mode) -> u8 {
        if self.counts[own as usize] == 1 {
            self.modes & !own.bit()
        } else {
            self.modes
        }
    }

    #[inline]
    pub(super) fn add(&mut self, mode: Mode) {
        self.counts[mode as usize] += 1;
        self.modes |= mode.bit();
    }

    #[inline]
    pub(super) fn remove(&mut self, mode: Mode) {
        self.modes = self.modes_without(mode);
        self.counts[mode as usize] -= 1;
    }

    /// One holder changes its mode.
    #[inline]
    pub(super) fn change(&mut self, from: Mode, to: Mode) {
        self.modes = self.modes_without(from) | to.bit();
        self.counts[from as usize] -= 1;
        self.counts[to as usize] += 1;
    }
}
