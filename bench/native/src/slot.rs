//! A slot's counters and image, as `assembly/` has them: counter pages behind a table, attributes a byte a page.

use crate::Kernel;
use crate::fixtures::{
    BATCH, CHUNK_SECTORS, CHUNKS, DIGEST_START, EVENTS, bytes_of, digest, ranges,
};

const COUNTER_PAGE_SHIFT: u32 = 11;
const COUNTER_PAGE: usize = 2048;
const SUPERBLOCK_BITS: u32 = 2048;
const SUPERBLOCK_BYTES: usize = 256;
const PAGE_BIT_SHIFT: u32 = 15;
const PAGE_COUNT: usize = (CHUNKS as usize + SUPERBLOCK_BITS as usize).div_ceil(32768);
const COUNTER_PAGES: usize = CHUNKS as usize / COUNTER_PAGE;
const ABSENT: *mut u16 = std::ptr::null_mut();

struct Slot {
    chunk_shift: u32,
    size_sectors: u64,
    sector: Vec<f64>,
    sectors: Vec<u32>,
    image: Vec<u8>,
    /// Where each counter page is; they come from the pool at their first write.
    table: Vec<*mut u16>,
    pool: Vec<u16>,
    pool_used: usize,
    idle: Vec<u8>,
    dirty: [u8; PAGE_COUNT],
    pending: [u8; PAGE_COUNT],
    need_write: [u8; PAGE_COUNT],
    list: Vec<u32>,
    all_clean: bool,
}

impl Slot {
    fn new(longest: u32) -> Self {
        let ranges = ranges(longest);
        Slot {
            chunk_shift: CHUNK_SECTORS.trailing_zeros(),
            size_sectors: u64::from(CHUNKS) * u64::from(CHUNK_SECTORS),
            sector: ranges
                .iter()
                .map(|r| f64::from(r.0) * f64::from(CHUNK_SECTORS))
                .collect(),
            sectors: ranges.iter().map(|r| r.1 * CHUNK_SECTORS).collect(),
            image: vec![0; PAGE_COUNT * 4096],
            table: vec![ABSENT; COUNTER_PAGES],
            pool: vec![0; CHUNKS as usize],
            pool_used: 0,
            idle: vec![0; COUNTER_PAGES],
            dirty: [0; PAGE_COUNT],
            pending: [0; PAGE_COUNT],
            need_write: [0; PAGE_COUNT],
            list: Vec::with_capacity(PAGE_COUNT),
            all_clean: true,
        }
    }

    #[cold]
    fn add_counter_page(&mut self, page: usize) -> *mut u16 {
        let start = self.pool_used * COUNTER_PAGE;
        self.pool_used += 1;
        self.table[page] = self.pool[start..].as_mut_ptr();
        self.table[page]
    }

    unsafe fn counters_of(&mut self, page: usize) -> *mut u16 {
        let counters = unsafe { *self.table.get_unchecked(page) };
        if counters.is_null() {
            self.add_counter_page(page)
        } else {
            counters
        }
    }

    /// First and last chunk of a ring event, or none where it passes the end.
    unsafe fn chunks_of(&self, event: usize) -> Option<(u32, u32)> {
        unsafe {
            let sector = self.sector.get_unchecked(event).to_int_unchecked::<i64>() as u64;
            let sectors = *self.sectors.get_unchecked(event);
            let last = sector.wrapping_add(u64::from(sectors)).wrapping_sub(1);
            if last >= self.size_sectors || sectors == 0 {
                return None;
            }
            Some((
                (sector >> self.chunk_shift) as u32,
                (last >> self.chunk_shift) as u32,
            ))
        }
    }

