//! An operation that waits until others have given their locks up: request → blocking callbacks → releases → grant.

use super::player::{Player, Stopped, sure};
use super::{Plan, Series, Turn};
use crate::dlm::{Event, Lockspace, Mode};
use crate::dlm_addon::stop::Stop;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a thread that waits between samples looks whether the measurement was stopped.
const LOOK: Duration = Duration::from_millis(20);
const ASKERS_TAG: u64 = 0;

/// Every request and conversion that may have to wait.
pub(super) fn series(nodes: u32) -> Vec<Series> {
    let mut series = Vec::new();
    let froms = std::iter::once(None).chain(Mode::ALL.map(Some));
    for from in froms {
        for to in Mode::ALL {
            if let Some(blocker) = blocker(from, to) {
                series.push(Series {
                    operation: if from.is_none() { "request" } else { "convert" },
                    from,
                    to: Some(to),
                    blockers: if blocker.goes_with(blocker) {
                        nodes - 1
                    } else {
                        1
                    },
                    latencies_ns: Vec::new(),
                });
            }
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

/// Where the threads agree between samples. Nothing of this is timed.
#[derive(Default)]
struct Stage {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Samples taken; the blockers take their locks again after each.
    taken: usize,
    /// Blockers that hold their locks.
    holding: u32,
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

pub(super) fn measure(plan: Plan, turn: Turn, series: &mut Series, stop: &Stop) {
    let (from, Some(to)) = (series.from, series.to) else {
        return;
    };
    let Some(mode) = blocker(from, to) else {
        return;
    };
    let lockspace = sure(Lockspace::unlisted("measure"));
    let players: Vec<Player> = (1..=series.blockers + 1)
        .map(|number| Player::join(&lockspace, number, plan, number > 1, Some(stop)))
        .collect();
    let Some((asker, blockers)) = players.split_first() else {
        return;
    };
    let stage = Stage::default();
    let latencies = &mut series.latencies_ns;
    let ends: Vec<_> = std::thread::scope(|scope| {
        let stage = &stage;
        let threads: Vec<_> = blockers
            .iter()
            .map(|blocker| {
                scope.spawn(move || stop.set_by_panic(|| block(blocker, mode, stage, stop)))
            })
            .collect();
        let count = blockers.len() as u32;
        let asker = scope.spawn(move || {
            stop.set_by_panic(|| ask(asker, from, to, count, turn, latencies, stage, stop));
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

#[allow(clippy::too_many_arguments)] // one thread's whole world
fn ask(
    player: &Player,
    from: Option<Mode>,
    to: Mode,
    blockers: u32,
    turn: Turn,
    latencies_ns: &mut Vec<f64>,
    stage: &Stage,
    stop: &Stop,
) {
    let _: Result<(), Stopped> = (|| {
        let kept = match from {
            Some(from) => {
                let lock = player.request(ASKERS_TAG, from);
                player.wait_for_grant(ASKERS_TAG, from)?;
                Some((from, lock))
            }
            None => None,
        };
        for taken in 1.. {
            stage.wait(stop, |state| state.holding == blockers)?;
            let start = Instant::now();
            let lock = match kept {
                Some((_, lock)) => {
                    player.convert(lock, to);
                    lock
                }
                None => player.request(ASKERS_TAG, to),
            };
            player.wait_for_grant(ASKERS_TAG, to)?;
            latencies_ns.push(start.elapsed().as_nanos() as f64);
            match kept {
                Some((from, _)) => {
                    player.convert(lock, from);
                    player.wait_for_grant(ASKERS_TAG, from)?;
                }
                None => player.unlock(lock),
            }
            let over = turn.is_over(taken);
            stage.change(|state| {
                *state = State {
                    taken,
                    holding: 0,
                    over,
                }
            });
            if over {
                break;
            }
        }
        Ok(())
    })();
}

/// Holds its lock until it hears that it is in the way, and takes it again after the sample.
fn block(player: &Player, mode: Mode, stage: &Stage, stop: &Stop) {
    let _: Result<(), Stopped> = (|| {
        let lock = player.request(1, Mode::Nl);
        for turn in 0.. {
            player.convert(lock, mode);
            player.wait_for_grant(1, mode)?;
            stage.change(|state| state.holding += 1);
            player.wait_for(|event| matches!(event, Event::Bast { .. }))?;
            player.convert(lock, Mode::Nl);
            if stage.wait(stop, |state| state.taken > turn)? {
                break;
            }
        }
        Ok(())
    })();
}
