//! What locks and resources cost in memory, counted at the allocator: at most 256 bytes for each further lock on a
//! resource, 512 for a resource, and nothing at all for a conversion.

use slotmark_native::dlm::{Callback, Lockspace, Mode, Node, Request};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

struct Counting;

thread_local! {
    /// Bytes allocated by this thread and not freed by it.
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.set(BYTES.get() + layout.size() as isize);
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn node() -> Node {
    let lockspace = Lockspace::unlisted("memory").expect("a good name");
    lockspace
        .join(1, Arc::new(|_: &Callback<'_>| {}))
        .expect("a new node")
}

fn growth(act: impl FnOnce()) -> isize {
    let before = BYTES.get();
    act();
    BYTES.get() - before
}

/// The worst count of all up to `most`, so that no lucky moment between two growths of a table is picked.
fn worst_per(most: usize, mut act: impl FnMut(usize)) -> f64 {
    let mut bytes = 0;
    let mut worst: f64 = 0.0;
    for count in 1..=most {
        bytes += growth(|| act(count));
        if count >= 64 {
            worst = worst.max(bytes as f64 / count as f64);
        }
    }
    worst
}

#[test]
fn a_further_lock_costs_at_most_256_bytes() {
    let block = [1; 64];
    for (what, request) in [
        ("plain", Request::new(Mode::Nl)),
        ("with a value block", Request::new(Mode::Nl).lvb(&block)),
    ] {
        let node = node();
        node.lock(b"resource", 0, &request).expect("a good request");
        let worst = worst_per(20_000, |tag| {
            node.lock(b"resource", tag as u64, &request)
                .expect("a good request");
        });
        println!("a further lock, {what}: {worst:.0} bytes");
        assert!((64.0..=256.0).contains(&worst), "{what}: {worst} bytes");
    }
}

#[test]
fn a_resource_costs_at_most_512_bytes() {
    let node = node();
    let mut name = [b'x'; 64];
    // Of the longest name, with its first lock; counted from 1,000 on, which outweighs the 64 empty shards.
    let mut bytes = 0;
    let mut worst: f64 = 0.0;
    for count in 0..50_000u32 {
        name[..4].copy_from_slice(&count.to_le_bytes());
        bytes += growth(|| {
            node.lock(&name, 0, &Request::new(Mode::Nl))
                .expect("a good request");
        });
        if count >= 1000 {
            worst = worst.max(bytes as f64 / f64::from(count));
        }
    }
    println!("a resource with a lock: {worst:.0} bytes");
    assert!((128.0..=512.0).contains(&worst), "{worst} bytes");
}

#[test]
fn a_conversion_allocates_nothing() {
    let node = node();
    let block = [1; 64];
    let lock = node
        .lock(b"resource", 0, &Request::new(Mode::Nl).lvb(&block))
        .expect("a good request");
    let cycle = || {
        for request in [
            Request::new(Mode::Ex),
            Request::new(Mode::Pw).lvb(&block),
            Request::new(Mode::Nl),
        ] {
            node.convert(lock, &request).expect("uncontended");
        }
    };
    cycle();
    let before = ALLOCATIONS.get();
    (0..1000).for_each(|_| cycle());
    assert_eq!(ALLOCATIONS.get(), before);
}

#[test]
fn what_is_unlocked_is_used_again() {
    let node = node();
    let mut name = [b'x'; 64];
    let mut round = |first: u32| {
        for count in first..first + 2000 {
            name[..4].copy_from_slice(&count.to_le_bytes());
            let lock = node
                .lock(&name, 0, &Request::new(Mode::Ex))
                .expect("a good request");
            node.unlock(lock, slotmark_native::dlm::Flags::NONE, None)
                .expect("held");
        }
    };
    round(0);
    let grown = growth(|| round(10_000));
    assert!(
        grown.abs() < 4096,
        "{grown} bytes more after 2,000 resources came and went"
    );
}
