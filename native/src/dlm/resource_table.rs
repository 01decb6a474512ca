//! All resources of a lockspace. Names are looked up in shards, for new requests only; a lock's id leads to its resource
//! without them. A resource's place never moves or goes away while the lockspace lives, so a stale id is always safe to
//! follow: it finds another incarnation and is refused.
//!
//! Order of locking: shard, then free list or resource. Nothing is taken while a resource is locked.

use super::resource::Resource;
use super::sync::{Mutex, MutexGuard, lock};
use super::{LockId, Refusal};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, OnceLock};

const SHARDS: usize = if cfg!(loom) { 2 } else { 64 };
/// Places within the table itself, one look away: enough for a channel and the bitmaps of 64 nodes. The first segment has
/// as many again, each further one twice as many as the one before.
const FIRST_PLACES: u32 = 128;
const SEGMENTS: usize = (LockId::RESOURCES / FIRST_PLACES).ilog2() as usize;

/// A resource behind its lock, alone on its cache lines: neighbours do not slow each other down.
#[repr(align(64))]
pub(super) struct Guarded(Mutex<Resource>);

impl Guarded {
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Resource> {
        lock(&self.0)
    }
}

/// Empty until the first resource needs it.
type Slot = OnceLock<Box<Guarded>>;
type Segment = Box<[Slot]>;

pub(super) struct ResourceTable {
    first: [Slot; FIRST_PLACES as usize],
    segments: [OnceLock<Segment>; SEGMENTS],
    places: Mutex<Places>,
    shards: Box<[Shard]>,
}

#[repr(align(64))]
struct Shard(Mutex<HashMap<Arc<[u8]>, u32>>);

#[derive(Default)]
struct Places {
    /// Places given out so far.
    used: u32,
    /// Those of them that are unused again.
    free: Vec<u32>,
}

/// A resource as found by name: it is still this one only where the incarnation is the same once it is locked.
pub(super) struct Found<'a> {
    pub(super) resource: &'a Guarded,
    pub(super) incarnation: u32,
}

impl ResourceTable {
    pub(super) fn new() -> ResourceTable {
        ResourceTable {
            first: [const { OnceLock::new() }; FIRST_PLACES as usize],
            segments: [const { OnceLock::new() }; SEGMENTS],
            places: Mutex::new(Places::default()),
            shards: (0..SHARDS)
                .map(|_| Shard(Mutex::new(HashMap::new())))
                .collect(),
        }
    }

    #[inline]
    pub(super) fn at(&self, index: u32) -> Option<&Guarded> {
        match self.first.get(index as usize) {
            Some(slot) => slot,
            None => self.later_slot(index)?,
        }
        .get()
        .map(Box::as_ref)
    }

    fn later_slot(&self, index: u32) -> Option<&Slot> {
        let (segment, offset) = split(index);
        self.segments.get(segment)?.get()?.get(offset)
    }

    /// How many places there are; every resource that exists is at a lower index.
    pub(super) fn places(&self) -> u32 {
        lock(&self.places).used
    }

    fn shard(&self, name: &[u8]) -> &Mutex<HashMap<Arc<[u8]>, u32>> {
        // The same shard in every run, which loom needs; the tables within have keys of their own.
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        &self.shards[hasher.hash_one(name) as usize % SHARDS].0
    }

    /// The resource of this name; it is made where there is none.
    pub(super) fn find_or_make(&self, name: &[u8]) -> Result<Found<'_>, Refusal> {
        let mut names = lock(self.shard(name));
        if let Some(resource) = names.get(name).and_then(|index| self.at(*index)) {
            return Ok(Found {
                resource,
                incarnation: resource.lock().incarnation,
            });
        }
        let (index, resource) = self.take_place()?;
        let name: Arc<[u8]> = Arc::from(name);
        let incarnation = {
            let mut state = resource.lock();
            state.begin(Arc::clone(&name));
            state.incarnation
        };
        names.insert(name, index);
        Ok(Found {
            resource,
            incarnation,
        })
    }

    fn take_place(&self) -> Result<(u32, &Guarded), Refusal> {
        let mut places = lock(&self.places);
        let index = match places.free.pop() {
            Some(index) => index,
            None if places.used >= LockId::RESOURCES => return Err(Refusal::TooMany),
            None => {
                places.used += 1;
                places.used - 1
            }
        };
        let slot = match self.first.get(index as usize) {
            Some(slot) => slot,
            None => {
                let (segment, offset) = split(index);
                &self.segments[segment].get_or_init(|| {
                    (0..FIRST_PLACES << segment)
                        .map(|_| OnceLock::new())
                        .collect()
                })[offset]
            }
        };
        let resource = slot.get_or_init(|| Box::new(Guarded(Mutex::new(Resource::unused(index)))));
        Ok((index, resource))
    }

    /// Forgets a resource that has no locks left; one that has got some meanwhile stays.
    pub(super) fn retire(&self, resource: &Guarded) {
        let name = {
            let state = resource.lock();
            if !state.live || state.lock_count != 0 {
                return;
            }
            Arc::clone(&state.name)
        };
        let mut names = lock(self.shard(&name));
        let mut state = resource.lock();
        // Between the two locks it may have been used, forgotten or renamed.
        if state.live && state.lock_count == 0 && state.name == name {
            names.remove(&name);
            let index = state.index;
            state.end();
            drop(state);
            lock(&self.places).free.push(index);
        }
    }

    /// How many resources have a name now.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(&shard.0).len()).sum()
    }
}

/// Segment, and place in it, of an index that is not among the first.
fn split(index: u32) -> (usize, usize) {
    let segment = index.ilog2() - FIRST_PLACES.ilog2();
    (
        segment as usize,
        (index - (FIRST_PLACES << segment)) as usize,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_double() {
        assert_eq!(split(128), (0, 0));
        assert_eq!(split(255), (0, 127));
        assert_eq!(split(256), (1, 0));
        assert_eq!(split(511), (1, 255));
        assert_eq!(split(512), (2, 0));
        let (segment, offset) = split(LockId::RESOURCES - 1);
        assert_eq!(segment, SEGMENTS - 1);
        assert_eq!(offset, ((FIRST_PLACES as usize) << segment) - 1);
    }

    #[test]
    fn every_place_is_found_within_the_table_and_in_its_segments() {
        let table = ResourceTable::new();
        for index in 0..1000u32 {
            assert!(table.at(index).is_none());
            let found = table.find_or_make(&index.to_le_bytes()).expect("room");
            let resource = table.at(index).expect("made");
            assert!(std::ptr::eq(found.resource, resource));
            assert_eq!(resource.lock().index, index);
        }
        assert!(table.at(LockId::RESOURCES - 1).is_none());
    }

    #[test]
    fn a_name_is_found_again_and_forgotten_with_its_last_lock() {
        let table = ResourceTable::new();
        let first = table.find_or_make(b"token").expect("room");
        let again = table.find_or_make(b"token").expect("room");
        assert_eq!(first.incarnation, again.incarnation);
        assert!(std::ptr::eq(first.resource, again.resource));
        assert_eq!(table.len(), 1);
        table.retire(first.resource);
        assert_eq!(table.len(), 0);
        let other = table.find_or_make(b"ack").expect("room");
        assert!(
            std::ptr::eq(first.resource, other.resource),
            "its place is used again"
        );
        assert_ne!(first.incarnation, other.incarnation);
        assert_eq!(table.places(), 1);
    }
}
