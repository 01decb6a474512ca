//! Kernels on bits alone, and the generator.

use crate::Kernel;
use crate::fixtures::{
    BATCH, CHUNKS, DIGEST_START, EVENTS, Random, bitmap, bytes_of, digest, ranges,
};
use std::hint::black_box;

pub struct SetBits {
    bits: Vec<u8>,
    chunks: Vec<u32>,
}

impl SetBits {
    pub fn new() -> Self {
        SetBits {
            bits: vec![0; CHUNKS as usize / 8],
            chunks: ranges(1).iter().map(|range| range.0).collect(),
        }
    }
}

impl Kernel for SetBits {
    #[inline(never)]
    fn run(&mut self) {
        let bits = self.bits.as_mut_ptr();
        for &chunk in &self.chunks {
            // SAFETY: chunks are below CHUNKS.
            unsafe { *bits.add(chunk as usize >> 3) |= 1 << (chunk & 7) };
        }
    }

    fn digest(&mut self) -> u32 {
        digest(&self.bits, DIGEST_START)
    }
}

pub struct SetRanges {
    words: Vec<u64>,
    ranges: Vec<(u32, u32)>,
}

impl SetRanges {
    pub fn new() -> Self {
        SetRanges {
            words: vec![0; CHUNKS as usize / 64],
            ranges: ranges(64),
        }
    }
}

impl Kernel for SetRanges {
    #[inline(never)]
    fn run(&mut self) {
        let words = self.words.as_mut_ptr();
        for &(first, length) in &self.ranges {
            let last = first + length - 1;
            let (low, high) = (first as usize >> 6, last as usize >> 6);
            let from = u64::MAX << (first & 63);
            let to = u64::MAX >> (63 - (last & 63));
            // SAFETY: ranges end below CHUNKS.
            unsafe {
                if low == high {
                    *words.add(low) |= from & to;
                } else {
                    *words.add(low) |= from;
                    for word in low + 1..high {
                        *words.add(word) = u64::MAX;
                    }
                    *words.add(high) |= to;
                }
            }
        }
    }

    fn digest(&mut self) -> u32 {
        digest(bytes_of(&self.words), DIGEST_START)
    }
}

pub struct Or {
    target: Vec<u64>,
    source: Vec<u64>,
}

impl Or {
    pub fn new() -> Self {
        Or {
            target: bitmap(2, 10_485),
            source: bitmap(3, 10_485),
        }
    }
}

impl Kernel for Or {
    #[inline(never)]
    fn run(&mut self) {
        for (target, source) in self.target.iter_mut().zip(&self.source) {
            *target |= source;
        }
    }

    fn digest(&mut self) -> u32 {
        digest(bytes_of(&self.target), DIGEST_START)
    }
}

pub struct Popcount {
    words: Vec<u64>,
    count: u64,
}

impl Popcount {
    pub fn new() -> Self {
        Popcount {
            words: bitmap(2, CHUNKS / 2),
            count: 0,
        }
    }
}

impl Kernel for Popcount {
    #[inline(never)]
    fn run(&mut self) {
        self.count = self
            .words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum();
        black_box(self.count);
    }

    fn digest(&mut self) -> u32 {
        self.count as u32
    }
}

/// Set chunks as numbers, a piece of 64 KiB at a time, as the hot path hands them out.
pub struct Scan {
    words: Vec<u64>,
    found: Vec<u32>,
    total: usize,
}

const PIECE: usize = 16384;

impl Scan {
    pub fn new(set: u32) -> Self {
        Scan {
            words: bitmap(2, set),
            found: vec![0; PIECE],
            total: 0,
        }
    }

    /// Fills a piece from word `from` on; returns how many were found and where to go on.
    #[inline(never)]
    fn piece(&mut self, from: usize) -> (usize, usize) {
        let found = self.found.as_mut_ptr();
        let mut count = 0;
        let mut index = from;
        while index < self.words.len() && count + 64 <= PIECE {
            // SAFETY: the index is below the length, and the piece has room for a word's bits.
            unsafe {
                let mut left = *self.words.get_unchecked(index);
                while left != 0 {
                    *found.add(count) = index as u32 * 64 + left.trailing_zeros();
                    count += 1;
                    left &= left - 1;
                }
            }
            index += 1;
        }
        (count, index)
    }
}

impl Kernel for Scan {
    fn run(&mut self) {
        self.total = 0;
        let mut index = 0;
        while index < self.words.len() {
            let (count, next) = self.piece(index);
            self.total += count;
            index = next;
        }
    }

    fn digest(&mut self) -> u32 {
        let mut hash = DIGEST_START;
        let mut index = 0;
        while index < self.words.len() {
            let (count, next) = self.piece(index);
            hash = digest(bytes_of(&self.found[..count]), hash);
            index = next;
        }
        hash
    }
}

/// Two times four xoshiro128++ generators, four events a step.
pub struct Uniform {
    state: [[[u32; 4]; 4]; 2],
    sector: Vec<f64>,
    sectors: Vec<u32>,
    positions: f64,
}

impl Uniform {
    pub fn new() -> Self {
        // As seedLanes(1, 0) of the generator begins.
        let mut random = Random::new(0x9e37_79b1u32.wrapping_add(0x632b_e5ab));
        let mut state = [[[0; 4]; 4]; 2];
        for word in state.iter_mut().flatten().flatten() {
            *word = random.next();
        }
        Uniform {
            state,
            sector: vec![0.0; EVENTS],
            sectors: vec![0; EVENTS],
            positions: f64::from(CHUNKS * 16),
        }
    }

    fn step(&mut self, vector: usize) -> [u32; 4] {
        let mut result = [0; 4];
        let [s0, s1, s2, s3] = &mut self.state[vector];
        for lane in 0..4 {
            result[lane] = s0[lane]
                .wrapping_add(s3[lane])
                .rotate_left(7)
                .wrapping_add(s0[lane]);
            let t = s1[lane] << 9;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= t;
            s3[lane] = s3[lane].rotate_left(11);
        }
        result
    }

    /// Writes lie one behind the other here: a position is a sector's eighth.
    fn sector_of(&self, high: u32, low: u32) -> f64 {
        let mantissa = ((u64::from(high) << 32) | u64::from(low)) >> 12;
        let unit = f64::from_bits(mantissa | 1f64.to_bits()) - 1.0;
        (unit * self.positions).floor() * 8.0
    }

    #[inline(never)]
    fn generate(&mut self, first: usize) {
        for i in (first..first + BATCH).step_by(4) {
            let a = self.step(0);
            let b = self.step(1);
            let sectors = [
                self.sector_of(a[1], a[0]),
                self.sector_of(a[3], a[2]),
                self.sector_of(b[1], b[0]),
                self.sector_of(b[3], b[2]),
            ];
            self.sector[i..i + 4].copy_from_slice(&sectors);
        }
        self.sectors[first..first + BATCH].fill(8);
    }
}

impl Kernel for Uniform {
    fn run(&mut self) {
        for first in (0..EVENTS).step_by(BATCH) {
            self.generate(first);
        }
    }

    fn digest(&mut self) -> u32 {
        digest(
            bytes_of(&self.sectors),
            digest(bytes_of(&self.sector), DIGEST_START),
        )
    }
}
