//! More than ten million random operations, not counting refused ones, from two threads, each with nodes of its own, on a few resources that they fight over.
//! Watched from the callbacks, which come with the resource locked: at no time may two holders exclude each other, every
//! operation completes exactly once, and in the end nothing is left.

use slotmark_native::dlm::{
    Callback, Flags, LockId, Lockspace, Mode, Node, Refusal, Request, Sink, Status, Wake,
};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

const THREADS: usize = 2;
const OPERATIONS: u64 = 12_000_000;
const RESOURCES: usize = 8;
/// Locks that each thread may have, over all of its nodes.
const LOCKS: usize = 24;
const NODES_OF_A_THREAD: usize = 3;

/// How many locks hold each mode of one resource, as the callbacks told it. Changed with the resource locked only.
#[derive(Default)]
struct Holders([AtomicU32; 6]);

impl Holders {
    /// Counts a new holder; panics where another excludes it.
    fn add(&self, mode: Mode) {
        for other in Mode::ALL {
            let held = self.0[other as usize].load(Relaxed);
            assert!(
                held == 0 || mode.goes_with(other),
                "{mode:?} granted beside {held} × {other:?}"
            );
        }
        self.0[mode as usize].fetch_add(1, Relaxed);
    }

    fn remove(&self, mode: Mode) {
        assert!(
            self.0[mode as usize].fetch_sub(1, Relaxed) > 0,
            "{mode:?} given up twice"
        );
    }
}

/// The callbacks of one lock.
struct Watch {
    holders: Arc<Vec<Holders>>,
    resource: usize,
    state: Mutex<Watched>,
    completions: Arc<AtomicU64>,
}

#[derive(Default)]
struct Watched {
    held: Option<Mode>,
    /// Operations without a completion so far: 0 or 1; an unlock of a queued one makes it 2.
    outstanding: u32,
    last: Option<Status>,
}

impl Sink for Watch {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        let Callback::Ast { status, mode, .. } = *callback else {
            return Wake::NotNeeded;
        };
        let mut state = self.state.lock().expect("no panic");
        assert!(
            state.outstanding > 0,
            "a completion of nothing: {callback:?}"
        );
        // An unlock and a cancel answer for the operation that they end, too.
        state.outstanding = match status {
            Status::Unlocked | Status::Cancelled => 0,
            _ => state.outstanding - 1,
        };
        state.last = Some(status);
        if status != Status::Granted && status != Status::Unlocked {
            assert_eq!(mode, state.held, "only a grant changes the mode");
        }
        let holders = &self.holders[self.resource];
        if let Some(old) = std::mem::replace(&mut state.held, mode) {
            holders.remove(old);
        }
        if let Some(new) = mode {
            holders.add(new);
        }
        self.completions.fetch_add(1, Relaxed);
        Wake::NotNeeded
    }
}

/// xorshift64*: small, seeded, good enough to pick operations.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }
}

struct Held {
    id: LockId,
    node: usize,
    watch: Arc<Watch>,
}

/// CONVDEADLK is left out: it lowers a mode without a completion, which this watcher cannot see.
const CONVERSION_FLAGS: [Flags; 8] = [
    Flags::NONE,
    Flags::NOQUEUE,
    Flags(Flags::NOQUEUE.0 | Flags::NOQUEUEBAST.0),
    Flags::HEADQUE,
    Flags::NOORDER,
    Flags::ALTPR,
    Flags::ALTCW,
    Flags(Flags::ALTPR.0 | Flags::ALTCW.0),
];
const NAMES: [&[u8]; RESOURCES] = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"];

fn outstanding(held: &Held) -> u32 {
    held.watch.state.lock().expect("no panic").outstanding
}

