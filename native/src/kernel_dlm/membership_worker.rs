//! The thread behind a `Member`: it takes the slot, watches the others' slots and keeps the mask of members.

use super::membership::{Departure, MembershipEvent};
use super::slot_record::{self, NO_RANGE, RangeBytes, State};
use super::{KernelDlmError, KernelNode};
use crate::dlm::{Flags, LockId, Lvb, Mode, Refusal, Request, Sink, Status, StatusFlags};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Told once how a write of the own slot's value block ended; dropped untold, it says that it did not take place.
pub struct Told(Option<Box<dyn FnOnce(Status) + Send>>);

impl Told {
    pub fn new(tell: impl FnOnce(Status) + Send + 'static) -> Told {
        Told(Some(Box::new(tell)))
    }

    fn tell(mut self, status: Status) {
        if let Some(tell) = self.0.take() {
            tell(status);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell(Status::Cancelled);
        }
    }
}

/// What the worker hears.
pub enum Message {
    Completion {
        tag: u64,
        status: Status,
        flags: StatusFlags,
        lvb: Option<Lvb>,
    },
    Blocking {
        tag: u64,
    },
    /// What this node resyncs from now on.
    Publish {
        range: RangeBytes,
        told: Told,
    },
    Leave,
    Gone,
}

/// Tags of its locks; the watch on slot n has `WATCHES` + n.
const TOKEN: u64 = 1;
const MEMBERS: u64 = 2;
const OWN: u64 = 3;
const WATCHES: u64 = 100;

/// How an operation ended.
struct Ended {
    status: Status,
    lvb: Option<Lvb>,
}

pub struct Worker {
    node: Arc<KernelNode>,
    sink: Arc<dyn Sink>,
    inbox: Receiver<Message>,
    /// What came while something else was waited for.
    backlog: VecDeque<Message>,
    listener: Box<dyn Fn(MembershipEvent) + Send>,
    own_slot: u32,
    own: Option<LockId>,
    members: Option<LockId>,
    watches: HashMap<u32, LockId>,
}

impl Worker {
    pub fn new(
        node: Arc<KernelNode>,
        sink: Arc<dyn Sink>,
        inbox: Receiver<Message>,
        listener: Box<dyn Fn(MembershipEvent) + Send>,
    ) -> Worker {
        Worker {
            node,
            sink,
            inbox,
            backlog: VecDeque::new(),
            listener,
            own_slot: 0,
            own: None,
            members: None,
            watches: HashMap::new(),
        }
    }

    /// Takes a slot and enters it into the mask, all under the token: two newcomers never meet.
    pub fn join(&mut self, slots: u32) -> Result<u32, KernelDlmError> {
        let (token, _) = self.request("token", TOKEN, &Request::new(Mode::Ex))?;
        let slot = self.take_slot(slots)?;
        self.own_slot = slot;
        let nothing = [0; 64];
        let (members, _) =
            self.request("members", MEMBERS, &Request::new(Mode::Nl).lvb(&nothing))?;
        self.members = Some(members);
        let mask = self.change_mask(|mask| mask | 1 << slot)?;
        self.unlock(token, TOKEN, Flags::NONE)?;
        self.watch_members_of(mask)?;
        Ok(slot)
    }

    fn take_slot(&mut self, slots: u32) -> Result<u32, KernelDlmError> {
        for slot in 0..slots {
            let nothing = [0; 64];
            let request = Request::new(Mode::Pw).lvb(&nothing);
            let request = request.flags(Flags::VALBLK | Flags::NOQUEUE);
            let (lock, ended) = self.request(&resource(slot), OWN, &request)?;
            if ended.status == Status::Granted {
                self.own = Some(lock);
                self.write_slot(lock, OWN, &NO_RANGE, State::InUse)?;
                return Ok(slot);
            }
        }
        Err(KernelDlmError::NoFreeSlot { slots })
    }

