//! A writer together with the lists that it writes from: bitmap pages and data writes, to all files each.

use super::batch::{BatchOptions, Failure, Span, Write};
use super::file_writer::FileWriter;
use napi::bindgen_prelude::{Float64Array, Uint32Array};
use std::time::Duration;

/// What one failed file leaves in the array of failures: errno, file, offset (−1: the flush), length.
pub const FAILURE_NUMBERS: usize = 4;

const SECTOR_BYTES: u64 = 512;

/// Pages of the image, where each goes, how much of it.
pub struct PageList {
    pub page: Uint32Array,
    pub offset_bytes: Float64Array,
    pub length_bytes: Uint32Array,
}

/// Data writes, and where the times of their completion go.
pub struct EventList {
    pub sector: Float64Array,
    pub sectors: Uint32Array,
    pub completed_ns: Float64Array,
}

/// Where in the memory things are, where they go, and how durable they become.
pub struct Placement {
    pub image_offset: usize,
    pub page_bytes: usize,
    pub durable_pages: bool,
    pub flush_before_pages: bool,
    pub payload_offset: usize,
    /// Of each file.
    pub data_offsets: Vec<u64>,
    pub durable_data: bool,
    /// Data writes in flight at once, over all files; 0: as many as the ring holds.
    pub depth: u32,
}

pub struct ListWriter {
    pub writer: FileWriter,
    pub placement: Placement,
    pub pages: Option<PageList>,
    pub events: Option<EventList>,
    /// Room for `FAILURE_NUMBERS` a file.
    pub failures: Float64Array,
    /// By event of a call: files that it has not reached.
    pub outstanding: Vec<u32>,
}

impl ListWriter {
    /// Writes the first `count` pages of the list to every file that has not failed or been given up. Returns how many fail now.
    pub fn write_pages(&mut self, count: u32) -> napi::Result<u32> {
        let Some(list) = &self.pages else {
            return Err(misused("the writer has no page list"));
        };
        let (page, offset_bytes, length_bytes): (&[u32], &[f64], &[u32]) =
            (&list.page, &list.offset_bytes, &list.length_bytes);
        let count = count as usize;
        if count > page.len() || count > offset_bytes.len() || count > length_bytes.len() {
            return Err(misused("the page list is shorter than its count"));
        }
        let files = self.writer.files();
        let Placement {
            image_offset,
            page_bytes,
            ..
        } = self.placement;
        let writes = (0..count).flat_map(|index| {
            let memory = Span {
                offset: image_offset + page[index] as usize * page_bytes,
                length: length_bytes[index] as usize,
            };
            let file_offset = offset_bytes[index] as u64;
            (0..files).map(move |file| Write {
                file,
                memory,
                file_offset,
                tag: 0,
            })
        });
        let options = BatchOptions {
            flush_first: self.placement.flush_before_pages,
            durable: self.placement.durable_pages,
            ..BatchOptions::default()
        };
        let failed = self.writer.run(options, writes, |_| ());
        Ok(self.report(&failed))
    }

    /// Writes the payload for `count` events from `first` to every file's data area; `completed_ns[i]` becomes the time of
    /// CLOCK_MONOTONIC at which event `first + i` had reached its last file. Returns how many files fail now.
    pub fn write_data(&mut self, first: u32, count: u32) -> napi::Result<u32> {
        let Some(list) = self.events.as_mut() else {
            return Err(misused("the writer has no events"));
        };
        let (sector, sectors): (&[f64], &[u32]) = (&list.sector, &list.sectors);
        let times = unsafe { list.completed_ns.as_mut() };
        let (from, count) = (first as usize, count as usize);
        if from + count > sector.len() || from + count > sectors.len() || count > times.len() {
            return Err(misused("the events are fewer than asked for"));
        }
        let data_offsets = &self.placement.data_offsets;
        let outstanding = &mut self.outstanding;
        outstanding.clear();
        outstanding.resize(count, data_offsets.len() as u32);
        let payload = self.placement.payload_offset;
        let writes = (0..count).flat_map(|index| {
            let memory = Span {
                offset: payload,
                length: sectors[from + index] as usize * SECTOR_BYTES as usize,
            };
            let offset = sector[from + index] as u64 * SECTOR_BYTES;
            data_offsets
                .iter()
                .enumerate()
                .map(move |(file, data_offset)| Write {
                    file: file as u32,
                    memory,
                    file_offset: data_offset + offset,
                    tag: index as u32,
                })
        });
        let options = BatchOptions {
            durable: self.placement.durable_data,
            depth: self.placement.depth,
            each_completion: true,
            ..BatchOptions::default()
        };
        let failed = self.writer.run(options, writes, |event| {
            let left = &mut outstanding[event as usize];
            *left -= 1;
            if *left == 0 {
                times[event as usize] = monotonic().as_nanos() as f64;
            }
        });
        Ok(self.report(&failed))
    }

    fn report(&mut self, failed: &[Failure]) -> u32 {
        let numbers = unsafe { self.failures.as_mut() };
        for (numbers, failure) in numbers.chunks_exact_mut(FAILURE_NUMBERS).zip(failed) {
            let (offset, length) = failure.place.map_or((-1.0, 0.0), |(offset, length)| {
                (offset as f64, f64::from(length))
            });
            numbers.copy_from_slice(&[
                f64::from(failure.errno),
                f64::from(failure.file),
                offset,
                length,
            ]);
        }
        failed.len() as u32
    }
}

pub fn misused(what: &str) -> napi::Error {
    napi::Error::from_reason(what)
}

fn monotonic() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
