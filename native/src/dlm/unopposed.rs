//! The usual conversion in one pass: no value block moves, nobody waits, no holder is in the way. What `operations.rs` and
//! `grant.rs` would do with it, without their detours for the other cases.

use super::callback::{Callback, Sink, Status, Wake};
use super::mode::Transfer;
use super::queue::Place;
use super::resource::Resource;
use super::{Flags, LockId, Mode, Request, StatusFlags};
use std::sync::Arc;

/// The sink of a granted conversion, where a thread that sleeps there has to be woken.
pub(super) type Sleeper = Option<Arc<dyn Sink>>;

impl Request<'_> {
    /// Whether it moves no value block, and is granted in place or not at all where nobody waits.
    #[inline]
    fn is_plain(&self) -> bool {
        const SPECIAL: Flags = Flags(
            Flags::CANCEL.0
                | Flags::VALBLK.0
                | Flags::QUECVT.0
                | Flags::IVVALBLK.0
                | Flags::CONVDEADLK.0
                | Flags::EXPEDITE.0,
        );
        !self.flags.has_any(SPECIAL) && self.lvb.is_none()
    }
}

impl Resource {
    /// Grants the conversion where it is a usual one, with the outcome of `convert`. `None`: nothing has happened.
    ///
    /// Inlined in any case: a frame of its own, and an outcome that goes through memory, cost more than all the rest.
    #[inline(always)]
    pub(super) fn convert_unopposed(
        &mut self,
        id: LockId,
        node: u32,
        request: &Request<'_>,
    ) -> Option<Sleeper> {
        let (lock, mode) = (id.place(), request.mode);
        let nobody_waits = self.convert.is_empty() && self.wait.is_empty();
        if !request.is_plain() || !nobody_waits || !self.is_first_anyway(lock, mode) {
            return None;
        }
        let entry = self.locks.get_mut(lock as usize)?;
        if entry.place != Place::Granted || !entry.is(id, node) {
            return None;
        }
        let (sink, granted) = (entry.sink.as_ref()?, entry.granted?);
        let others = self.holders.modes_without(granted);
        if others & mode.excluded() != 0 {
            return None;
        }
        self.holders.change(granted, mode);
        entry.granted = Some(mode);
        entry.requested = None;
        entry.high_bast = Mode::Nl;
        entry.flags = request.flags.with(Flags::CONVERT);
        entry.wants_bast = request.blocking_callbacks;
        let flags = if self.lvb_not_valid && Transfer::of(Some(granted), mode) == Transfer::Nothing
        {
            StatusFlags::VALNOTVALID
        } else {
            StatusFlags::default()
        };
        entry.status_flags = flags;
        let wake = sink.deliver(&Callback::Ast {
            lock: id,
            tag: entry.tag,
            status: Status::Granted,
            flags,
            mode: Some(mode),
            lvb: None,
        });
        Some((wake == Wake::Needed).then(|| Arc::clone(sink)))
    }
}
