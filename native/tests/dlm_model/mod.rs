//! The lock manager again, as plainly as it can be written: vectors, whole scans, numbers for modes, no thought of speed.
//! It follows spec §7 sentence by sentence and shares nothing with the real one but the flags' values.

use std::collections::BTreeMap;

pub const NONE: i8 = -1;
const NL: i8 = 0;
const CR: i8 = 1;
const CW: i8 = 2;
const PR: i8 = 3;
const PW: i8 = 4;
const EX: i8 = 5;

pub const NOQUEUE: u32 = 0x1;
pub const CANCEL: u32 = 0x2;
pub const CONVERT: u32 = 0x4;
pub const VALBLK: u32 = 0x8;
pub const QUECVT: u32 = 0x10;
pub const IVVALBLK: u32 = 0x20;
pub const CONVDEADLK: u32 = 0x40;
pub const NODLCKWT: u32 = 0x100;
pub const EXPEDITE: u32 = 0x400;
pub const NOQUEUEBAST: u32 = 0x800;
pub const HEADQUE: u32 = 0x1000;
pub const NOORDER: u32 = 0x2000;
pub const ALTPR: u32 = 0x8000;
pub const ALTCW: u32 = 0x10000;
pub const FORCEUNLOCK: u32 = 0x20000;

const EINVAL: i32 = 22;
const EBUSY: i32 = 16;
const ENOENT: i32 = 2;

/// Rows and columns NL, CR, CW, PR, PW, EX.
const COMPATIBLE: [&str; 6] = ["111111", "111110", "111000", "110100", "110000", "100000"];
/// Conversions for which QUECVT is allowed.
const QUEUEABLE: [&str; 6] = ["011111", "001111", "000111", "001011", "000001", "000000"];
/// R returned to the caller, W written to the resource; rows: new request, then NL to EX.
const BLOCK: [&str; 7] = [
    "RRRRRR", "RRRRRR", "-RRRRR", "--RRRR", "---RRR", "WWWWWR", "WWWWWW",
];

fn at(table: &[&str], row: usize, column: i8) -> u8 {
    table[row].as_bytes()[column as usize]
}

fn compatible(granted: i8, requested: i8) -> bool {
    granted == NONE || requested == NONE || at(&COMPATIBLE, granted as usize, requested) == b'1'
}

/// What a node hears, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Ast {
        node: u32,
        tag: u64,
        status: i32,
        flags: u8,
        mode: i8,
        lvb: Option<[u8; 64]>,
    },
    Bast {
        node: u32,
        tag: u64,
        mode: i8,
    },
    RecoverPrep {
        node: u32,
    },
    RecoverSlot {
        node: u32,
        slot: u32,
        dead: u32,
    },
    RecoverDone {
        node: u32,
        slot: u32,
        generation: u32,
    },
}

#[derive(Clone)]
struct Lock {
    tag: u64,
    node: u32,
    granted: i8,
    requested: i8,
    flags: u32,
    block: Option<[u8; 64]>,
    block_seq: u32,
    high_bast: i8,
    wants_bast: bool,
    status_flags: u8,
}

#[derive(Default)]
struct Resource {
    granted: Vec<Lock>,
    convert: Vec<Lock>,
    wait: Vec<Lock>,
    block: Option<[u8; 64]>,
    block_seq: u32,
    not_valid: bool,
    master: u32,
}

pub struct Ask {
    pub mode: i8,
    pub flags: u32,
    pub block: Option<[u8; 64]>,
    pub wants_bast: bool,
}

#[derive(Default)]
pub struct Model {
    resources: BTreeMap<Vec<u8>, Resource>,
    /// Node, slot.
    members: Vec<(u32, u32)>,
    generation: u32,
    pub heard: Vec<Heard>,
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Now,
    Later,
    AfterRecovery,
}

