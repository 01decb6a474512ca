//! The bare loop that `bench/harness.ts` holds a node against: the batches of a recording, one after another, each in one submission.
//! `bare_ring each|all RECORDING MEMBER...` prints what the loop took as one JSON line. `each`: of data writes it hears one by one, as
//! somebody must who measures their latencies; `all`: it waits once for every batch. The recording's format stands in
//! `bench/harness/recording.ts`.

use io_uring::{IoUring, opcode, types};
use std::alloc::{Layout, alloc_zeroed};
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Instant;

const ENTRIES: u32 = 256;
const PAGE: usize = 4096;
const FLUSH_FIRST: u64 = 1;
const DURABLE: u64 = 2;
const DATA: u64 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let each = match arguments.next().as_deref() {
        Some("each") => true,
        Some("all") => false,
        other => panic!("each or all, not {other:?}"),
    };
    let recording = numbers(&arguments.next().expect("a recording"));
    let members: Vec<File> = arguments
        .map(|path| {
            OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_DIRECT)
                .open(&path)
                .unwrap_or_else(|error| panic!("{path}: {error}"))
        })
        .collect();
    let [
        memory_bytes,
        image,
        image_bytes,
        payload,
        payload_bytes,
        ref batches @ ..,
    ] = recording[..]
    else {
        panic!("the recording lacks its head");
    };
    let layout = Layout::from_size_align(memory_bytes as usize, PAGE).expect("a layout");
    let memory = unsafe { alloc_zeroed(layout) };
    let mut ring = ring();
    let descriptors: Vec<_> = members.iter().map(AsRawFd::as_raw_fd).collect();
    ring.submitter()
        .register_files(&descriptors)
        .expect("registered files");
    let stretches =
        [(image, image_bytes), (payload, payload_bytes)].map(|(offset, length)| libc::iovec {
            iov_base: unsafe { memory.add(offset as usize) }.cast(),
            iov_len: length as usize,
        });
    unsafe { ring.submitter().register_buffers(&stretches) }.expect("registered buffers");

    let cpu_before = cpu_ns();
    let start = Instant::now();
    let mut rest = batches;
    while let [flags, writes, behind @ ..] = rest {
        let (batch, next) = behind.split_at(*writes as usize * 4);
        rest = next;
        if flags & FLUSH_FIRST != 0 {
            flush(&mut ring, descriptors.len());
        }
        let rw_flags = if flags & DURABLE != 0 {
            libc::RWF_DSYNC
        } else {
            0
        };
        for write in batch.chunks_exact(4) {
            let &[member, from, offset, length] = write else {
                unreachable!("four numbers a write")
            };
            let buffer = u16::from(from >= payload);
            let pointer = unsafe { memory.add(from as usize) };
            let file = types::Fixed(member as u32);
            let entry = opcode::WriteFixed::new(file, pointer, length as u32, buffer)
                .offset(offset)
                .rw_flags(rw_flags)
                .build()
                .user_data(length);
            unsafe { ring.submission().push(&entry) }.expect("the ring holds a batch");
        }
        wait(&mut ring, *writes as usize, each && flags & DATA != 0);
    }
    let elapsed_ns = start.elapsed().as_nanos();
    println!(
        "{{\"elapsedNs\":{elapsed_ns},\"cpuNs\":{}}}",
        cpu_ns() - cpu_before
    );
}

fn numbers(path: &str) -> Vec<u64> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    bytes
        .chunks_exact(8)
        .map(|number| u64::from_le_bytes(number.try_into().expect("eight bytes")))
        .collect()
}

/// Set up like slotmark's own.
fn ring() -> IoUring {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(ENTRIES)
        .or_else(|_| IoUring::builder().build(ENTRIES))
        .expect("io_uring")
}

fn flush(ring: &mut IoUring, files: usize) {
    for file in 0..files {
        let entry = opcode::Fsync::new(types::Fixed(file as u32))
            .flags(types::FsyncFlags::DATASYNC)
            .build();
        unsafe { ring.submission().push(&entry) }.expect("the ring holds a flush");
    }
    wait(ring, files, false);
}

/// All of a batch; each must be as long as it said.
fn wait(ring: &mut IoUring, requests: usize, each: bool) {
    let mut left = requests;
    while left > 0 {
        ring.submit_and_wait(if each { 1 } else { left })
            .expect("io_uring_enter");
        for completion in ring.completion() {
            assert_eq!(completion.result(), completion.user_data() as i32);
            left -= 1;
        }
    }
}

/// User and system time of the process, threads of the kernel that work for it included.
fn cpu_ns() -> i64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let of = |time: libc::timeval| time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000;
    of(usage.ru_utime) + of(usage.ru_stime)
}
