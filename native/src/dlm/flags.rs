//! Flags of requests and of completions, with the values of `linux/dlmconstants.h` and `linux/dlm.h`.

use std::ops::{BitOr, BitOrAssign};

/// Flags of a request, a conversion, an unlock or a cancel (`DLM_LKF_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    pub const NONE: Flags = Flags(0);
    /// Complete with EAGAIN instead of waiting.
    pub const NOQUEUE: Flags = Flags(0x1);
    pub const CANCEL: Flags = Flags(0x2);
    pub const CONVERT: Flags = Flags(0x4);
    /// Move the value block with this operation.
    pub const VALBLK: Flags = Flags(0x8);
    /// A conversion goes behind those that wait already, even where it could be granted in place.
    pub const QUECVT: Flags = Flags(0x10);
    /// Mark the resource's value block invalid where it would be written.
    pub const IVVALBLK: Flags = Flags(0x20);
    /// Resolve a conversion deadlock by demoting this lock to NL.
    pub const CONVDEADLK: Flags = Flags(0x40);
    /// Means something to the kernel's user-space interface only; no effect here, as in the kernel's own.
    pub const PERSISTENT: Flags = Flags(0x80);
    /// Wait in spite of a conversion deadlock.
    pub const NODLCKWT: Flags = Flags(0x100);
    /// Grant a new NL request whatever waits.
    pub const EXPEDITE: Flags = Flags(0x400);
    /// Blocking callbacks to the holders even where NOQUEUE fails.
    pub const NOQUEUEBAST: Flags = Flags(0x800);
    /// Queue at the head instead of the tail.
    pub const HEADQUE: Flags = Flags(0x1000);
    /// Grant out of order as soon as it is compatible.
    pub const NOORDER: Flags = Flags(0x2000);
    /// Like PERSISTENT: user-space interface only.
    pub const ORPHAN: Flags = Flags(0x4000);
    /// Where the mode cannot be granted, try PR.
    pub const ALTPR: Flags = Flags(0x8000);
    /// Where the mode cannot be granted, try CW.
    pub const ALTCW: Flags = Flags(0x10000);
    /// Unlock a lock that waits, too.
    pub const FORCEUNLOCK: Flags = Flags(0x20000);

    /// Whether every bit of `other` is set.
    #[inline]
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    #[inline]
    pub(super) const fn has_any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        self.with(other)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// Flags of a completion (`sb_flags` of `struct dlm_lksb`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusFlags(pub u8);

impl StatusFlags {
    /// The granted mode was lowered to NL to resolve a conversion deadlock.
    pub const DEMOTED: StatusFlags = StatusFlags(1);
    /// The value block may be out of date: its last writer died, or somebody invalidated it.
    pub const VALNOTVALID: StatusFlags = StatusFlags(2);
    /// Granted in the alternative mode of ALTPR or ALTCW.
    pub const ALTMODE: StatusFlags = StatusFlags(4);

    #[inline]
    pub const fn has(self, other: StatusFlags) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn set(&mut self, other: StatusFlags) {
        self.0 |= other.0;
    }
}