impl Model {
    pub fn request(&mut self, node: u32, name: &[u8], tag: u64, ask: &Ask) -> Result<(), i32> {
        if name.len() > 64 || ask.flags & (CONVERT | QUECVT | CONVDEADLK) != 0 {
            return Err(EINVAL);
        }
        check_flags(ask)?;
        let fresh = !self.resources.contains_key(name);
        let resource = self.resources.entry(name.to_vec()).or_default();
        if fresh {
            resource.master = node;
        }
        let mut lock = Lock {
            tag,
            node,
            granted: NONE,
            requested: ask.mode,
            flags: ask.flags,
            block: ask.block,
            block_seq: 0,
            high_bast: 0,
            wants_bast: ask.wants_bast,
            status_flags: 0,
        };
        let heard = &mut self.heard;
        let (granted, _) = resource.can_be_granted(&mut lock, When::Now);
        if granted {
            resource.grant(lock, heard);
        } else if ask.flags & NOQUEUE == 0 {
            let requested = lock.requested;
            put(&mut resource.wait, lock);
            tell_holders(&mut resource.granted, requested, heard);
        } else {
            hear_ast(heard, &lock, -11, None);
            if ask.flags & NOQUEUEBAST != 0 {
                tell_holders(&mut resource.granted, lock.requested, heard);
                tell_holders(&mut resource.convert, lock.requested, heard);
            }
        }
        self.forget_empty(name);
        Ok(())
    }

    pub fn convert(&mut self, node: u32, name: &[u8], tag: u64, ask: &Ask) -> Result<(), i32> {
        if ask.flags & CONVDEADLK != 0 && ask.flags & NOQUEUE != 0 || ask.flags & EXPEDITE != 0 {
            return Err(EINVAL);
        }
        check_flags(ask)?;
        let resource = self.resources.get_mut(name).ok_or(ENOENT)?;
        let found = resource
            .all()
            .find(|lock| lock.tag == tag && lock.node == node)
            .ok_or(ENOENT)?;
        if ask.flags & QUECVT != 0
            && (found.granted == NONE || at(&QUEUEABLE, found.granted as usize, ask.mode) == b'0')
        {
            return Err(EINVAL);
        }
        let place = resource
            .granted
            .iter()
            .position(|lock| lock.tag == tag)
            .ok_or(EBUSY)?;
        let heard = &mut self.heard;
        {
            let lock = &mut resource.granted[place];
            lock.flags = ask.flags | CONVERT;
            lock.status_flags = 0;
            lock.requested = ask.mode;
            lock.wants_bast = ask.wants_bast;
            if ask.block.is_some() {
                lock.block = ask.block;
            }
        }
        // The lock stays on the granted queue while it asks: it only never counts against itself.
        let mut lock = resource.granted[place].clone();
        let (granted, deadlock) = resource.can_be_granted(&mut lock, When::Now);
        resource.granted[place] = lock.clone();
        if granted {
            resource.regrant(lock, heard);
            resource.grant_pending(false, heard);
            return Ok(());
        }
        if deadlock && ask.flags & NODLCKWT == 0 {
            resource.granted[place].requested = NONE;
            hear_ast(heard, &resource.granted[place], -35, None);
            return Ok(());
        }
        if lock.status_flags & 1 != 0 {
            resource.grant_pending_convert(false, heard);
            if resource.rules(&lock, When::Now) {
                resource.regrant(lock, heard);
                resource.grant_pending(false, heard);
                return Ok(());
            }
        }
        if ask.flags & NOQUEUE == 0 {
            let requested = lock.requested;
            resource.granted.retain(|other| other.tag != tag);
            put(&mut resource.convert, lock);
            tell_holders(&mut resource.granted, requested, heard);
        } else {
            hear_ast(heard, &lock, -11, None);
            if ask.flags & NOQUEUEBAST != 0 {
                let requested = lock.requested;
                let own = resource
                    .granted
                    .iter()
                    .position(|other| other.tag == tag)
                    .expect("still there");
                let was = std::mem::replace(&mut resource.granted[own].wants_bast, false);
                tell_holders(&mut resource.granted, requested, heard);
                resource.granted[own].wants_bast = was;
                tell_holders(&mut resource.convert, requested, heard);
            }
        }
        Ok(())
    }