    unsafe fn start_chunk(&mut self, counters: *mut u16, chunk: u32) {
        unsafe {
            let counter = counters.add(chunk as usize & (COUNTER_PAGE - 1));
            let mut word = *counter;
            if word < 2 {
                if word == 0 {
                    *self
                        .image
                        .get_unchecked_mut(SUPERBLOCK_BYTES + (chunk as usize >> 3)) |=
                        1 << (chunk & 7);
                    *self.dirty.get_unchecked_mut(
                        ((chunk + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT) as usize,
                    ) = 1;
                }
                word = 2;
            }
            *counter = word + 1;
        }
    }

    #[inline(never)]
    unsafe fn start_writes(&mut self, first: usize, count: usize) -> usize {
        unsafe {
            for event in first..first + count {
                let Some((from, to)) = self.chunks_of(event) else {
                    return event - first;
                };
                let mut chunk = from;
                while chunk <= to {
                    let page = chunk >> COUNTER_PAGE_SHIFT;
                    let counters = self.counters_of(page as usize);
                    let end = to.min(chunk | (COUNTER_PAGE as u32 - 1));
                    while chunk <= end {
                        self.start_chunk(counters, chunk);
                        chunk += 1;
                    }
                }
            }
        }
        count
    }

    #[inline(never)]
    unsafe fn end_writes(&mut self, first: usize, count: usize) {
        unsafe {
            for event in first..first + count {
                let Some((from, to)) = self.chunks_of(event) else {
                    return;
                };
                let mut chunk = from;
                while chunk <= to {
                    let page = chunk >> COUNTER_PAGE_SHIFT;
                    let counters = self.counters_of(page as usize);
                    let end = to.min(chunk | (COUNTER_PAGE as u32 - 1));
                    while chunk <= end {
                        let counter = counters.add(chunk as usize & (COUNTER_PAGE - 1));
                        let word = (*counter).wrapping_sub(1);
                        *counter = word;
                        if word <= 2 {
                            *self.idle.get_unchecked_mut(page as usize) = 1;
                            self.all_clean = false;
                        }
                        chunk += 1;
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn unplug(&mut self) {
        self.list.clear();
        for page in 0..PAGE_COUNT {
            if self.dirty[page] | self.need_write[page] != 0 {
                self.dirty[page] = 0;
                self.need_write[page] = 0;
                self.pending[page] = 0;
                self.list.push(page as u32);
            }
        }
    }

    #[inline(never)]
    fn daemon_pass(&mut self) {
        self.list.clear();
        if self.all_clean {
            return;
        }
        self.all_clean = true;
        for page in 0..PAGE_COUNT {
            self.need_write[page] |= self.pending[page];
            self.pending[page] = 0;
        }
        for page in 0..COUNTER_PAGES {
            if self.idle[page] != 0 {
                self.idle[page] = 0;
                // SAFETY: a page that holds idle chunks is present.
                unsafe { self.age(page) };
            }
        }
        for page in 0..PAGE_COUNT {
            if self.dirty[page] != 0 {
                break;
            }
            if self.need_write[page] != 0 {
                self.need_write[page] = 0;
                self.list.push(page as u32);
            }
        }
    }

    unsafe fn age(&mut self, counter_page: usize) {
        let (mut still_idle, mut cleared) = (false, false);
        unsafe {
            let counters = self.table[counter_page];
            for i in 0..COUNTER_PAGE {
                let word = *counters.add(i);
                if word == 1 {
                    *counters.add(i) = 0;
                    let chunk = counter_page * COUNTER_PAGE + i;
                    *self
                        .image
                        .get_unchecked_mut(SUPERBLOCK_BYTES + (chunk >> 3)) &= !(1 << (chunk & 7));
                    cleared = true;
                } else if word == 2 {
                    *counters.add(i) = 1;
                    still_idle = true;
                }
            }
        }
        if still_idle {
            self.idle[counter_page] = 1;
            self.all_clean = false;
        }
        let page = (counter_page * COUNTER_PAGE + SUPERBLOCK_BITS as usize) >> PAGE_BIT_SHIFT;
        if cleared && self.need_write[page] == 0 {
            self.pending[page] = 1;
            self.all_clean = false;
        }
    }

    fn digest(&mut self) -> u32 {
        let mut counters = vec![0u16; CHUNKS as usize];
        for (page, &from) in self.table.iter().enumerate() {
            if from != ABSENT {
                // SAFETY: a present page has COUNTER_PAGE counters.
                let present = unsafe { std::slice::from_raw_parts(from, COUNTER_PAGE) };
                counters[page * COUNTER_PAGE..][..COUNTER_PAGE].copy_from_slice(present);
            }
        }
        let hash = digest(&self.image, DIGEST_START);
        digest(bytes_of(&self.list), digest(bytes_of(&counters), hash))
    }
}

/// Starts all events in batches, then ends them.
pub struct Writes(Slot);

impl Writes {
    pub fn new(longest: u32) -> Self {
        Writes(Slot::new(longest))
    }
}

impl Kernel for Writes {
    fn run(&mut self) {
        // SAFETY: batches lie in the ring.
        unsafe {
            for first in (0..EVENTS).step_by(BATCH) {
                self.0.start_writes(first, BATCH);
            }
            for first in (0..EVENTS).step_by(BATCH) {
                self.0.end_writes(first, BATCH);
            }
        }
    }

    fn digest(&mut self) -> u32 {
        self.0.digest()
    }
}

/// 256 writes to chunks, then passes until their bits are cleared and written.
pub struct Passes(Slot);

impl Passes {
    pub fn new() -> Self {
        Passes(Slot::new(1))
    }
}

impl Kernel for Passes {
    fn run(&mut self) {
        // SAFETY: the batch lies in the ring.
        unsafe {
            self.0.start_writes(0, BATCH);
            self.0.unplug();
            self.0.end_writes(0, BATCH);
        }
        for _ in 0..3 {
            self.0.daemon_pass();
        }
    }

    fn digest(&mut self) -> u32 {
        self.0.digest()
    }
}
