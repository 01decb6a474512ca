//! EX handed to and fro between two threads, against a bare futex (sleeping) and a bare atomic (spinning).
//!
//! A core that idles takes some 30 µs to wake up, which hides all software: hence the same once more with every core
//! kept from idling by a thread of SCHED_IDLE priority, which makes way for any other at once.

use crate::report::{Bound, Report};
use slotmark_native::dlm::{
    CallbackQueue, Event, LockId, Lockspace, Mode, Node, Request, Status, Wait, Waited,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

const ROUNDS: usize = 9;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    Idle,
    Busy,
}

pub fn sleeping(report: &mut Report, cores: Cores) {
    let turns = 4000;
    let spins = 0;
    let measure = || {
        (0..ROUNDS)
            .map(|_| (lock_ns(turns, spins), futex_ns(turns)))
            .collect::<Vec<_>>()
    };
    match cores {
        Cores::Idle => {
            report.add(
                "hand-over, sleeping, cores free to idle",
                "ns",
                &measure(),
                Bound::AtMost(1.5),
            );
        }
        Cores::Busy => {
            let rounds = kept_busy(measure);
            report.add(
                "hand-over, sleeping, cores kept busy",
                "ns",
                &rounds,
                Bound::AtMost(1.5),
            );
        }
    }
}

/// No bound is asked of this one; it says what sleeping costs.
pub fn spinning(report: &mut Report) {
    let turns = 100_000;
    let rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| (lock_ns(turns, 20_000), spin_ns(turns)))
        .collect();
    report.add(
        "hand-over, spinning",
        "ns",
        &rounds,
        Bound::AtMost(f64::INFINITY),
    );
}

/// A node with two locks on the one resource: one to hold, one to stand in line again before letting go. So the other
/// thread always waits already when EX is released, and every release is a hand-over.
struct Player {
    node: Node,
    locks: [LockId; 2],
    queue: Arc<CallbackQueue>,
}

impl Player {
    fn new(lockspace: &Arc<Lockspace>, number: u32) -> Player {
        let queue = CallbackQueue::new();
        let node = lockspace.join(number, queue.clone()).expect("a new node");
        let locks = [0, 1].map(|tag| {
            node.lock(b"token", tag, &Request::new(Mode::Nl))
                .expect("a good request")
        });
        while queue.poll().is_some() {}
        Player { node, locks, queue }
    }

    fn convert(&self, lock: usize, mode: Mode) {
        self.node
            .convert(self.locks[lock], &Request::new(mode))
            .expect("nothing outstanding");
    }

    /// Waits for EX on this lock; completions of releases on the way are passed over.
    fn wait_for_exclusive(&self, lock: usize, wait: Wait) {
        loop {
            match self.queue.wait(wait) {
                Waited::Event(Event::Ast {
                    tag,
                    status: Status::Granted,
                    mode: Some(Mode::Ex),
                    ..
                }) => {
                    assert_eq!(tag, lock as u64);
                    return;
                }
                Waited::Event(_) => {}
                ended => panic!("{ended:?}"),
            }
        }
    }

    fn play(&self, turns: u32, holder: &AtomicU32, wait: Wait) {
        for turn in 0..turns as usize {
            let (held, next) = (turn % 2, 1 - turn % 2);
            self.wait_for_exclusive(held, wait);
            let before = holder.swap(self.node.number(), Ordering::Relaxed);
            assert_ne!(before, self.node.number(), "every turn is a hand-over");
            self.convert(next, Mode::Ex);
            self.convert(held, Mode::Nl);
        }
    }
}

/// ns of one hand-over of EX between two threads, each of which waits for its turn.
fn lock_ns(turns: u32, spins: u32) -> f64 {
    let lockspace = Lockspace::unlisted("bench").expect("a good name");
    let players = [1, 2].map(|number| Player::new(&lockspace, number));
    for player in &players {
        player.convert(0, Mode::Ex);
    }
    let wait = Wait {
        deadline: None,
        spins,
    };
    let holder = AtomicU32::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for player in &players {
            scope.spawn(|| player.play(turns / 2, &holder, wait));
        }
    });
    start.elapsed().as_nanos() as f64 / f64::from(turns)
}

/// ns of one turn in a bare futex ping-pong: set the other's word, wake it, sleep on one's own.
fn futex_ns(turns: u32) -> f64 {
    ping_pong(
        turns,
        |word| {
            while word.swap(0, Ordering::Acquire) == 0 {
                futex(word, libc::FUTEX_WAIT, 0);
            }
        },
        |word| {
            futex(word, libc::FUTEX_WAKE, 1);
        },
    )
}

fn spin_ns(turns: u32) -> f64 {
    ping_pong(
        turns,
        |word| {
            while word.swap(0, Ordering::Acquire) == 0 {
                std::hint::spin_loop();
            }
        },
        |_| {},
    )
}

fn ping_pong(turns: u32, wait: fn(&AtomicU32), wake: fn(&AtomicU32)) -> f64 {
    #[repr(align(128))]
    struct Word(AtomicU32);
    let words = [Word(AtomicU32::new(1)), Word(AtomicU32::new(0))];
    let start = Instant::now();
    std::thread::scope(|scope| {
        for own in [0, 1] {
            let words = &words;
            scope.spawn(move || {
                for _ in 0..turns / 2 {
                    wait(&words[own].0);
                    words[1 - own].0.store(1, Ordering::Release);
                    wake(&words[1 - own].0);
                }
            });
        }
    });
    start.elapsed().as_nanos() as f64 / f64::from(turns)
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

/// Runs `measure` with a thread of SCHED_IDLE spinning on every core.
fn kept_busy<T>(measure: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let priority = libc::sched_param { sched_priority: 0 };
                // SAFETY: changes the calling thread's policy only.
                let outcome =
                    unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const priority) };
                assert_eq!(outcome, 0, "SCHED_IDLE is open to everybody");
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let measured = measure();
        stop.store(true, Ordering::Relaxed);
        measured
    })
}
