//! The writer as TypeScript sees it. Results come back in typed arrays, so that a call allocates nothing.

use super::ring_writer::{BatchOptions, Failure, RingWriter, Span, Write};
use napi::bindgen_prelude::{Float64ArraySlice, Uint8Array, Uint32ArraySlice};
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
    /// # Errors
    /// Ends in `errno N` where the kernel refuses the ring or the files.
    #[napi(constructor)]
    pub fn new(memory: Uint8Array, options: UringWriterOptions) -> napi::Result<Self> {
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

    /// Writes `count` pages of the image to every file that has not failed or been given up. Returns how many fail now, with four
    /// numbers for each in `failures`.
    #[napi]
    pub fn write_pages(
        &mut self,
        page: Uint32ArraySlice<'_>,
        offset_bytes: Float64ArraySlice<'_>,
        length_bytes: Uint32ArraySlice<'_>,
        count: u32,
        failures: Float64ArraySlice<'_>,
    ) -> napi::Result<u32> {
        let Some(writer) = self.writer.as_mut() else {
            return Err(closed());
        };
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
        report(&writer.run(options, writes, |_| ()), failures)
    }

    /// Writes the payload for `count` events from `first` to every file's data area; `completed_ns[i]` becomes the time of
    /// CLOCK_MONOTONIC at which event `first + i` had reached its last file. Failures as with `write_pages`.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn write_data(
        &mut self,
        sector: Float64ArraySlice<'_>,
        sectors: Uint32ArraySlice<'_>,
        first: u32,
        count: u32,
        mut completed_ns: Float64ArraySlice<'_>,
        failures: Float64ArraySlice<'_>,
    ) -> napi::Result<u32> {
        let Some(writer) = self.writer.as_mut() else {
            return Err(closed());
        };
        let (from, count) = (first as usize, count as usize);
        if from + count > sector.len() || from + count > sectors.len() || count > completed_ns.len()
        {
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
        let times = unsafe { completed_ns.as_mut() };
        let failed = writer.run(options, writes, |event| {
            let left = &mut outstanding[event as usize];
            *left -= 1;
            if *left == 0 {
                times[event as usize] = monotonic().as_nanos() as f64;
            }
        });
        report(&failed, failures)
    }

    /// Gives ring and registrations back; files stay open.
    #[napi]
    pub fn close(&mut self) {
        self.writer = None;
    }
}

fn closed() -> napi::Error {
    napi::Error::from_reason("the writer has been closed")
}

fn report(failed: &[Failure], mut numbers: Float64ArraySlice<'_>) -> napi::Result<u32> {
    if numbers.len() < failed.len() * FAILURE_NUMBERS {
        return Err(napi::Error::from_reason(
            "no room to name every failed file",
        ));
    }
    let into = unsafe { numbers.as_mut() };
    for (numbers, failure) in into.chunks_exact_mut(FAILURE_NUMBERS).zip(failed) {
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
    Ok(failed.len() as u32)
}

fn monotonic() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