    pub fn unlock(
        &mut self,
        node: u32,
        name: &[u8],
        tag: u64,
        flags: u32,
        block: Option<[u8; 64]>,
    ) -> Result<(), i32> {
        if flags & !(VALBLK | IVVALBLK | FORCEUNLOCK) != 0 {
            return Err(EINVAL);
        }
        let resource = self.resources.get_mut(name).ok_or(ENOENT)?;
        let mut lock = resource.take(node, tag).ok_or(ENOENT)?;
        lock.flags |= flags;
        lock.status_flags = 0;
        if block.is_some() {
            lock.block = block;
        }
        if lock.granted >= PW {
            resource.write_block(&mut lock);
        }
        lock.granted = NONE;
        hear_ast(&mut self.heard, &lock, -0x10002, None);
        resource.grant_pending(false, &mut self.heard);
        self.forget_empty(name);
        Ok(())
    }

    pub fn cancel(&mut self, node: u32, name: &[u8], tag: u64) -> Result<(), i32> {
        let resource = self.resources.get_mut(name).ok_or(ENOENT)?;
        let lock = resource
            .all()
            .find(|lock| lock.tag == tag && lock.node == node)
            .ok_or(ENOENT)?;
        if lock.flags & CANCEL != 0 {
            return Err(EINVAL);
        }
        if resource.granted.iter().any(|lock| lock.tag == tag) {
            return Ok(());
        }
        let mut lock = resource.take(node, tag).ok_or(ENOENT)?;
        lock.flags |= CANCEL;
        lock.status_flags = 0;
        lock.requested = NONE;
        hear_ast(&mut self.heard, &lock, -0x10001, None);
        if lock.granted != NONE {
            resource.put_granted(lock);
        }
        resource.grant_pending(false, &mut self.heard);
        self.forget_empty(name);
        Ok(())
    }

    pub fn join(&mut self, mut nodes: Vec<u32>) {
        nodes.sort_unstable();
        self.tell_members(|node| Heard::RecoverPrep { node });
        for node in nodes {
            let slot = (1..).find(|slot| self.members.iter().all(|member| member.1 != *slot));
            self.members.push((node, slot.expect("numbers do not end")));
        }
        self.recovery_done();
    }

    pub fn slot(&self, node: u32) -> Option<u32> {
        self.members
            .iter()
            .find(|member| member.0 == node)
            .map(|member| member.1)
    }

    pub fn depart(&mut self, nodes: &[u32], died: bool) {
        let gone: Vec<(u32, u32)> = self
            .members
            .iter()
            .copied()
            .filter(|member| nodes.contains(&member.0))
            .collect();
        self.members.retain(|member| !nodes.contains(&member.0));
        self.tell_members(|node| Heard::RecoverPrep { node });
        if died {
            for (dead, slot) in gone {
                self.tell_members(|node| Heard::RecoverSlot { node, slot, dead });
            }
        }
        let mut regrant = Vec::new();
        for (name, resource) in &mut self.resources {
            let before = resource.all().count();
            let writer_gone = resource.all().any(|lock| {
                nodes.contains(&lock.node) && lock.flags & VALBLK != 0 && lock.granted >= PW
            });
            for queue in [
                &mut resource.granted,
                &mut resource.convert,
                &mut resource.wait,
            ] {
                queue.retain(|lock| !nodes.contains(&lock.node));
            }
            let master_gone = nodes.contains(&resource.master);
            if master_gone {
                resource.new_master();
            } else if writer_gone {
                resource.not_valid = true;
            }
            if master_gone || resource.all().count() != before {
                regrant.push(name.clone());
            }
        }
        self.resources
            .retain(|_, resource| resource.all().count() != 0);
        self.recovery_done();
        for name in regrant {
            if let Some(resource) = self.resources.get_mut(&name) {
                resource.grant_pending(true, &mut self.heard);
            }
        }
    }

    fn recovery_done(&mut self) {
        self.generation += 1;
        let generation = self.generation;
        for &(node, slot) in &self.members {
            self.heard.push(Heard::RecoverDone {
                node,
                slot,
                generation,
            });
        }
    }

