//! Request, every conversion and unlock where nobody is in the way.

use super::player::Player;
use super::{Plan, Series, Turn};
use crate::dlm::{Lockspace, Mode};
use crate::dlm_addon::stop::Stop;
use std::time::Instant;

pub(super) fn series() -> Vec<Series> {
    let one = |operation, from, to| Series {
        operation,
        from,
        to,
        blockers: 0,
        waiters: 0,
        latencies_ns: Vec::new(),
    };
    let mut series = Vec::new();
    for mode in Mode::ALL {
        series.push(one("request", None, Some(mode)));
        series.push(one("unlock", Some(mode), None));
    }
    for from in Mode::ALL {
        for to in Mode::ALL {
            series.push(one("convert", Some(from), Some(to)));
        }
    }
    series
}

/// Goes through all operations in a circle. A completion has arrived when the call returns, which is checked.
pub(super) fn measure(plan: Plan, turn: Turn, series: &mut [Series], stop: &Stop) {
    let lockspace = super::player::sure(Lockspace::unlisted("measure"));
    let player = Player::join(&lockspace, 1, plan, false, None);
    let mut circles = 0;
    while !turn.is_over(circles) && !stop.is_set() {
        for one in &mut *series {
            let latency = match (one.from, one.to) {
                (None, Some(to)) => {
                    let start = Instant::now();
                    let lock = player.request(0, to);
                    let latency = start.elapsed();
                    completed(&player);
                    player.unlock(lock);
                    latency
                }
                (Some(from), to) => {
                    let lock = player.request(0, from);
                    completed(&player);
                    match to {
                        Some(to) => {
                            let start = Instant::now();
                            player.convert(lock, to);
                            let latency = start.elapsed();
                            completed(&player);
                            player.unlock(lock);
                            latency
                        }
                        None => {
                            let start = Instant::now();
                            player.unlock(lock);
                            start.elapsed()
                        }
                    }
                }
                (None, None) => continue,
            };
            completed(&player);
            one.latencies_ns.push(latency.as_nanos() as f64);
        }
        circles += 1;
    }
}

fn completed(player: &Player) {
    assert!(
        player.queue.poll().is_some(),
        "an operation that nobody disputes completes within its call"
    );
}
