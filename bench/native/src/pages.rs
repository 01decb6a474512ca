//! Which pages to write, and where they are.

use crate::Kernel;
use crate::fixtures::{DIGEST_START, PAGES, Random, bytes_of, digest};

const FIRST_PAGE_OFFSET_BYTES: f64 = 8192.0;

/// Byte offset of every page of a list.
pub struct Offsets {
    pages: Vec<u32>,
    offset: Vec<f64>,
}

impl Offsets {
    pub fn new() -> Self {
        Offsets {
            pages: (0..PAGES as u32).collect(),
            offset: vec![0.0; PAGES],
        }
    }
}

#[inline(never)]
fn place(pages: &[u32], offset: &mut [f64]) {
    for (page, offset) in pages.iter().zip(offset) {
        *offset = FIRST_PAGE_OFFSET_BYTES + f64::from(*page) * 4096.0;
    }
}

impl Kernel for Offsets {
    fn run(&mut self) {
        place(&self.pages, &mut self.offset);
    }

    fn digest(&mut self) -> u32 {
        digest(bytes_of(&self.offset), DIGEST_START)
    }
}

/// Marks some pages dirty, then lists and places all that are.
pub struct DirtyPages {
    marks: Vec<u32>,
    dirty: Vec<u8>,
    pending: Vec<u8>,
    need_write: Vec<u8>,
    pages: Vec<u32>,
    offset: Vec<f64>,
    listed: usize,
}

impl DirtyPages {
    pub fn new(marks: usize) -> Self {
        let mut random = Random::new(5);
        DirtyPages {
            marks: (0..marks).map(|_| random.below(PAGES as u32)).collect(),
            dirty: vec![0; PAGES],
            pending: vec![0; PAGES],
            need_write: vec![0; PAGES],
            pages: vec![0; PAGES],
            offset: vec![0.0; PAGES],
            listed: 0,
        }
    }

    #[inline(never)]
    fn unplug(&mut self) -> usize {
        let mut listed = 0;
        for page in 0..PAGES {
            // SAFETY: every array has PAGES entries.
            unsafe {
                if *self.dirty.get_unchecked(page) | *self.need_write.get_unchecked(page) != 0 {
                    *self.dirty.get_unchecked_mut(page) = 0;
                    *self.need_write.get_unchecked_mut(page) = 0;
                    *self.pending.get_unchecked_mut(page) = 0;
                    *self.pages.get_unchecked_mut(listed) = page as u32;
                    listed += 1;
                }
            }
        }
        listed
    }
}

impl Kernel for DirtyPages {
    #[inline(never)]
    fn run(&mut self) {
        for &mark in &self.marks {
            // SAFETY: marks are below PAGES.
            unsafe { *self.dirty.get_unchecked_mut(mark as usize) = 1 };
        }
        let listed = self.unplug();
        place(&self.pages[..listed], &mut self.offset[..listed]);
        self.listed = listed;
    }

    fn digest(&mut self) -> u32 {
        let hash = digest(bytes_of(&self.pages[..self.listed]), DIGEST_START);
        digest(bytes_of(&self.offset[..self.listed]), hash)
    }
}
