//! A node's place in a lockspace, whichever lock manager it belongs to.

use super::mailbox::Mailbox;
use crate::channel::LockBackend;
use crate::dlm::{
    Callback, Flags, LockId, Lvb, Node, Refusal, Request, Sink, Status, StatusFlags, Wake,
};
use crate::kernel_dlm::{Departure, Host, KernelDlmError, KernelNode, Member, MembershipEvent};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the other nodes may take to hear that this one leaves.
const LEAVING: Duration = Duration::from_secs(10);

pub(super) enum Place {
    Embedded(Arc<Node>),
    Kernel(Arc<KernelPlace>),
}

/// This process in the kernel's lockspace of an array.
pub(super) struct KernelPlace {
    node: Arc<KernelNode>,
    /// None once it leaves.
    member: Mutex<Option<Member>>,
    slot: u32,
    slots_in_use: Arc<Mutex<BTreeSet<u32>>>,
    gone: AtomicBool,
}

impl KernelPlace {
    /// Blocks for as long as the cluster takes.
    pub(super) fn join(
        array_uuid: &str,
        slots: u32,
        mailbox: &Arc<Mailbox>,
    ) -> Result<KernelPlace, KernelDlmError> {
        let node = Arc::new(KernelNode::open(&Host::default(), array_uuid)?);
        let slots_in_use = Arc::new(Mutex::new(BTreeSet::new()));
        let (heard, told) = (Arc::clone(&slots_in_use), Arc::clone(mailbox));
        let member = Member::join(Arc::clone(&node), slots, move |event| {
            let mut in_use = heard.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                MembershipEvent::Joined { slot } => {
                    in_use.insert(slot);
                }
                MembershipEvent::Gone { slot, departure } => {
                    in_use.remove(&slot);
                    drop(in_use);
                    if departure != Departure::Left {
                        tell_of_death(&told, slot + 1);
                    }
                }
            }
        })?;
        let slot = member.slot();
        slots_in_use
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(slot);
        Ok(KernelPlace {
            node,
            member: Mutex::new(Some(member)),
            slot,
            slots_in_use,
            gone: AtomicBool::new(false),
        })
    }

    fn member(&self) -> MutexGuard<'_, Option<Member>> {
        self.member.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Node numbers are slots here.
fn tell_of_death(mailbox: &Mailbox, slot: u32) {
    let callback = Callback::RecoverSlot { slot, node: slot };
    if mailbox.deliver(&callback) == Wake::Needed {
        mailbox.wake();
    }
}

impl Place {
    pub(super) fn backend(&self) -> Arc<dyn LockBackend> {
        match self {
            Place::Embedded(node) => node.clone(),
            Place::Kernel(place) => place.node.clone(),
        }
    }

    /// From 1.
    pub(super) fn slot(&self) -> u32 {
        match self {
            Place::Embedded(node) => node.slot(),
            Place::Kernel(place) => place.slot + 1,
        }
    }

