//! What no lock manager can be faster than on this machine at this moment.

use super::Plan;
use super::cores::Cores;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many slices of a round's time the floors take.
pub(super) const SLICES: u32 = 2;
const CLOCK_READINGS: u32 = 1000;
const LOOKUPS: u32 = 100_000;

/// Samples in nanoseconds.
#[derive(Default)]
pub(super) struct Floors {
    /// Two readings of the clock, one after the other: part of every sample. One mean a round.
    pub(super) clock: Vec<f64>,
    /// One lock and unlock of a `std::sync::Mutex` and one look-up in a `HashMap<u32, _>`. One mean a round.
    pub(super) mutex_and_lookup: Vec<f64>,
    /// A turn handed to a thread that sleeps on a futex, on another core if there is one.
    pub(super) futex: Vec<f64>,
    /// A turn handed to a thread that spins on an atomic. Nothing on a machine with one core.
    pub(super) spin: Vec<f64>,
}

impl Floors {
    pub(super) fn measure(&mut self, plan: Plan, cores: &Cores, slice: Duration, samples: usize) {
        self.clock.push(clock_ns());
        if plan.nodes == 1 {
            self.mutex_and_lookup.push(mutex_and_lookup_ns());
        }
        ping_pong(cores, slice, samples, &mut self.futex, sleep, |word| {
            futex(word, libc::FUTEX_WAKE, 1);
        });
        if cores.count() > 1 {
            ping_pong(cores, slice, samples, &mut self.spin, spin, |_| {});
        }
    }
}

fn clock_ns() -> f64 {
    let start = Instant::now();
    for _ in 0..CLOCK_READINGS {
        black_box(Instant::now());
    }
    start.elapsed().as_nanos() as f64 / f64::from(CLOCK_READINGS)
}

fn mutex_and_lookup_ns() -> f64 {
    let mutex = Mutex::new(0u64);
    let table: HashMap<u32, u64> = (0..64).map(|key| (key, u64::from(key))).collect();
    let start = Instant::now();
    for turn in 0..LOOKUPS {
        if let Ok(mut count) = black_box(&mutex).lock() {
            *count += 1;
        }
        black_box(table.get(black_box(&(turn & 63))));
    }
    start.elapsed().as_nanos() as f64 / f64::from(LOOKUPS)
}

fn sleep(word: &AtomicU32) {
    while word.swap(0, Ordering::Acquire) == 0 {
        futex(word, libc::FUTEX_WAIT, 0);
    }
}

fn spin(word: &AtomicU32) {
    while word.swap(0, Ordering::Acquire) == 0 {
        std::hint::spin_loop();
    }
}

/// Two threads, each on a core of its own, hand a turn to and fro; a sample is the time from the giver's reading of the clock to the taker's.
fn ping_pong(
    cores: &Cores,
    time: Duration,
    samples: usize,
    into: &mut Vec<f64>,
    wait: fn(&AtomicU32),
    wake: fn(&AtomicU32),
) {
    #[repr(align(128))]
    struct Word(AtomicU32);
    let words = [Word(AtomicU32::new(1)), Word(AtomicU32::new(0))];
    let given_ns = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    let start = Instant::now();
    let now = || start.elapsed().as_nanos() as u64;
    let play = |own: usize| {
        cores.keep(own);
        let mut latencies = Vec::new();
        for turn in 0.. {
            wait(&words[own].0);
            let latency_ns = now() - given_ns.load(Ordering::Relaxed);
            // The first turn of all was given by nobody.
            if turn > 0 || own == 1 {
                latencies.push(latency_ns as f64);
            }
            if over.load(Ordering::Relaxed) {
                break;
            }
            let last = turn >= samples / 2 || start.elapsed() >= time;
            over.store(last, Ordering::Relaxed);
            given_ns.store(now(), Ordering::Relaxed);
            words[1 - own].0.store(1, Ordering::Release);
            wake(&words[1 - own].0);
            if last {
                break;
            }
        }
        latencies
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| play(1));
        into.extend(play(0));
        into.extend(other.join().unwrap_or_default());
    });
}

fn futex(word: &AtomicU32, operation: i32, value: u32) {
    // SAFETY: the word outlives the call, and no time-out is given.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            operation | libc::FUTEX_PRIVATE_FLAG,
            value,
            std::ptr::null::<libc::timespec>(),
        );
    }
}
