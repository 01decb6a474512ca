//! Locks of one node: alone on a resource, or in line with all others.

use super::caller::Caller;
use super::{Limit, Unmeasured};
use crate::dlm::Mode;
use std::time::Duration;

/// Samples of one operation. `from` is none for a request, `to` for an unlock.
pub(super) struct Series {
    pub(super) operation: &'static str,
    pub(super) from: Option<Mode>,
    pub(super) to: Option<Mode>,
    pub(super) latencies_ns: Vec<f64>,
}

impl Series {
    fn new(operation: &'static str, from: Option<Mode>, to: Option<Mode>) -> Series {
        Series {
            operation,
            from,
            to,
            latencies_ns: Vec::new(),
        }
    }

    fn add(&mut self, latency: Duration) {
        self.latencies_ns.push(latency.as_nanos() as f64);
    }
}

/// Request and unlock in every mode and all conversions, in a circle, nobody in the way.
pub(super) fn alone(
    caller: &mut Caller,
    limit: Limit,
    series: &mut Vec<Series>,
) -> Result<(), Unmeasured> {
    let requests = Mode::ALL.map(|mode| Series::new("request", None, Some(mode)));
    let unlocks = Mode::ALL.map(|mode| Series::new("unlock", Some(mode), None));
    let converts = Mode::ALL
        .iter()
        .flat_map(|from| Mode::ALL.map(|to| Series::new("convert", Some(*from), Some(to))));
    let first = series.len();
    series.extend(requests.into_iter().chain(unlocks).chain(converts));
    let (requests, rest) = series[first..].split_at_mut(Mode::ALL.len());
    let (unlocks, converts) = rest.split_at_mut(Mode::ALL.len());
    // The resource and what this node knows of it stay while the locks on it come and go.
    let (keeper, _) = caller.request(Mode::Nl)?;
    let mut circles = 0;
    while !limit.is_reached(circles) {
        for (place, mode) in Mode::ALL.into_iter().enumerate() {
            let (lock, requested) = caller.request(mode)?;
            requests[place].add(requested);
            unlocks[place].add(caller.unlock(lock)?);
        }
        let (lock, _) = caller.request(Mode::Nl)?;
        for one in &mut *converts {
            let (Some(from), Some(to)) = (one.from, one.to) else {
                continue;
            };
            caller.convert(lock, from)?;
            one.add(caller.convert(lock, to)?);
        }
        caller.unlock(lock)?;
        circles += 1;
    }
    caller.unlock(keeper)?;
    Ok(())
}

/// EX going round among all nodes that do the same: from asking for it to holding it, and giving it up.
pub(super) fn in_line(
    caller: &mut Caller,
    limit: Limit,
    series: &mut Vec<Series>,
) -> Result<(), Unmeasured> {
    let first = series.len();
    series.push(Series::new("convert", Some(Mode::Nl), Some(Mode::Ex)));
    series.push(Series::new("convert", Some(Mode::Ex), Some(Mode::Nl)));
    let (lock, _) = caller.request(Mode::Nl)?;
    let mut taken = 0;
    while !limit.is_reached(taken) {
        let acquired = caller.convert(lock, Mode::Ex)?;
        let released = caller.convert(lock, Mode::Nl)?;
        series[first].add(acquired);
        series[first + 1].add(released);
        taken += 1;
    }
    caller.unlock(lock)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::LockBackend;
    use crate::dlm::{CallbackQueue, Lockspace};
    use crate::dlm_addon::stop::Stop;
    use std::sync::Arc;
    use std::time::Instant;

    fn backend(lockspace: &Arc<Lockspace>, number: u32) -> Arc<dyn LockBackend> {
        Arc::new(
            lockspace
                .join(number, CallbackQueue::new())
                .expect("joined"),
        )
    }

    fn circles(count: usize) -> Limit {
        Limit {
            until: Instant::now() + Duration::from_secs(60),
            samples: count,
        }
    }

    #[test]
    fn alone_every_operation_has_as_many_samples_as_circles() {
        let lockspace = Lockspace::unlisted("alone").expect("made");
        let stop = Stop::default();
        for value_block in [false, true] {
            let mut caller = Caller::new(
                backend(&lockspace, 1 + u32::from(value_block)),
                "a".into(),
                value_block,
                &stop,
            );
            let mut series = Vec::new();
            alone(&mut caller, circles(3), &mut series).expect("measured");
            assert_eq!(series.len(), 48);
            assert!(series.iter().all(|one| one.latencies_ns.len() == 3));
        }
    }

    #[test]
    fn in_line_all_get_their_turns_and_a_stop_ends_whoever_waits() {
        let lockspace = Lockspace::unlisted("in-line").expect("made");
        let stop = Stop::default();
        std::thread::scope(|scope| {
            for number in 1..=3 {
                let (backend, stop) = (backend(&lockspace, number), &stop);
                scope.spawn(move || {
                    let mut caller = Caller::new(backend, "l".into(), true, stop);
                    let mut series = Vec::new();
                    in_line(&mut caller, circles(50), &mut series).expect("measured");
                    assert!(series.iter().all(|one| one.latencies_ns.len() == 50));
                });
            }
        });
        let mut holder = Caller::new(backend(&lockspace, 4), "l".into(), false, &Stop::default());
        holder.request(Mode::Ex).expect("granted");
        std::thread::scope(|scope| {
            let waiting = backend(&lockspace, 5);
            let waiter = scope.spawn(|| {
                let mut caller = Caller::new(waiting, "l".into(), false, &stop);
                in_line(&mut caller, circles(1), &mut Vec::new())
            });
            stop.set();
            assert!(matches!(
                waiter.join().expect("ended"),
                Err(Unmeasured::Stopped)
            ));
        });
    }
}