    pub(super) fn lock(
        &self,
        name: &str,
        tag: u64,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<LockId, Refusal> {
        match self {
            Place::Embedded(node) => node.lock_with(name.as_bytes(), tag, request, sink),
            Place::Kernel(place) => place.node.lock_with(name.as_bytes(), tag, request, sink),
        }
    }

    pub(super) fn convert(&self, lock: LockId, request: &Request<'_>) -> Result<(), Refusal> {
        match self {
            Place::Embedded(node) => node.convert(lock, request),
            Place::Kernel(place) => place.node.convert(lock, request),
        }
    }

    pub(super) fn unlock(
        &self,
        lock: LockId,
        flags: Flags,
        lvb: Option<&Lvb>,
    ) -> Result<(), Refusal> {
        match self {
            Place::Embedded(node) => node.unlock(lock, flags, lvb),
            Place::Kernel(place) => place.node.unlock(lock, flags, lvb),
        }
    }

    pub(super) fn cancel(&self, lock: LockId) -> Result<(), Refusal> {
        match self {
            Place::Embedded(node) => node.cancel(lock),
            Place::Kernel(place) => place.node.cancel(lock),
        }
    }

    /// Writes the resync range into the own slot's value block, where that lock is not the caller's own. `mailbox` gets a
    /// completion of this tag, without a mode: `Granted`, or `Cancelled` where the node goes first.
    ///
    /// # Errors
    /// ENOENT on the embedded lock manager, whose users hold that lock themselves; ESHUTDOWN once the node leaves.
    pub(super) fn publish_resync_range(
        &self,
        tag: u64,
        range: [u8; 16],
        mailbox: &Arc<Mailbox>,
    ) -> Result<(), Refusal> {
        let Place::Kernel(place) = self else {
            return Err(Refusal::UnknownLock);
        };
        if place.gone.load(Ordering::Relaxed) {
            return Err(Refusal::NodeGone);
        }
        let mailbox = Arc::clone(mailbox);
        let tell = move |status: Status| {
            let callback = Callback::Ast {
                lock: LockId::from_bits(0),
                tag,
                status,
                flags: StatusFlags::default(),
                mode: None,
                lvb: None,
            };
            if mailbox.deliver(&callback) == Wake::Needed {
                mailbox.wake();
            }
        };
        match &*place.member() {
            Some(member) => {
                member.publish_resync_range(range, tell);
                Ok(())
            }
            None => Err(Refusal::NodeGone),
        }
    }

    /// Node and slot of each member.
    pub(super) fn members(&self) -> Vec<[u32; 2]> {
        match self {
            Place::Embedded(node) => {
                let members = node.lockspace().members();
                members
                    .iter()
                    .map(|member| [member.node, member.slot])
                    .collect()
            }
            Place::Kernel(place) => {
                let in_use = place.slots_in_use.lock();
                let in_use = in_use.unwrap_or_else(PoisonError::into_inner);
                in_use.iter().map(|slot| [slot + 1, slot + 1]).collect()
            }
        }
    }

    /// # Errors
    /// ENOENT on the kernel's lock manager: nobody declares its nodes dead.
    pub(super) fn declare_dead(&self, nodes: &[u32]) -> Result<(), Refusal> {
        match self {
            Place::Embedded(node) => node.lockspace().nodes_died(nodes),
            Place::Kernel(_) => Err(Refusal::NodeUnknown),
        }
    }

    /// On the kernel's lock manager it goes on in a thread of its own, and `mailbox` hears when it is over.
    ///
    /// # Errors
    /// As `Node::leave`.
    pub(super) fn leave(&self, force: bool, mailbox: &Arc<Mailbox>) -> Result<(), Refusal> {
        match self {
            Place::Embedded(node) => node.leave(force),
            Place::Kernel(place) if place.gone.swap(true, Ordering::Relaxed) => {
                Err(Refusal::NodeUnknown)
            }
            Place::Kernel(place) => {
                let (place, mailbox) = (Arc::clone(place), Arc::clone(mailbox));
                std::thread::spawn(move || {
                    if let Some(member) = place.member().take() {
                        // Where nobody answers, the others take it for a death.
                        let _ = member.leave(LEAVING);
                    }
                    let _ = place.node.close();
                    mailbox.gone();
                });
                Ok(())
            }
        }
    }

    /// The environment has ended; this waits for nobody.
    pub(super) fn abandon(&self, dies: bool) {
        match self {
            Place::Embedded(node) if !node.is_member() => {}
            Place::Embedded(node) => {
                // Refused only where another thread was faster.
                let _ = if dies {
                    node.lockspace().nodes_died(&[node.number()])
                } else {
                    node.leave(true)
                };
            }
            Place::Kernel(place) if place.gone.swap(true, Ordering::Relaxed) => {}
            Place::Kernel(place) => {
                let place = Arc::clone(place);
                std::thread::spawn(move || {
                    let member = place.member().take();
                    if let Some(member) = member.filter(|_| !dies) {
                        let _ = member.leave(LEAVING);
                    }
                    let _ = place.node.close();
                });
            }
        }
    }
}
