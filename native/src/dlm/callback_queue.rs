//! Callbacks in a queue that threads poll or wait on. Every wait can be ended from outside.

use super::callback::{Callback, Sink, Status, Wake};
use super::sync::{AtomicUsize, Condvar, Mutex, Ordering, lock};
use super::{LockId, Lvb, Mode, StatusFlags};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// A callback that has left the lock manager: the same as `Callback`, with its own copy of the value block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Ast {
        lock: LockId,
        tag: u64,
        status: Status,
        flags: StatusFlags,
        mode: Option<Mode>,
        lvb: Option<Lvb>,
    },
    Bast {
        lock: LockId,
        tag: u64,
        mode: Mode,
    },
    RecoverPrep,
    RecoverSlot {
        slot: u32,
        node: u32,
    },
    RecoverDone {
        slot: u32,
        generation: u32,
    },
}

impl From<&Callback<'_>> for Event {
    fn from(callback: &Callback<'_>) -> Event {
        match *callback {
            Callback::Ast {
                lock,
                tag,
                status,
                flags,
                mode,
                lvb,
            } => Event::Ast {
                lock,
                tag,
                status,
                flags,
                mode,
                lvb: lvb.copied(),
            },
            Callback::Bast { lock, tag, mode } => Event::Bast { lock, tag, mode },
            Callback::RecoverPrep => Event::RecoverPrep,
            Callback::RecoverSlot { slot, node } => Event::RecoverSlot { slot, node },
            Callback::RecoverDone { slot, generation } => Event::RecoverDone { slot, generation },
        }
    }
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    Event(Event),
    TimedOut,
    /// `interrupt` was called while it waited.
    Interrupted,
    /// The queue is closed and empty: nothing comes any more.
    Closed,
}

/// How to wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wait {
    pub deadline: Option<Instant>,
    /// How often to look before sleeping. A wake-up from sleep costs 2 to 30 µs, a look some nanoseconds of a whole core.
    pub spins: u32,
}

/// The callbacks of one node, or of one lock. `close` it to end every wait: when its owner's thread, worker or handle
/// goes. It closes by itself when the node leaves or dies.
#[derive(Default)]
pub struct CallbackQueue {
    state: Mutex<State>,
    woken: Condvar,
    /// Counts the reasons to look into the queue: what a spinning thread watches.
    signals: AtomicUsize,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    sleepers: u32,
    /// Wake-ups asked for that no sleeper has answered yet.
    wakes_due: u32,
    interrupts: u64,
    closed: bool,
}

impl CallbackQueue {
    pub fn new() -> Arc<CallbackQueue> {
        Arc::new(CallbackQueue::default())
    }

    /// The next event, if there is one.
    pub fn poll(&self) -> Option<Event> {
        lock(&self.state).events.pop_front()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        lock(&self.state).events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits for the next event. Several threads may; each event goes to one of them.
    pub fn wait(&self, wait: Wait) -> Waited {
        let (interrupts, seen) = {
            let mut state = lock(&self.state);
            if let Some(event) = state.events.pop_front() {
                return Waited::Event(event);
            }
            (state.interrupts, self.signals.load(Ordering::Acquire))
        };
        for _ in 0..wait.spins {
            if self.signals.load(Ordering::Acquire) != seen {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(&self.state);
        loop {
            if let Some(event) = state.events.pop_front() {
                return Waited::Event(event);
            }
            if state.closed {
                return Waited::Closed;
            }
            if state.interrupts != interrupts {
                return Waited::Interrupted;
            }
            state.sleepers += 1;
            state = match wait.deadline {
                None => self
                    .woken
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        state.sleepers -= 1;
                        return Waited::TimedOut;
                    }
                    let slept = self.woken.wait_timeout(state, left);
                    slept.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.sleepers -= 1;
            // Whoever is still owed a wake-up gets it twice rather than never.
            state.wakes_due = 0;
        }
    }

    /// Ends every wait that is under way, and none that begins later.
    pub fn interrupt(&self) {
        lock(&self.state).interrupts += 1;
        self.signals.fetch_add(1, Ordering::Release);
        self.woken.notify_all();
    }

    /// Ends every wait, now and later, once the events that are there have been taken. What comes later is dropped.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.signals.fetch_add(1, Ordering::Release);
        self.woken.notify_all();
    }
}

impl Sink for CallbackQueue {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        let mut state = lock(&self.state);
        if state.closed {
            return Wake::NotNeeded;
        }
        state.events.push_back(Event::from(callback));
        self.signals.fetch_add(1, Ordering::Release);
        if state.sleepers > state.wakes_due {
            state.wakes_due += 1;
            return Wake::Needed;
        }
        Wake::NotNeeded
    }

    fn wake(&self) {
        self.woken.notify_one();
    }

    fn gone(&self) {
        self.close();
    }
}
