//! What a lock costs that others want too. To take it, an operation waits until they have given theirs up: request →
//! blocking callbacks → releases → grant. To give it up again, it grants the locks of those who wait for that, and wakes them.

use super::cores::Cores;
use super::player::{Player, Stopped, sure};
use super::{Plan, Series, Turn};
use crate::dlm::{Event, LockId, Lockspace, Mode};
use crate::dlm_addon::stop::Stop;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a thread that waits between samples looks whether the measurement was stopped.
const LOOK: Duration = Duration::from_millis(20);
const ASKERS_TAG: u64 = 0;
const BLOCKERS_TAG: u64 = 1;

/// Every request and conversion that may have to wait, each followed by the unlock or conversion that takes it back.
/// Together they are all requests, conversions and unlocks but those of NL and those to the mode held.
pub(super) fn series(nodes: u32) -> Vec<Series> {
    let mut series = Vec::new();
    let froms = std::iter::once(None).chain(Mode::ALL.map(Some));
    for from in froms {
        for to in Mode::ALL {
            let Some(blocker) = blocker(from, to) else {
                continue;
            };
            let others = if blocker.goes_with(blocker) {
                nodes - 1
            } else {
                1
            };
            series.push(Series {
                operation: if from.is_none() { "request" } else { "convert" },
                from,
                to: Some(to),
                blockers: others,
                waiters: 0,
                latencies_ns: Vec::new(),
            });
            series.push(Series {
                operation: if from.is_none() { "unlock" } else { "convert" },
                from: Some(to),
                to: from,
                blockers: 0,
                waiters: others,
                latencies_ns: Vec::new(),
            });
        }
    }
    series
}

/// The mode in which others keep a lock from going from one mode to the other: one that they can hold together if there is
/// any. None where nothing does, as for all conversions down.
fn blocker(from: Option<Mode>, to: Mode) -> Option<Mode> {
    [Mode::Cr, Mode::Cw, Mode::Pr, Mode::Pw, Mode::Ex]
        .into_iter()
        .find(|mode| from.is_none_or(|from| mode.goes_with(from)) && !mode.goes_with(to))
}

/// Where the threads agree between the operations that are timed.
#[derive(Default)]
struct Stage {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often the asker got its lock.
    taken: usize,
    /// Blockers that hold their locks.
    holding: u32,
    /// Blockers that wait to get their locks back.
    queued: u32,
    over: bool,
}

impl Stage {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Returns whether the asker has taken its last sample.
    fn wait(&self, stop: &Stop, until: impl Fn(&State) -> bool) -> Result<bool, Stopped> {
        let mut state: MutexGuard<'_, State> =
            self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !until(&state) {
            if stop.is_set() {
                return Err(Stopped);
            }
            let slept = self.changed.wait_timeout(state, LOOK);
            state = slept.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state.over)
    }
}

/// `pair` is an operation of `series` and the one that takes it back.
pub(super) fn measure(plan: Plan, cores: &Cores, turn: Turn, pair: &mut [Series], stop: &Stop) {
    let [taking, giving] = pair else {
        return;
    };
    let (from, Some(to)) = (taking.from, taking.to) else {
        return;
    };
    let Some(mode) = blocker(from, to) else {
        return;
    };
    let lockspace = sure(Lockspace::unlisted("measure"));
    let players: Vec<Player> = (1..=taking.blockers + 1)
        .map(|number| Player::join(&lockspace, number, plan, number > 1, Some(stop)))
        .collect();
    let Some((player, blockers)) = players.split_first() else {
        return;
    };
    let stage = Stage::default();
    let asker = Asker {
        player,
        from,
        to,
        blockers: taking.blockers,
        turn,
        stage: &stage,
        stop,
    };
    let latencies = [&mut taking.latencies_ns, &mut giving.latencies_ns];
    let ends: Vec<_> = std::thread::scope(|scope| {
        let stage = &stage;
        let threads: Vec<_> = blockers
            .iter()
            .enumerate()
            .map(|(index, blocker)| {
                scope.spawn(move || {
                    cores.keep(index + 1);
                    stop.set_by_panic(|| block(blocker, mode, stage, stop))
                })
            })
            .collect();
        let asker = scope.spawn(move || {
            cores.keep(0);
            stop.set_by_panic(|| asker.ask(latencies));
        });
        threads
            .into_iter()
            .chain([asker])
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    stop.forget_waits();
    for end in ends {
        if let Err(panic) = end {
            std::panic::resume_unwind(panic);
        }
    }
}

/// The thread whose operations are timed.
struct Asker<'a> {
    player: &'a Player,
    from: Option<Mode>,
    to: Mode,
    blockers: u32,
    turn: Turn,
    stage: &'a Stage,
    stop: &'a Stop,
}

impl Asker<'_> {
    fn ask(&self, latencies_ns: [&mut Vec<f64>; 2]) {
        // A thread that was stopped leaves what it has.
        let _: Result<(), Stopped> = self.go_on(latencies_ns);
    }

    fn go_on(&self, [taking_ns, giving_ns]: [&mut Vec<f64>; 2]) -> Result<(), Stopped> {
        let kept = match self.from {
            Some(from) => {
                let lock = self.player.request(ASKERS_TAG, from);
                self.player.wait_for_grant(ASKERS_TAG, from)?;
                Some(lock)
            }
            None => None,
        };
        for taken in 1.. {
            self.stage
                .wait(self.stop, |state| state.holding == self.blockers)?;
            let start = Instant::now();
            let lock = self.take(kept);
            self.player.wait_for_grant(ASKERS_TAG, self.to)?;
            taking_ns.push(start.elapsed().as_nanos() as f64);

            // One more than asked for, so that there is one of each however short the turn.
            let over = taken > 1 && self.turn.is_over(taken - 1);
            self.stage.change(|state| {
                *state = State {
                    taken,
                    holding: 0,
                    queued: 0,
                    over,
                }
            });
            if over {
                return Ok(());
            }
            self.stage
                .wait(self.stop, |state| state.queued == self.blockers)?;
            let start = Instant::now();
            self.give(lock);
            giving_ns.push(start.elapsed().as_nanos() as f64);
            if let Some(from) = self.from {
                self.player.wait_for_grant(ASKERS_TAG, from)?;
            }
        }
        Ok(())
    }

    fn take(&self, kept: Option<LockId>) -> LockId {
        let Some(lock) = kept else {
            return self.player.request(ASKERS_TAG, self.to);
        };
        self.player.convert(lock, self.to);
        lock
    }

    fn give(&self, lock: LockId) {
        match self.from {
            Some(from) => self.player.convert(lock, from),
            None => self.player.unlock(lock),
        }
    }
}

/// Holds its lock until it hears that it is in the way, and queues to get it back once the asker has its own.
fn block(player: &Player, mode: Mode, stage: &Stage, stop: &Stop) {
    let _: Result<(), Stopped> = (|| {
        let lock = player.request(BLOCKERS_TAG, Mode::Nl);
        player.convert(lock, mode);
        for taken in 1.. {
            player.wait_for_grant(BLOCKERS_TAG, mode)?;
            stage.change(|state| state.holding += 1);
            player.wait_for(|event| matches!(event, Event::Bast { .. }))?;
            player.convert(lock, Mode::Nl);
            if stage.wait(stop, |state| state.taken >= taken)? {
                break;
            }
            player.convert(lock, mode);
            stage.change(|state| state.queued += 1);
        }
        Ok(())
    })();
}