fn work(
    nodes: &[Node],
    holders: &Arc<Vec<Holders>>,
    seed: u64,
    completions: &Arc<AtomicU64>,
) -> u64 {
    let mut random = Random(seed);
    let mut locks: Vec<Held> = Vec::new();
    let mut operations = 0;
    let begin = |held: &Held| held.watch.state.lock().expect("no panic").outstanding += 1;
    let undo = |held: &Held| held.watch.state.lock().expect("no panic").outstanding -= 1;
    while operations < OPERATIONS / THREADS as u64 {
        let mode = Mode::ALL[random.below(6)];
        let flags = CONVERSION_FLAGS[random.below(CONVERSION_FLAGS.len())];
        let block = [random.next() as u8; 64];
        let mut request = Request::new(mode).flags(flags).blocking_callbacks();
        if random.below(4) == 0 {
            request = request.lvb(&block);
        }
        let choice = random.below(100);
        if locks.len() < LOCKS && choice < 20 {
            let resource = random.below(RESOURCES);
            let node = random.below(nodes.len());
            let watch = Arc::new(Watch {
                holders: Arc::clone(holders),
                resource,
                state: Mutex::new(Watched {
                    outstanding: 1,
                    ..Watched::default()
                }),
                completions: Arc::clone(completions),
            });
            let sink = Arc::clone(&watch) as Arc<dyn Sink>;
            let id = nodes[node]
                .lock_with(NAMES[resource], 0, &request, sink)
                .expect("good flags");
            locks.push(Held { id, node, watch });
            operations += 1;
            continue;
        }
        if locks.is_empty() {
            continue;
        }
        let chosen = random.below(locks.len());
        let held = &locks[chosen];
        let node = &nodes[held.node];
        let waits = outstanding(held) != 0;
        let (gone, failed) = {
            let state = held.watch.state.lock().expect("no panic");
            (
                state.outstanding == 0 && state.held.is_none(),
                state.last == Some(Status::Again),
            )
        };
        if gone {
            assert!(
                failed
                    || held.watch.state.lock().expect("no panic").last == Some(Status::Cancelled)
            );
            assert_eq!(node.convert(held.id, &request), Err(Refusal::UnknownLock));
            locks.swap_remove(chosen);
        } else if choice < 80 {
            begin(held);
            match node.convert(held.id, &request) {
                Ok(()) => operations += 1,
                // Granted meanwhile by the other thread is possible; the other way round is not.
                Err(Refusal::OperationOutstanding) if waits => undo(held),
                Err(refusal) => panic!("{refusal}"),
            }
        } else if choice < 90 {
            match node.cancel(held.id) {
                Ok(()) => operations += u64::from(waits),
                Err(Refusal::CancelTwice) => {}
                Err(refusal) => panic!("{refusal}"),
            }
        } else {
            begin(held);
            node.unlock(held.id, Flags::FORCEUNLOCK, None)
                .expect("held or queued");
            assert_eq!(
                held.watch.state.lock().expect("no panic").last,
                Some(Status::Unlocked)
            );
            locks.swap_remove(chosen);
            operations += 1;
        }
    }
    for held in &locks {
        begin(held);
        let end = nodes[held.node].unlock(held.id, Flags::FORCEUNLOCK, None);
        assert!(end.is_ok() || end == Err(Refusal::UnknownLock));
    }
    operations
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "ten million operations: cargo test --release --test dlm_soak"
)]
fn no_lock_is_lost_or_granted_twice() {
    let lockspace = Lockspace::unlisted("soak").expect("a good name");
    let holders: Arc<Vec<Holders>> = Arc::new((0..RESOURCES).map(|_| Holders::default()).collect());
    let completions = Arc::new(AtomicU64::new(0));
    let total: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let nodes: Vec<Node> = (0..NODES_OF_A_THREAD)
                    .map(|node| {
                        let number = (thread * NODES_OF_A_THREAD + node + 1) as u32;
                        let deaf = Arc::new(|_: &Callback<'_>| {});
                        lockspace.join(number, deaf).expect("a new node")
                    })
                    .collect();
                let (holders, completions) = (Arc::clone(&holders), Arc::clone(&completions));
                scope.spawn(move || {
                    work(&nodes, &holders, 0x5107_0000 + thread as u64, &completions)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    });
    assert!(total >= OPERATIONS);
    assert!(
        completions.load(Relaxed) > OPERATIONS / 2,
        "most operations did something"
    );
    assert_eq!(lockspace.resource_count(), 0, "locks were lost");
    for resource in holders.iter() {
        assert!(
            resource.0.iter().all(|held| held.load(Relaxed) == 0),
            "holders were lost"
        );
    }
}