    fn tell_members(&mut self, what: impl Fn(u32) -> Heard) {
        let heard: Vec<Heard> = self.members.iter().map(|member| what(member.0)).collect();
        self.heard.extend(heard);
    }

    fn forget_empty(&mut self, name: &[u8]) {
        if self
            .resources
            .get(name)
            .is_some_and(|resource| resource.all().count() == 0)
        {
            self.resources.remove(name);
        }
    }

    /// Modes granted on a resource, sorted.
    pub fn granted_modes(&self, name: &[u8]) -> Vec<i8> {
        let mut modes: Vec<i8> = self.resources.get(name).map_or(Vec::new(), |resource| {
            resource
                .all()
                .map(|lock| lock.granted)
                .filter(|mode| *mode != NONE)
                .collect()
        });
        modes.sort_unstable();
        modes
    }

    pub fn resource_count(&self) -> usize {
        self.resources.len()
    }
}

fn check_flags(ask: &Ask) -> Result<(), i32> {
    let has = |flag| ask.flags & flag != 0;
    let wrong = has(CANCEL)
        || has(EXPEDITE) && (has(QUECVT) || has(NOQUEUE) || ask.mode != NL)
        || has(VALBLK) && ask.block.is_none();
    if wrong { Err(EINVAL) } else { Ok(()) }
}

fn put(queue: &mut Vec<Lock>, lock: Lock) {
    if lock.flags & HEADQUE != 0 {
        queue.insert(0, lock);
    } else {
        queue.push(lock);
    }
}

fn hear_ast(heard: &mut Vec<Heard>, lock: &Lock, status: i32, lvb: Option<[u8; 64]>) {
    heard.push(Heard::Ast {
        node: lock.node,
        tag: lock.tag,
        status,
        flags: lock.status_flags,
        mode: lock.granted,
        lvb,
    });
}

/// Blocking callbacks for a lock that has just been queued (or refused).
fn tell_holders(holders: &mut [Lock], requested: i8, heard: &mut Vec<Heard>) {
    for holder in holders.iter_mut().filter(|holder| holder.wants_bast) {
        let middle =
            [holder.granted, requested] == [PR, CW] || [holder.granted, requested] == [CW, PR];
        let due = if middle {
            holder.high_bast < EX
        } else {
            holder.high_bast < requested && !compatible(holder.granted, requested)
        };
        if due {
            heard.push(Heard::Bast {
                node: holder.node,
                tag: holder.tag,
                mode: requested,
            });
            holder.high_bast = requested;
        }
    }
}

impl Resource {
    fn all(&self) -> impl Iterator<Item = &Lock> {
        self.granted.iter().chain(&self.convert).chain(&self.wait)
    }

    fn take(&mut self, node: u32, tag: u64) -> Option<Lock> {
        for queue in [&mut self.granted, &mut self.convert, &mut self.wait] {
            if let Some(place) = queue
                .iter()
                .position(|lock| lock.tag == tag && lock.node == node)
            {
                return Some(queue.remove(place));
            }
        }
        None
    }

    /// Rules 1 to 10.
    fn rules(&self, lock: &Lock, when: When) -> bool {
        let conversion = lock.granted != NONE;
        if lock.flags & EXPEDITE != 0 {
            return true; // 1
        }
        let mut others = self
            .granted
            .iter()
            .chain(&self.convert)
            .filter(|other| other.tag != lock.tag);
        if others.any(|other| !compatible(other.granted, lock.requested)) {
            return false; // 2, 3
        }
        if conversion && when == When::AfterRecovery {
            return true; // 4
        }
        if when == When::Now && conversion {
            return lock.flags & QUECVT == 0 || self.convert.is_empty(); // 5, 6
        }
        if lock.flags & NOORDER != 0 {
            return true; // 7
        }
        let heads = |queue: &[Lock]| queue.first().is_some_and(|first| first.tag == lock.tag);
        if conversion {
            return heads(&self.convert); // 8
        }
        if when == When::Now {
            return self.convert.is_empty() && self.wait.is_empty(); // 9
        }
        self.convert.is_empty() && heads(&self.wait) // 10
    }

