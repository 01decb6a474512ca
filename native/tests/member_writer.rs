//! Batches of writes through a ring of the real kernel.

use slotmark_native::member_writer::{BatchOptions, Failure, RingWriter, Span, Write};
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
        let failures = writer.run(options, writes, |tag| heard[tag as usize] += 1);
        assert_eq!(failures, []);
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

fn full() -> File {
    File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full")
}

#[test]
fn a_file_that_fails_is_named_once_and_given_up_and_the_others_get_all_of_theirs() {
    let memory = vec![7; 4096];
    for (each_completion, depth) in [(false, 0), (true, 0), (true, 1)] {
        let (good, full) = (file(1 << 16), full());
        let Some(mut writer) = writer(&memory, &[], &[&good, &full], 4) else {
            return;
        };
        let options = BatchOptions {
            each_completion,
            depth,
            ..BatchOptions::default()
        };
        let batch = || (0..100).map(|tag| write(tag % 2, 0, 512, u64::from(tag / 2) * 512, tag));
        let mut heard = vec![0; 100];
        let failures = writer.run(options, batch(), |tag| heard[tag as usize] += 1);
        let [failure] = failures[..] else {
            panic!("one file fails, once: {failures:?}");
        };
        assert_eq!((failure.errno, failure.file), (libc::ENOSPC, 1));
        let (offset, length) = failure.place.expect("a write");
        assert!(offset % 512 == 0 && offset < 50 * 512 && length == 512);
        assert!(heard.iter().all(|&times| times == 1), "{heard:?}");
        let mut found = vec![0; 50 * 512];
        good.read_exact_at(&mut found, 0).expect("read");
        assert!(found.iter().all(|&byte| byte == 7));
        let mut again = 0;
        assert_eq!(writer.run(options, batch(), |_| again += 1), []);
        assert_eq!(again, 100);
    }
}

#[test]
fn a_file_whose_flush_fails_gets_no_write_and_the_others_do() {
    let memory = vec![7; 512];
    // The device knows no fsync: EINVAL.
    for alone in [false, true] {
        let (good, full) = (file(1 << 16), full());
        let Some(mut writer) = writer(&memory, &[], &[&full, &good], 4) else {
            return;
        };
        if alone {
            writer.give_up(1);
        }
        let options = BatchOptions {
            flush_first: true,
            durable: true,
            ..BatchOptions::default()
        };
        let mut heard = [0; 2];
        let batch = [write(0, 0, 512, 0, 0), write(1, 0, 512, 1024, 1)];
        let failures = writer.run(options, batch, |tag| heard[tag as usize] += 1);
        let expected = Failure {
            errno: libc::EINVAL,
            file: 0,
            place: None,
        };
        assert_eq!(failures, [expected]);
        assert_eq!(heard, [1, 1]);
        let mut found = [0; 512];
        good.read_exact_at(&mut found, 1024).expect("read");
        assert_eq!(found, [if alone { 0 } else { 7 }; 512]);
    }
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
    let whole = [write(0, 0, 16384, 0, 0)];
    assert_eq!(writer.run(BatchOptions::default(), whole, |_| ()), []);
    assert_eq!(received.join().expect("the reader"), memory);
}
