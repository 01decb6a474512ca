//! Batches of writes through a ring of the real kernel.

use slotmark_native::uring::{BatchOptions, Failure, RingWriter, Span, Write};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::FileExt;

/// Where the kernel has io_uring; elsewhere the test says so.
fn writer(memory: &[u8], registered: &[Span], files: &[&File], entries: u32) -> Option<RingWriter> {
    let descriptors: Vec<RawFd> = files.iter().map(|file| file.as_raw_fd()).collect();
    let made = unsafe {
        RingWriter::new(
            memory.as_ptr(),
            memory.len(),
            registered,
            &descriptors,
            entries,
        )
    };
    match made {
        Ok(writer) => Some(writer),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: no io_uring here ({error})");
            None
        }
        Err(error) => panic!("no io_uring here: {error}"),
    }
}

fn file(bytes: u64) -> File {
    let path = std::env::temp_dir().join(format!(
        "slotmark-ring-{}-{:?}-{bytes}",
        std::process::id(),
        std::thread::current().id()
    ));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .expect("a file");
    std::fs::remove_file(path).expect("removed");
    file.set_len(bytes).expect("its length");
    file
}

fn write(file: u32, offset: usize, length: usize, file_offset: u64, tag: u32) -> Write {
    Write {
        file,
        memory: Span { offset, length },
        file_offset,
        tag,
    }
}

#[test]
fn a_batch_larger_than_the_ring_arrives_and_every_write_is_heard_of_once() {
    let memory: Vec<u8> = (0..=255).cycle().take(64 * 512).collect();
    let files = [file(1 << 20), file(2 << 20)];
    let all = [Span {
        offset: 0,
        length: memory.len(),
    }];
    for (registered, depth, each_completion) in [(&all[..], 0, false), (&[], 3, true)] {
        let Some(mut writer) = writer(&memory, registered, &[&files[0], &files[1]], 8) else {
            return;
        };
        assert_eq!(writer.registers_buffers(), !registered.is_empty());
        let mut heard = vec![0; 200];
        let writes = (0..200u32).map(|tag| {
            let from = tag as usize % 64 * 512;
            write(tag % 2, from, 512, u64::from(tag) * 1024, tag)
        });
        let options = BatchOptions {
            depth,
            each_completion,
            flush_first: true,
            durable: true,
        };
        writer
            .run(options, writes, |tag| heard[tag as usize] += 1)
            .expect("written");
        assert!(heard.iter().all(|&times| times == 1));
        for tag in 0..200usize {
            let mut found = [0; 512];
            files[tag % 2]
                .read_exact_at(&mut found, tag as u64 * 1024)
                .expect("read");
            assert_eq!(found, memory[tag % 64 * 512..][..512]);
        }
    }
}

#[test]
fn a_failure_names_file_place_and_errno_and_the_ring_goes_on() {
    let memory = vec![7; 4096];
    let good = file(1 << 16);
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let Some(mut writer) = writer(&memory, &[], &[&good, &full], 4) else {
        return;
    };
    let writes = (0..50).map(|tag| write(u32::from(tag == 20), 0, 512, u64::from(tag) * 512, tag));
    let failure = writer
        .run(BatchOptions::default(), writes, |_| ())
        .expect_err("no space");
    let expected = Failure {
        errno: libc::ENOSPC,
        file: 1,
        place: Some((20 * 512, 512)),
    };
    assert_eq!(failure, expected);
    let mut heard = 0;
    writer
        .run(BatchOptions::default(), [write(0, 0, 4096, 0, 0)], |_| {
            heard += 1
        })
        .expect("the good file still takes writes");
    assert_eq!(heard, 1);
}

#[test]
fn a_write_that_is_cut_short_goes_on_where_it_stopped() {
    // A file size limit would raise a signal; a pipe with room for one page cuts the write.
    let mut pipe = [0i32; 2];
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    let (reader, pipe_end) = unsafe { (File::from_raw_fd(pipe[0]), File::from_raw_fd(pipe[1])) };
    assert!(unsafe { libc::fcntl(pipe_end.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) } >= 4096);
    let memory: Vec<u8> = (0..16384u32).map(|at| (at / 64) as u8).collect();
    let Some(mut writer) = writer(&memory, &[], &[&pipe_end], 4) else {
        return;
    };
    let received = std::thread::spawn(move || {
        use std::io::Read;
        let mut bytes = vec![0; 16384];
        (&reader).read_exact(&mut bytes).expect("all of it");
        bytes
    });
    writer
        .run(BatchOptions::default(), [write(0, 0, 16384, 0, 0)], |_| ())
        .expect("written");
    assert_eq!(received.join().expect("the reader"), memory);
}
