//! Inputs and digests, the same as in `bench/fixtures.ts`.

/// Chunks of every bitmap here: 128 KiB of bits, which stay in the second-level cache.
pub const CHUNKS: u32 = 1 << 20;
pub const CHUNK_SECTORS: u32 = 128;
/// Events of a run, in calls of `BATCH`.
pub const EVENTS: usize = 4096;
pub const BATCH: usize = 256;
pub const PAGES: usize = 8192;

/// splitmix32.
pub struct Random(u32);

impl Random {
    pub fn new(seed: u32) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        let mut z = self.0;
        z = (z ^ (z >> 16)).wrapping_mul(0x21f0_aaad);
        z = (z ^ (z >> 15)).wrapping_mul(0x735a_2d97);
        z ^ (z >> 15)
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.next()) * u64::from(limit)) >> 32) as u32
    }
}

/// FNV-1a.
pub fn digest(bytes: &[u8], start: u32) -> u32 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

pub const DIGEST_START: u32 = 0x811c_9dc5;

/// First chunk and length of every event; lengths are 1 to `longest`.
pub fn ranges(longest: u32) -> Vec<(u32, u32)> {
    let mut random = Random::new(1);
    (0..EVENTS)
        .map(|_| {
            let length = 1 + random.below(longest);
            (random.below(CHUNKS - longest), length)
        })
        .collect()
}

/// A bitmap with `set` draws of a random bit, or all bits drawn evenly where `set` is half of them.
pub fn bitmap(seed: u32, set: u32) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut words = vec![0u64; CHUNKS as usize / 64];
    if set >= CHUNKS / 2 {
        for word in &mut words {
            let low = u64::from(random.next());
            *word = low | (u64::from(random.next()) << 32);
        }
        return words;
    }
    for _ in 0..set {
        let bit = random.below(CHUNKS);
        words[bit as usize / 64] |= 1 << (bit % 64);
    }
    words
}

pub fn bytes_of<T: Copy>(values: &[T]) -> &[u8] {
    // SAFETY: only called with integers and doubles, every byte of which is initialised.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}
