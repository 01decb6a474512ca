//! A lockspace: its resources, its nodes with their slots, and what happens when membership changes (spec §4.2, §7.6).

use super::callback::{Afterwards, Callback, Sink, Wake};
use super::node::Node;
use super::resource_table::{Guarded, ResourceTable};
use super::sync::{AtomicBool, Mutex, Ordering, lock};
use super::{Mode, Refusal};
use std::sync::Arc;

/// Most bytes of a lockspace's name (DLM_LOCKSPACE_LEN).
const LOCKSPACE_NAME_BYTES: usize = 64;

/// A lockspace, shared by all threads of the process.
pub struct Lockspace {
    name: String,
    pub(super) table: ResourceTable,
    /// Set while membership changes. Read with a resource locked; changed before every resource is locked once.
    stopped: AtomicBool,
    membership: Mutex<Membership>,
}

struct Membership {
    members: Vec<Member>,
    generation: u32,
}

struct Member {
    node: u32,
    slot: u32,
    sink: Arc<dyn Sink>,
    alive: Arc<AtomicBool>,
}

/// A node of the lockspace, as `Lockspace::members` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberSlot {
    pub node: u32,
    /// From 1, as fs/dlm counts.
    pub slot: u32,
}

/// How nodes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Departure {
    Leave,
    Death,
}

impl Lockspace {
    /// The process's lockspace of this name; it is made where there is none, and goes with its last user.
    ///
    /// # Errors
    /// `Refusal::LockspaceNameLength` for an empty name and one over 64 bytes.
    #[cfg(not(loom))]
    pub fn open(name: &str) -> Result<Arc<Lockspace>, Refusal> {
        use std::collections::HashMap;
        use std::sync::{LazyLock, Weak};
        static OPEN: LazyLock<Mutex<HashMap<String, Weak<Lockspace>>>> =
            LazyLock::new(Mutex::default);
        let mut open = lock(&OPEN);
        if let Some(lockspace) = open.get(name).and_then(Weak::upgrade) {
            return Ok(lockspace);
        }
        let lockspace = Lockspace::unlisted(name)?;
        open.retain(|_, lockspace| lockspace.strong_count() > 0);
        open.insert(name.to_owned(), Arc::downgrade(&lockspace));
        Ok(lockspace)
    }

