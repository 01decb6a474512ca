//! Conversions that nobody disputes: against a mutex and a hash table, and on two threads at once.

use crate::report::{Bound, Report};
use slotmark_native::dlm::{Callback, LockId, Lockspace, Mode, Node, Request, Sink, Wake};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

const ROUNDS: usize = 31;
const PAIRS: u32 = 300_000;

/// Counts the completions that it gets, in a cell of its own.
#[repr(align(128))]
#[derive(Default)]
struct Counter(AtomicU64);

impl Sink for Counter {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        if let Callback::Ast { .. } = callback {
            // One thread delivers at a time, with the resource locked.
            self.0.store(self.0.load(Relaxed) + 1, Relaxed);
        }
        Wake::NotNeeded
    }
}

struct Converter {
    node: Node,
    lock: LockId,
    counter: Arc<Counter>,
}

impl Converter {
    fn new(lockspace: &Arc<Lockspace>, number: u32, resource: &[u8]) -> Converter {
        let counter = Arc::new(Counter::default());
        let node = lockspace.join(number, counter.clone()).expect("a new node");
        let lock = node
            .lock(resource, 0, &Request::new(Mode::Nl))
            .expect("a good request");
        Converter {
            node,
            lock,
            counter,
        }
    }

    #[inline(always)]
    fn pair(&self) {
        for mode in [Mode::Ex, Mode::Nl] {
            black_box(&self.node)
                .convert(black_box(self.lock), &Request::new(mode))
                .expect("uncontended");
        }
    }

    /// ns of one pair NL → EX → NL. Every completion has arrived when this returns.
    fn pair_ns(&self, pairs: u32) -> f64 {
        let before = self.counter.0.load(Relaxed);
        let start = Instant::now();
        for _ in 0..pairs {
            self.pair();
        }
        let taken = start.elapsed();
        assert_eq!(self.counter.0.load(Relaxed) - before, u64::from(pairs) * 2);
        taken.as_nanos() as f64 / f64::from(pairs)
    }
}

/// ns of one lock and unlock of a mutex, plus one look-up in a hash table: what a lock manager can hardly do without.
fn floor_ns(times: u32) -> f64 {
    let mutex = Mutex::new(0u64);
    let table: HashMap<u32, u64> = (0..64).map(|key| (key, u64::from(key))).collect();
    let start = Instant::now();
    for turn in 0..times {
        *black_box(&mutex).lock().expect("no panic") += 1;
        black_box(black_box(&table).get(black_box(&(turn & 63))));
    }
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

pub fn pair(report: &mut Report) {
    let lockspace = Lockspace::unlisted("bench").expect("a good name");
    let converter = Converter::new(&lockspace, 1, b"token");
    converter.pair_ns(PAIRS / 10);
    let rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| (converter.pair_ns(PAIRS), floor_ns(PAIRS)))
        .collect();
    report.add(
        "uncontended pair NL-EX-NL",
        "ns",
        &rounds,
        Bound::AtMost(3.0),
    );
    let rates: Vec<(f64, f64)> = rounds.iter().map(|(ns, _)| (2e3 / ns, 10.0)).collect();
    report.add(
        "conversions on one core",
        "million/s",
        &rates,
        Bound::AtLeast(1.0),
    );
}

/// Pairs per ns of the thread's own CPU time, so that other users of the machine do not count.
fn rate(converter: &Converter, time: Duration) -> f64 {
    let start = Instant::now();
    let cpu = cpu_ns();
    let mut pairs = 0u32;
    while start.elapsed() < time {
        for _ in 0..1000 {
            converter.pair();
        }
        pairs += 1000;
    }
    f64::from(pairs) / (cpu_ns() - cpu) as f64
}

fn cpu_ns() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec into the one given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

pub fn two_threads(report: &mut Report) {
    let lockspace = Lockspace::unlisted("bench").expect("a good name");
    let one = Converter::new(&lockspace, 1, b"bitmap0000");
    let two = Converter::new(&lockspace, 2, b"bitmap0001");
    let time = Duration::from_millis(100);
    let rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let alone = rate(&one, time);
            let barrier = Barrier::new(2);
            let both = std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    barrier.wait();
                    rate(&two, time)
                });
                barrier.wait();
                rate(&one, time) + other.join().expect("no panic")
            });
            (both * 2e3, alone * 2e3)
        })
        .collect();
    report.add(
        "two threads on two resources (CPU time)",
        "million/s",
        &rounds,
        Bound::AtLeast(1.7),
    );
}