    /// Until it has left, or the node is closed.
    pub fn run(&mut self) -> Result<(), KernelDlmError> {
        loop {
            let message = match self.backlog.pop_front() {
                Some(message) => message,
                None => self.next()?,
            };
            match message {
                Message::Blocking { tag: MEMBERS } => self.make_way()?,
                Message::Completion {
                    tag,
                    status: Status::Granted,
                    flags,
                    lvb,
                } if tag >= WATCHES => {
                    self.holder_gone((tag - WATCHES) as u32, flags, lvb.as_ref())?;
                }
                Message::Publish { range, told } => self.publish(&range, told)?,
                Message::Leave => return self.leave(),
                Message::Gone => return Err(KernelDlmError::Closed),
                Message::Completion { .. } | Message::Blocking { .. } => {}
            }
        }
    }

    /// PW→PW writes the value block (spec §4.5).
    fn publish(&mut self, range: &RangeBytes, told: Told) -> Result<(), KernelDlmError> {
        if let Some(own) = self.own {
            self.write_slot(own, OWN, range, State::InUse)?;
            told.tell(Status::Granted);
        }
        Ok(())
    }

    /// Somebody changes the mask: lets it, then looks.
    fn make_way(&mut self) -> Result<(), KernelDlmError> {
        let members = self.members()?;
        self.convert(members, MEMBERS, &Request::new(Mode::Nl))?;
        let nothing = [0; 64];
        let look = Request::new(Mode::Cr).lvb(&nothing).blocking_callbacks();
        let ended = self.convert(members, MEMBERS, &look)?;
        self.watch_members_of(mask_of(ended.lvb.as_ref()))
    }

    /// Through NL: two nodes that convert from CR to EX at once would wait for each other.
    fn change_mask(&mut self, change: impl FnOnce(u64) -> u64) -> Result<u64, KernelDlmError> {
        let members = self.members()?;
        let nothing = [0; 64];
        self.convert(members, MEMBERS, &Request::new(Mode::Nl))?;
        let ended = self.convert(members, MEMBERS, &Request::new(Mode::Ex).lvb(&nothing))?;
        let mask = change(mask_of(ended.lvb.as_ref()));
        let mut lvb = [0; 64];
        lvb[..8].copy_from_slice(&mask.to_le_bytes());
        let write = Request::new(Mode::Cr).lvb(&lvb).blocking_callbacks();
        self.convert(members, MEMBERS, &write)?;
        Ok(mask)
    }

    /// Waits for the slot of every member that is not waited for yet.
    fn watch_members_of(&mut self, mask: u64) -> Result<(), KernelDlmError> {
        for slot in (0..64).filter(|slot| mask & 1 << slot != 0) {
            if slot == self.own_slot || self.watches.contains_key(&slot) {
                continue;
            }
            let nothing = [0; 64];
            let request = Request::new(Mode::Pw).lvb(&nothing);
            let tag = WATCHES + u64::from(slot);
            let lock = self.ask(&resource(slot), tag, &request)?;
            self.watches.insert(slot, lock);
            (self.listener)(MembershipEvent::Joined { slot });
        }
        Ok(())
    }

    /// We hold a slot that was another's.
    fn holder_gone(
        &mut self,
        slot: u32,
        flags: StatusFlags,
        lvb: Option<&Lvb>,
    ) -> Result<(), KernelDlmError> {
        let Some(lock) = self.watches.get(&slot).copied() else {
            return Ok(());
        };
        let tag = WATCHES + u64::from(slot);
        let (node, state) = slot_record::read(lvb, flags);
        let departure = match state {
            State::Left => Departure::Left,
            State::Recovered => Departure::DiedAndRecovered,
            State::InUse if node != 0 && self.node.is_machine_member(node) => {
                Departure::ProcessDied
            }
            State::InUse => Departure::MachineDied,
        };
        (self.listener)(MembershipEvent::Gone { slot, departure });
        let mut mask = None;
        if state == State::InUse {
            self.write_slot(lock, tag, &NO_RANGE, State::Recovered)?;
            mask = Some(self.change_mask(|mask| mask & !(1 << slot))?);
        }
        self.unlock(lock, tag, Flags::NONE)?;
        self.watches.remove(&slot);
        mask.map_or(Ok(()), |mask| self.watch_members_of(mask))
    }