    /// A lockspace that `open` does not find: for tests and benchmarks.
    ///
    /// # Errors
    /// As `open`.
    pub fn unlisted(name: &str) -> Result<Arc<Lockspace>, Refusal> {
        if name.is_empty() || name.len() > LOCKSPACE_NAME_BYTES {
            return Err(Refusal::LockspaceNameLength);
        }
        Ok(Arc::new(Lockspace {
            name: name.to_owned(),
            table: ResourceTable::new(),
            stopped: AtomicBool::new(false),
            membership: Mutex::new(Membership {
                members: Vec::new(),
                generation: 0,
            }),
        }))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes `node` (1 or more) a member. Its callbacks, and those of its locks unless they name another sink, go to
    /// `sink`: the first is `RecoverDone` with its slot, before this returns.
    ///
    /// # Errors
    /// `Refusal::NodeExists` (EEXIST), `Refusal::ZeroNode` (EINVAL).
    pub fn join(self: &Arc<Self>, node: u32, sink: Arc<dyn Sink>) -> Result<Node, Refusal> {
        let mut nodes = self.join_together(vec![(node, sink)])?;
        nodes.pop().ok_or(Refusal::NodeUnknown)
    }

    /// Several nodes join in one change of membership: slots are given in the order of node numbers, each the lowest
    /// that is free, and those of members stay (fs/dlm/member.c). The handles come in the order of node numbers.
    ///
    /// # Errors
    /// As `join`; then nobody has joined.
    pub fn join_together(
        self: &Arc<Self>,
        mut newcomers: Vec<(u32, Arc<dyn Sink>)>,
    ) -> Result<Vec<Node>, Refusal> {
        newcomers.sort_by_key(|(node, _)| *node);
        let mut membership = lock(&self.membership);
        if newcomers.iter().any(|(node, _)| *node == 0) {
            return Err(Refusal::ZeroNode);
        }
        let twice = newcomers.windows(2).any(|pair| pair[0].0 == pair[1].0);
        let known = |node: u32| membership.members.iter().any(|member| member.node == node);
        if twice || newcomers.iter().any(|(node, _)| known(*node)) {
            return Err(Refusal::NodeExists);
        }
        let mut afterwards = Afterwards::default();
        self.stop();
        membership.tell(&Callback::RecoverPrep, &mut afterwards);
        let mut nodes = Vec::with_capacity(newcomers.len());
        for (node, sink) in newcomers {
            let slot = membership.lowest_free_slot();
            let alive = Arc::new(AtomicBool::new(true));
            let own_sink = Arc::clone(&sink);
            membership.members.push(Member {
                node,
                slot,
                sink,
                alive: Arc::clone(&alive),
            });
            nodes.push(Node::new(Arc::clone(self), node, slot, own_sink, alive));
        }
        self.done(&mut membership, &mut afterwards);
        self.stopped.store(false, Ordering::Release);
        drop(membership);
        afterwards.run();
        Ok(nodes)
    }

    /// These nodes died, all at once. Their locks go, the survivors hear of it (RecoverPrep, RecoverSlot, RecoverDone),
    /// value blocks that they may have been about to change become invalid, and what they held is granted to others.
    ///
    /// # Errors
    /// `Refusal::NodeUnknown` (ENOENT) where one is no member; then nothing happens.
    pub fn nodes_died(&self, nodes: &[u32]) -> Result<(), Refusal> {
        self.depart(nodes, Departure::Death, true)
    }

    /// Leaves. Without `force` only a node without locks can.
    pub(super) fn leave(&self, node: u32, force: bool) -> Result<(), Refusal> {
        self.depart(&[node], Departure::Leave, force)
    }

    /// The members, in the order of their slots.
    pub fn members(&self) -> Vec<MemberSlot> {
        let membership = lock(&self.membership);
        let slots = membership.members.iter();
        let mut slots: Vec<MemberSlot> = slots
            .map(|member| MemberSlot {
                node: member.node,
                slot: member.slot,
            })
            .collect();
        slots.sort_by_key(|member| member.slot);
        slots
    }

    /// How many resources have locks.
    pub fn resource_count(&self) -> usize {
        self.table.len()
    }

    /// The modes granted on a resource, in no particular order: for tests and status displays.
    pub fn granted_modes(&self, name: &[u8]) -> Vec<Mode> {
        let mut modes = Vec::new();
        self.for_each_resource(|resource| {
            let state = resource.lock();
            if state.live && *state.name == *name {
                modes.extend(
                    state
                        .locks
                        .iter()
                        .filter(|lock| lock.sink.is_some())
                        .filter_map(|lock| lock.granted),
                );
            }
        });
        modes
    }

    /// Whether operations must wait. To be asked with the resource locked.
    #[inline]
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Returns once membership has changed.
    #[cold]
    #[inline(never)]
    pub(super) fn wait_for_recovery(&self) {
        drop(lock(&self.membership));
    }

    fn depart(&self, nodes: &[u32], departure: Departure, force: bool) -> Result<(), Refusal> {
        let mut membership = lock(&self.membership);
        let known = |node: &u32| membership.members.iter().any(|member| member.node == *node);
        if !nodes.iter().all(known) {
            return Err(Refusal::NodeUnknown);
        }
        let mut afterwards = Afterwards::default();
        let mut gone = Afterwards::default();
        self.stop();
        if !force && self.holds_locks(nodes) {
            self.stopped.store(false, Ordering::Release);
            return Err(Refusal::NodeHoldsLocks);
        }
        let mut leavers = Vec::new();
        membership.members.retain_mut(|member| {
            if !nodes.contains(&member.node) {
                return true;
            }
            member.alive.store(false, Ordering::Release);
            leavers.push((member.slot, member.node));
            gone.release(Arc::clone(&member.sink));
            false
        });
        membership.tell(&Callback::RecoverPrep, &mut afterwards);
        if departure == Departure::Death {
            for &(slot, node) in &leavers {
                membership.tell(&Callback::RecoverSlot { slot, node }, &mut afterwards);
            }
        }
        let mut emptied = Vec::new();
        self.for_each_resource(|resource| {
            let mut state = resource.lock();
            if !state.live {
                return;
            }
            state.purge(nodes, &mut gone);
            state.recover(nodes);
            if state.lock_count == 0 {
                emptied.push(resource);
            }
        });
        for resource in emptied {
            self.table.retire(resource);
        }
        self.done(&mut membership, &mut afterwards);
        self.for_each_resource(|resource| resource.lock().grant_recovered(&mut afterwards));
        self.stopped.store(false, Ordering::Release);
        drop(membership);
        afterwards.run();
        gone.run_gone();
        Ok(())
    }

    /// Stops locking: when this returns no operation is under way, and none begins.
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.for_each_resource(|resource| drop(resource.lock()));
    }

    fn done(&self, membership: &mut Membership, afterwards: &mut Afterwards) {
        membership.generation += 1;
        let generation = membership.generation;
        for member in &membership.members {
            let callback = Callback::RecoverDone {
                slot: member.slot,
                generation,
            };
            afterwards.deliver(&member.sink, &callback);
        }
    }

    fn holds_locks(&self, nodes: &[u32]) -> bool {
        let mut holds = false;
        self.for_each_resource(|resource| {
            let state = resource.lock();
            holds |= state
                .locks
                .iter()
                .any(|lock| lock.sink.is_some() && nodes.contains(&lock.node));
        });
        holds
    }

    fn for_each_resource<'a>(&'a self, mut visit: impl FnMut(&'a Guarded)) {
        for index in 0..self.table.places() {
            if let Some(resource) = self.table.at(index) {
                visit(resource);
            }
        }
    }
}

impl Membership {
    fn lowest_free_slot(&self) -> u32 {
        let taken = |slot: &u32| self.members.iter().any(|member| member.slot == *slot);
        (1..).find(|slot| !taken(slot)).unwrap_or(u32::MAX)
    }

    fn tell(&self, callback: &Callback<'_>, afterwards: &mut Afterwards) {
        for member in &self.members {
            afterwards.deliver(&member.sink, callback);
        }
    }
}

/// A sink that hears nothing, for nodes of which only the locks' own sinks matter.
pub struct Deaf;

impl Sink for Deaf {
    fn deliver(&self, _: &Callback<'_>) -> Wake {
        Wake::NotNeeded
    }
}
