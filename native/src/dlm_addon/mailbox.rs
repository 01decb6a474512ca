//! The callbacks of one node on their way to its JavaScript thread.

use super::notifier::Notifier;
use crate::dlm::{Callback, Event, Sink, Wake};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Filled by any thread, emptied by the one that the node belongs to: at the end of an operation of its own, from its event
/// loop, or out of a wait.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    arrived: Condvar,
    pub(super) notifier: Notifier,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// The owner is inside an operation and will look when it ends.
    in_operation: bool,
    /// The owner sleeps in `wait`.
    waiting: bool,
    /// The event loop has been told and has not looked yet.
    notified: bool,
    gone: bool,
}

impl State {
    /// Who has to be woken because there is something to see.
    fn needs_wake(&mut self) -> Wake {
        if self.in_operation {
            return Wake::NotNeeded;
        }
        if self.waiting {
            return Wake::Needed;
        }
        if std::mem::replace(&mut self.notified, true) {
            Wake::NotNeeded
        } else {
            Wake::Needed
        }
    }
}

impl Mailbox {
    /// Until `end_operation` callbacks wake nobody: the caller sees them.
    pub(super) fn begin_operation(&self) {
        self.lock().in_operation = true;
    }

    /// Takes the completion of the lock with this tag if it came meanwhile and nothing older of that lock waits.
    pub(super) fn end_operation(&self, tag: u64) -> Option<Event> {
        let mut state = self.lock();
        state.in_operation = false;
        let place = state
            .events
            .iter()
            .position(|event| tag_of(event) == Some(tag));
        let completed = match place {
            Some(place) if matches!(state.events[place], Event::Ast { .. }) => {
                state.events.remove(place)
            }
            _ => None,
        };
        let wake = if state.events.is_empty() && !state.gone {
            Wake::NotNeeded
        } else {
            state.needs_wake()
        };
        drop(state);
        if wake == Wake::Needed {
            self.notifier.notify();
        }
        completed
    }

    /// Takes as many callbacks as `take` accepts, oldest first. Returns whether some are left.
    pub(super) fn drain(&self, mut take: impl FnMut(&Event) -> bool) -> bool {
        let mut state = self.lock();
        state.notified = false;
        while let Some(event) = state.events.front() {
            if !take(event) {
                return true;
            }
            state.events.pop_front();
        }
        false
    }

    /// Sleeps until there is a callback or the node is gone, at most this long. Returns whether there is something to see.
    pub(super) fn wait(&self, at_most: Duration) -> bool {
        let mut state = self.lock();
        state.waiting = true;
        let slept = self.arrived.wait_timeout_while(state, at_most, |state| {
            state.events.is_empty() && !state.gone
        });
        state = slept.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting = false;
        !state.events.is_empty() || state.gone
    }

    /// Whether the node has left or died.
    pub(super) fn is_gone(&self) -> bool {
        self.lock().gone
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tag_of(event: &Event) -> Option<u64> {
    match event {
        Event::Ast { tag, .. } | Event::Bast { tag, .. } => Some(*tag),
        _ => None,
    }
}

impl Sink for Mailbox {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        let mut state = self.lock();
        state.events.push_back(Event::from(callback));
        state.needs_wake()
    }

    fn wake(&self) {
        if self.lock().waiting {
            self.arrived.notify_one();
        } else {
            self.notifier.notify();
        }
    }

    fn gone(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.gone, true) {
            return;
        }
        let wake = state.needs_wake();
        drop(state);
        if wake == Wake::Needed {
            self.wake();
        }
    }
}
