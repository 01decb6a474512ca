//! The writer as TypeScript sees it. Lists and results lie in typed arrays that are handed over once, and what is called for every
//! write is a function of its own: looking up a typed array or a class costs more than the rest of a call.

use super::batch::Span;
use super::file_writer::FileWriter;
use super::lists::{EventList, FAILURE_NUMBERS, ListWriter, PageList, Placement, misused};
use super::{BlockingWriter, RingWriter};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Function, Uint8Array, Uint32Array};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

#[napi]
pub struct MemberWriter {
    /// None: closed.
    writer: Rc<RefCell<Option<ListWriter>>>,
    /// Keeps the memory as long as the writer.
    _memory: Uint8Array,
}

#[napi(object)]
pub struct MemberWriterOptions {
    /// Stretches of the memory for a ring to register, as pairs of offset and length.
    pub registered: Vec<f64>,
    /// Open descriptors; the caller keeps them open, and closes them after the writer.
    pub descriptors: Vec<i32>,
    /// Without a ring: the same files, opened with O_DSYNC.
    pub durable_descriptors: Vec<i32>,
    /// Where each file's data area begins.
    pub data_offsets: Vec<f64>,
    pub image_offset: f64,
    pub page_bytes: u32,
    pub payload_offset: f64,
    pub flush_before_pages: bool,
    pub durable_pages: bool,
    pub durable_data: bool,
    /// Entries of the ring's submission queue; none: no ring, but one blocking write after another.
    pub ring_entries: Option<u32>,
    /// Data writes in flight at once, a file; 0: no limit but the queue's.
    pub depth: u32,
}

#[napi]
impl MemberWriter {
    /// `failures` has room for four numbers a file: errno, file, offset (−1: the flush), length.
    ///
    /// # Errors
    /// Ends in `errno N` where the kernel refuses the ring or the files.
    #[napi(constructor)]
    pub fn new(
        memory: Uint8Array,
        options: MemberWriterOptions,
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
            return Err(misused("a registered span is not in the memory"));
        }
        let files = options.descriptors.len();
        if options.ring_entries.is_none() && options.durable_descriptors.len() != files {
            return Err(misused("a file lacks its durable descriptor"));
        }
        if options.data_offsets.len() != files {
            return Err(misused("a file lacks its data offset"));
        }
        if failures.len() < files * FAILURE_NUMBERS {
            return Err(misused("no room to name every failed file"));
        }
        // WebAssembly memory that never grows stays where it is.
        let (base, length, files_of) = (memory.as_ptr(), memory.len(), &options.descriptors);
        let writer = match options.ring_entries {
            Some(entries) => {
                let ring = unsafe { RingWriter::new(base, length, &spans, files_of, entries) };
                FileWriter::Ring(Box::new(ring.map_err(crate::errno_error)?))
            }
            None => FileWriter::Blocking(unsafe {
                BlockingWriter::new(base, length, files_of, &options.durable_descriptors)
            }),
        };
        let placement = Placement {
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
            depth: options.depth.saturating_mul(files as u32),
        };
        let writer = ListWriter {
            writer,
            placement,
            pages: None,
            events: None,
            failures,
            outstanding: Vec::new(),
        };
        Ok(Self {
            writer: Rc::new(RefCell::new(Some(writer))),
            _memory: memory,
        })
    }

    #[napi(getter)]
    pub fn maps_each_write(&self) -> bool {
        self.with(|writer| Ok(writer.writer.maps_each_write()))
            .unwrap_or(false)
    }

    /// Writes nothing to `file` from here on.
    #[napi]
    pub fn give_up(&self, file: u32) -> napi::Result<()> {
        self.with(|writer| {
            if file >= writer.writer.files() {
                return Err(misused("the writer has no such file"));
            }
            writer.writer.give_up(file);
            Ok(())
        })
    }

    /// The list that the page call reads: pages of the image, where each goes, how much of it.
    #[napi]
    pub fn use_pages(
        &self,
        page: Uint32Array,
        offset_bytes: Float64Array,
        length_bytes: Uint32Array,
    ) -> napi::Result<()> {
        self.with(|writer| {
            writer.pages = Some(PageList {
                page,
                offset_bytes,
                length_bytes,
            });
            Ok(())
        })
    }

    /// What the data call reads, and where it puts its times.
    #[napi]
    pub fn use_events(
        &self,
        sector: Float64Array,
        sectors: Uint32Array,
        completed_ns: Float64Array,
    ) -> napi::Result<()> {
        self.with(|writer| {
            writer.events = Some(EventList {
                sector,
                sectors,
                completed_ns,
            });
            Ok(())
        })
    }

    /// The function `(count) => failed` that is `ListWriter::write_pages`.
    #[napi]
    pub fn page_call<'env>(&self, env: &'env Env) -> napi::Result<Function<'env, u32, u32>> {
        let writer = Rc::clone(&self.writer);
        env.create_function_from_closure("writePages", move |call| {
            open(&mut writer.borrow_mut())?.write_pages(call.get(0)?)
        })
    }

    /// The function `(first, count) => failed` that is `ListWriter::write_data`.
    #[napi]
    pub fn data_call<'env>(&self, env: &'env Env) -> napi::Result<Function<'env, (u32, u32), u32>> {
        let writer = Rc::clone(&self.writer);
        env.create_function_from_closure("writeData", move |call| {
            open(&mut writer.borrow_mut())?.write_data(call.get(0)?, call.get(1)?)
        })
    }

    /// Gives ring, registrations and lists back; files stay open.
    #[napi]
    pub fn close(&self) {
        self.writer.borrow_mut().take();
    }

    fn with<T>(&self, work: impl FnOnce(&mut ListWriter) -> napi::Result<T>) -> napi::Result<T> {
        work(open(&mut self.writer.borrow_mut())?)
    }
}

fn open(writer: &mut Option<ListWriter>) -> napi::Result<&mut ListWriter> {
    writer
        .as_mut()
        .ok_or_else(|| misused("the writer has been closed"))
}