    /// Whether it can be granted, and whether it is in a conversion deadlock instead.
    fn can_be_granted(&self, lock: &mut Lock, when: When) -> (bool, bool) {
        if self.rules(lock, when) {
            return (true, false);
        }
        if lock.granted != NONE && lock.flags & NOQUEUE == 0 && self.deadlock(lock) {
            if lock.flags & CONVDEADLK != 0 {
                lock.granted = NL;
                lock.status_flags |= 1;
                return (false, false);
            }
            return (false, true);
        }
        let alternative = if lock.requested != PR && lock.flags & ALTPR != 0 {
            PR
        } else if lock.requested != CW && lock.flags & ALTCW != 0 {
            CW
        } else {
            return (false, false);
        };
        let wanted = std::mem::replace(&mut lock.requested, alternative);
        let when = if when == When::AfterRecovery {
            When::Later
        } else {
            when
        };
        if self.rules(lock, when) {
            lock.status_flags |= 4;
            return (true, false);
        }
        lock.requested = wanted;
        (false, false)
    }

    fn deadlock(&self, lock: &Lock) -> bool {
        let own = self
            .convert
            .iter()
            .position(|other| other.tag == lock.tag)
            .unwrap_or(self.convert.len());
        let ahead = &self.convert[..own];
        let behind = &self.convert[(own + 1).min(self.convert.len())..];
        ahead
            .iter()
            .any(|other| !compatible(lock.granted, other.requested))
            || behind.iter().any(|other| {
                !compatible(lock.granted, other.requested)
                    && !compatible(other.granted, lock.requested)
            })
    }

    /// True where the resource's block was written.
    fn write_block(&mut self, lock: &mut Lock) -> bool {
        if lock.flags & IVVALBLK != 0 {
            self.not_valid = true;
            return false;
        }
        if lock.flags & VALBLK == 0 || lock.block.is_none() {
            return false;
        }
        self.block = lock.block;
        self.block_seq = self.block_seq.wrapping_add(1);
        lock.block_seq = self.block_seq;
        self.not_valid = false;
        true
    }

    /// Grants a lock that is on no queue (any more).
    fn grant(&mut self, mut lock: Lock, heard: &mut Vec<Heard>) {
        let returned = self.settle(&mut lock);
        lock.requested = NONE;
        hear_ast(heard, &lock, 0, returned);
        self.put_granted(lock);
    }

    /// Grants a lock that is on the granted queue, with its new mode in `lock`.
    fn regrant(&mut self, mut lock: Lock, heard: &mut Vec<Heard>) {
        let place = self
            .granted
            .iter()
            .position(|other| other.tag == lock.tag)
            .expect("on the granted queue");
        if lock.granted == lock.requested {
            let returned = self.settle(&mut lock);
            lock.requested = NONE;
            hear_ast(heard, &lock, 0, returned);
            self.granted[place] = lock;
        } else {
            self.granted.remove(place);
            self.grant(lock, heard);
        }
    }

    /// The value block, and the new mode.
    fn settle(&mut self, lock: &mut Lock) -> Option<[u8; 64]> {
        let mut returned = None;
        let mut tells_validity = true;
        match at(&BLOCK, (lock.granted + 1) as usize, lock.requested) {
            b'R' => {
                if lock.flags & VALBLK != 0 && lock.block.is_some() && self.block.is_some() {
                    lock.block = self.block;
                    lock.block_seq = self.block_seq;
                    returned = self.block;
                } else {
                    tells_validity = false;
                }
            }
            b'W' => tells_validity = self.write_block(lock),
            _ => {}
        }
        if tells_validity && self.not_valid {
            lock.status_flags |= 2;
        }
        lock.granted = lock.requested;
        lock.high_bast = 0;
        returned
    }

    /// Before the first lock whose last asked-for mode is lower; that is the head, unless a conversion failed.
    fn put_granted(&mut self, lock: Lock) {
        let lower = self
            .granted
            .iter()
            .position(|other| other.requested < lock.granted);
        self.granted
            .insert(lower.unwrap_or(self.granted.len()), lock);
    }