    fn leave(&mut self) -> Result<(), KernelDlmError> {
        let slot = self.own_slot;
        if let Some(own) = self.own.take() {
            self.write_slot(own, OWN, &NO_RANGE, State::Left)?;
            self.change_mask(|mask| mask & !(1 << slot))?;
            for (slot, lock) in std::mem::take(&mut self.watches) {
                self.unlock(lock, WATCHES + u64::from(slot), Flags::FORCEUNLOCK)?;
            }
            let members = self.members()?;
            self.unlock(members, MEMBERS, Flags::NONE)?;
            self.unlock(own, OWN, Flags::NONE)?;
        }
        Ok(())
    }

    fn write_slot(
        &mut self,
        lock: LockId,
        tag: u64,
        range: &RangeBytes,
        state: State,
    ) -> Result<(), KernelDlmError> {
        let lvb = slot_record::record(range, self.node.cluster_node(), state);
        self.convert(lock, tag, &Request::new(Mode::Pw).lvb(&lvb))
            .map(drop)
    }

    fn members(&self) -> Result<LockId, KernelDlmError> {
        self.members.ok_or(KernelDlmError::Closed)
    }

    fn ask(&self, name: &str, tag: u64, request: &Request<'_>) -> Result<LockId, KernelDlmError> {
        let asked = self
            .node
            .lock_with(name.as_bytes(), tag, request, Arc::clone(&self.sink));
        asked.map_err(failed("requesting a lock"))
    }

    fn request(
        &mut self,
        name: &str,
        tag: u64,
        request: &Request<'_>,
    ) -> Result<(LockId, Ended), KernelDlmError> {
        let lock = self.ask(name, tag, request)?;
        Ok((lock, self.end_of(tag)?))
    }

    fn convert(
        &mut self,
        lock: LockId,
        tag: u64,
        request: &Request<'_>,
    ) -> Result<Ended, KernelDlmError> {
        self.node
            .convert(lock, request)
            .map_err(failed("converting a lock"))?;
        self.end_of(tag)
    }

    fn unlock(&mut self, lock: LockId, tag: u64, flags: Flags) -> Result<(), KernelDlmError> {
        self.node
            .unlock(lock, flags, None)
            .map_err(failed("unlocking"))?;
        while self.end_of(tag)?.status != Status::Unlocked {}
        Ok(())
    }

    /// Waits for the completion of the operation on the lock of this tag; what else comes, waits in turn.
    fn end_of(&mut self, tag: u64) -> Result<Ended, KernelDlmError> {
        loop {
            match self.next()? {
                Message::Completion {
                    tag: other,
                    status,
                    lvb,
                    ..
                } if other == tag => {
                    return Ok(Ended { status, lvb });
                }
                Message::Gone => return Err(KernelDlmError::Closed),
                other => self.backlog.push_back(other),
            }
        }
    }

    fn next(&self) -> Result<Message, KernelDlmError> {
        self.inbox.recv().map_err(|_| KernelDlmError::Closed)
    }
}

fn resource(slot: u32) -> String {
    format!("bitmap{slot:04}")
}

fn mask_of(lvb: Option<&Lvb>) -> u64 {
    lvb.map_or(0, |lvb| {
        u64::from_le_bytes(std::array::from_fn(|at| lvb[at]))
    })
}

fn failed(step: &'static str) -> impl Fn(Refusal) -> KernelDlmError {
    move |refusal| match refusal {
        Refusal::NodeGone => KernelDlmError::Closed,
        _ => KernelDlmError::Failed {
            step,
            errno: refusal.errno(),
        },
    }
}
