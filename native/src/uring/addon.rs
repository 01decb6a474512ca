//! The writer as TypeScript sees it. Lists and results lie in typed arrays that are handed over once: looking one up costs more
//! than the rest of a call, and a call that only passes numbers allocates nothing.

use super::ring_writer::{BatchOptions, Failure, RingWriter, Span, Write};
use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;
use std::time::Duration;

/// What one failed file leaves in the caller's array: errno, file, offset (−1: the flush), length.
const FAILURE_NUMBERS: usize = 4;

#[napi]
pub struct UringWriter {
    writer: Option<RingWriter>,
    /// Keeps the memory as long as the writer.
    _memory: Uint8Array,
    image_offset: usize,
    page_bytes: usize,
    durable_pages: bool,
    flush_before_pages: bool,
    payload_offset: usize,
    data_offsets: Vec<u64>,
    durable_data: bool,
    depth: u32,
    outstanding: Vec<u32>,
    pages: Option<PageList>,
    events: Option<EventList>,
    failures: Float64Array,
}

struct PageList {
    page: Uint32Array,
    offset_bytes: Float64Array,
    length_bytes: Uint32Array,
}

struct EventList {
    sector: Float64Array,
    sectors: Uint32Array,
    completed_ns: Float64Array,
}

#[napi(object)]
pub struct UringWriterOptions {
    /// Stretches of the memory to register, as pairs of offset and length.
    pub registered: Vec<f64>,
    /// Open descriptors; the caller keeps them open, and closes them after the writer.
    pub descriptors: Vec<i32>,
    /// Where each file's data area begins.
    pub data_offsets: Vec<f64>,
    pub image_offset: f64,
    pub page_bytes: u32,
    pub payload_offset: f64,
    pub flush_before_pages: bool,
    pub durable_pages: bool,
    pub durable_data: bool,
    /// Entries of the submission queue.
    pub entries: u32,
    /// Data writes in flight at once, a file; 0: no limit but the queue's.
    pub depth: u32,
}

#[napi]
impl UringWriter {
    /// `failures` has room for four numbers a file: errno, file, offset (−1: the flush), length.
    ///
    /// # Errors
    /// Ends in `errno N` where the kernel refuses the ring or the files.
    #[napi(constructor)]
    pub fn new(
        memory: Uint8Array,
        options: UringWriterOptions,
        failures: Float64Array,
    ) -> napi::Result<Self> {
        let spans: Vec<Span> = options
            .registered
            .chunks_exact(2)
            .map(|pair| Span {
                offset: pair[0] as usize,
                length: pair[1] as usize,
            })
            .collect();
        if spans
            .iter()
            .any(|span| span.offset + span.length > memory.len())
        {
            return Err(napi::Error::from_reason(
                "a registered span is not in the memory",
            ));
        }
        if options.data_offsets.len() != options.descriptors.len() {
            return Err(napi::Error::from_reason("a file lacks its data offset"));
        }
        if failures.len() < options.descriptors.len() * FAILURE_NUMBERS {
            return Err(napi::Error::from_reason(
                "no room to name every failed file",
            ));
        }
        // WebAssembly memory that never grows stays where it is.
        let writer = unsafe {
            RingWriter::new(
                memory.as_ptr(),
                memory.len(),
                &spans,
                &options.descriptors,
                options.entries,
            )
        }
        .map_err(crate::errno_error)?;
        Ok(Self {
            writer: Some(writer),
            _memory: memory,
            image_offset: options.image_offset as usize,
            page_bytes: options.page_bytes as usize,
            durable_pages: options.durable_pages,
            flush_before_pages: options.flush_before_pages,
            payload_offset: options.payload_offset as usize,
            data_offsets: options
                .data_offsets
                .iter()
                .map(|&offset| offset as u64)
                .collect(),
            durable_data: options.durable_data,
            depth: options
                .depth
                .saturating_mul(options.descriptors.len() as u32),
            outstanding: Vec::new(),
            pages: None,
            events: None,
            failures,
        })
    }

    #[napi(getter)]
    pub fn registers_buffers(&self) -> bool {
        self.writer
            .as_ref()
            .is_some_and(RingWriter::registers_buffers)
    }