    fn grant_pending(&mut self, recovery: bool, heard: &mut Vec<Heard>) {
        let (mut high, mut waits_cw) = self.grant_pending_convert(recovery, heard);
        let mut place = 0;
        while place < self.wait.len() {
            let mut lock = self.wait[place].clone();
            let (granted, _) = self.can_be_granted(&mut lock, When::Later);
            if granted {
                self.wait.remove(place);
                self.grant(lock, heard);
            } else {
                high = high.max(lock.requested);
                waits_cw |= lock.requested == CW;
                self.wait[place] = lock;
                place += 1;
            }
        }
        if high == NONE {
            return;
        }
        for holder in self.granted.iter_mut().filter(|holder| holder.wants_bast) {
            if holder.granted == PR && waits_cw {
                if holder.high_bast < EX {
                    let mode = if high == PR { CW } else { high };
                    heard.push(Heard::Bast {
                        node: holder.node,
                        tag: holder.tag,
                        mode,
                    });
                    holder.high_bast = high;
                }
            } else if holder.high_bast < high && !compatible(holder.granted, high) {
                heard.push(Heard::Bast {
                    node: holder.node,
                    tag: holder.tag,
                    mode: high,
                });
                holder.high_bast = high;
            }
        }
    }

    /// Passes over the convert queue until one grants nothing. Returns the highest mode that waits, and whether CW does.
    fn grant_pending_convert(&mut self, recovery: bool, heard: &mut Vec<Heard>) -> (i8, bool) {
        let when = if recovery {
            When::AfterRecovery
        } else {
            When::Later
        };
        let mut waits_cw = false;
        let mut restarted_for_demotion = false;
        loop {
            let mut high = NONE;
            let mut granted_one = false;
            let mut demoted_one = false;
            let mut place = 0;
            while place < self.convert.len() {
                let mut lock = self.convert[place].clone();
                let was_demoted = lock.status_flags & 1 != 0;
                let (granted, deadlock) = self.can_be_granted(&mut lock, when);
                if granted {
                    self.convert.remove(place);
                    self.grant(lock, heard);
                    granted_one = true;
                    continue;
                }
                let demoted_now = !was_demoted && lock.status_flags & 1 != 0;
                if demoted_now {
                    demoted_one = true;
                } else if deadlock {
                    if lock.flags & NODLCKWT != 0
                        && lock.wants_bast
                        && lock.high_bast < lock.requested
                    {
                        heard.push(Heard::Bast {
                            node: lock.node,
                            tag: lock.tag,
                            mode: lock.requested,
                        });
                        lock.high_bast = lock.requested;
                    }
                } else {
                    high = high.max(lock.requested);
                    waits_cw |= lock.requested == CW;
                }
                self.convert[place] = lock;
                place += 1;
            }
            if granted_one {
                continue;
            }
            if demoted_one && !restarted_for_demotion {
                restarted_for_demotion = true;
                continue;
            }
            return (high, waits_cw);
        }
    }

    /// The survivor with the lowest number keeps the resource from now on, and knows what the locks' blocks say.
    fn new_master(&mut self) {
        let Some(master) = self.all().map(|lock| lock.node).min() else {
            return;
        };
        self.master = master;
        self.block = None;
        self.block_seq = 0;
        self.not_valid = false;
        for lock in self
            .granted
            .iter_mut()
            .chain(&mut self.convert)
            .chain(&mut self.wait)
        {
            lock.high_bast = 0;
        }
        let holders: Vec<&Lock> = self
            .granted
            .iter()
            .chain(&self.convert)
            .filter(|lock| lock.flags & VALBLK != 0 && lock.block.is_some())
            .collect();
        let big = holders.iter().find(|lock| lock.granted > CR);
        // The last of those that have seen the newest.
        let newest = holders.iter().max_by_key(|lock| lock.block_seq);
        if let Some(source) = big.or(newest) {
            self.not_valid = big.is_none();
            self.block = source.block;
            self.block_seq = source.block_seq;
        }
    }
}
