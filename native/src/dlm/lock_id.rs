//! A lock's number: it names the resource and the place in it, so that no table stands between an operation and its lock.

/// Names one lock of a lockspace. Numbers of released locks are not given out again soon: a stale one is refused (ENOENT).
///
/// Layout: generation, 22 bits, never 0; lock within its resource, 20 bits; resource, 22 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockId(u64);

const RESOURCE_BITS: u32 = 22;
const PLACE_BITS: u32 = 20;
const GENERATION_BITS: u32 = 22;

impl LockId {
    /// How many resources one lockspace can hold at once.
    pub const RESOURCES: u32 = 1 << RESOURCE_BITS;
    /// How many locks one resource can hold at once.
    pub const PLACES: u32 = 1 << PLACE_BITS;

    #[inline]
    pub(super) fn new(resource: u32, place: u32, generation: u32) -> LockId {
        LockId(
            u64::from(generation) << (RESOURCE_BITS + PLACE_BITS)
                | u64::from(place) << RESOURCE_BITS
                | u64::from(resource),
        )
    }

    #[inline]
    pub(super) fn resource(self) -> u32 {
        self.0 as u32 & (Self::RESOURCES - 1)
    }

    #[inline]
    pub(super) fn place(self) -> u32 {
        (self.0 >> RESOURCE_BITS) as u32 & (Self::PLACES - 1)
    }

    #[inline]
    pub(super) fn generation(self) -> u32 {
        (self.0 >> (RESOURCE_BITS + PLACE_BITS)) as u32
    }

    /// The generation after this one: 22 bits, never 0.
    pub(super) fn next_generation(generation: u32) -> u32 {
        (generation + 1) % (1 << GENERATION_BITS)
            + u32::from(generation + 1 == 1 << GENERATION_BITS)
    }

    /// As a plain number, for a caller in another language.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// From `to_bits`. Any number is safe: one that names no lock is refused by the operation.
    pub fn from_bits(bits: u64) -> LockId {
        LockId(bits)
    }

    /// True for the number 0, which no lock ever has.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_generations_skip_zero() {
        let id = LockId::new(LockId::RESOURCES - 1, LockId::PLACES - 2, 7);
        assert_eq!(
            (id.resource(), id.place(), id.generation()),
            (LockId::RESOURCES - 1, LockId::PLACES - 2, 7)
        );
        assert_eq!(LockId::from_bits(id.to_bits()), id);
        assert_eq!(LockId::next_generation(0), 1);
        assert_eq!(LockId::next_generation((1 << GENERATION_BITS) - 1), 1);
        assert_eq!(
            LockId::next_generation((1 << GENERATION_BITS) - 2),
            (1 << GENERATION_BITS) - 1
        );
    }
}