    /// Writes nothing to `file` from here on.
    #[napi]
    pub fn give_up(&mut self, file: u32) -> napi::Result<()> {
        let Some(writer) = self.writer.as_mut() else {
            return Err(closed());
        };
        if file >= writer.files() {
            return Err(napi::Error::from_reason("the writer has no such file"));
        }
        writer.give_up(file);
        Ok(())
    }

    /// The list that `write_pages` reads: pages of the image, where each goes, how much of it.
    #[napi]
    pub fn use_pages(
        &mut self,
        page: Uint32Array,
        offset_bytes: Float64Array,
        length_bytes: Uint32Array,
    ) {
        self.pages = Some(PageList {
            page,
            offset_bytes,
            length_bytes,
        });
    }

    /// What `write_data` reads, and where it puts its times.
    #[napi]
    pub fn use_events(
        &mut self,
        sector: Float64Array,
        sectors: Uint32Array,
        completed_ns: Float64Array,
    ) {
        self.events = Some(EventList {
            sector,
            sectors,
            completed_ns,
        });
    }

    /// Writes the first `count` pages of the list to every file that has not failed or been given up. Returns how many fail now, with
    /// four numbers for each in `failures`.
    #[napi]
    pub fn write_pages(&mut self, count: u32) -> napi::Result<u32> {
        let Some(writer) = self.writer.as_mut() else {
            return Err(closed());
        };
        let Some(list) = &self.pages else {
            return Err(napi::Error::from_reason("the writer has no page list"));
        };
        let (page, offset_bytes, length_bytes): (&[u32], &[f64], &[u32]) =
            (&list.page, &list.offset_bytes, &list.length_bytes);
        let count = count as usize;
        if count > page.len() || count > offset_bytes.len() || count > length_bytes.len() {
            return Err(napi::Error::from_reason(
                "the page list is shorter than its count",
            ));
        }
        let files = writer.files();
        let (image, page_bytes) = (self.image_offset, self.page_bytes);
        let writes = (0..count).flat_map(|index| {
            let memory = Span {
                offset: image + page[index] as usize * page_bytes,
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
            flush_first: self.flush_before_pages,
            durable: self.durable_pages,
            ..BatchOptions::default()
        };
        let failed = writer.run(options, writes, |_| ());
        Ok(self.report(&failed))
    }

    /// Writes the payload for `count` events from `first` to every file's data area; `completed_ns[i]` becomes the time of
    /// CLOCK_MONOTONIC at which event `first + i` had reached its last file. Failures as with `write_pages`.
    #[napi]
    pub fn write_data(&mut self, first: u32, count: u32) -> napi::Result<u32> {
        let Some(writer) = self.writer.as_mut() else {
            return Err(closed());
        };
        let Some(list) = self.events.as_mut() else {
            return Err(napi::Error::from_reason("the writer has no events"));
        };
        let (sector, sectors): (&[f64], &[u32]) = (&list.sector, &list.sectors);
        let times = unsafe { list.completed_ns.as_mut() };
        let (from, count) = (first as usize, count as usize);
        if from + count > sector.len() || from + count > sectors.len() || count > times.len() {
            return Err(napi::Error::from_reason(
                "the events are fewer than asked for",
            ));
        }
        let data_offsets = &self.data_offsets;
        self.outstanding.clear();
        self.outstanding.resize(count, data_offsets.len() as u32);
        let payload = self.payload_offset;
        let writes = (0..count).flat_map(|index| {
            let memory = Span {
                offset: payload,
                length: sectors[from + index] as usize * 512,
            };
            let offset = sector[from + index] as u64 * 512;
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
            durable: self.durable_data,
            depth: self.depth,
            each_completion: true,
            ..BatchOptions::default()
        };
        let outstanding = &mut self.outstanding;
        let failed = writer.run(options, writes, |event| {
            let left = &mut outstanding[event as usize];
            *left -= 1;
            if *left == 0 {
                times[event as usize] = monotonic().as_nanos() as f64;
            }
        });
        Ok(self.report(&failed))
    }

    /// Gives ring and registrations back; files stay open.
    #[napi]
    pub fn close(&mut self) {
        self.writer = None;
        self.pages = None;
        self.events = None;
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

fn closed() -> napi::Error {
    napi::Error::from_reason("the writer has been closed")
}

fn monotonic() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
