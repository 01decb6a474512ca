//! Locks of one node: alone on a resource, or in line with all others.

use super::caller::Caller;
use super::{Limit, Unmeasured};
use crate::dlm::Mode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

/// EX going round among all nodes that do the same until they are stopped. Each stands in line again before it lets go, so that
/// the conversion waits for everybody else once. Only what begins and ends while `recording` gives samples.
pub(super) fn in_line(
    callers: &mut [Caller; 2],
    recording: &AtomicBool,
    samples: usize,
    series: &mut Vec<Series>,
) -> Result<(), Unmeasured> {
    let first = series.len();
    series.push(Series::new("convert", Some(Mode::Nl), Some(Mode::Ex)));
    series.push(Series::new("convert", Some(Mode::Ex), Some(Mode::Nl)));
    let [one, other] = callers;
    let (mut held, mut next) = (
        (one.request_expedited()?, &*one),
        (other.request_expedited()?, &*other),
    );
    held.1.convert(held.0, Mode::Ex)?;
    loop {
        let recorded = recording.load(Ordering::Relaxed);
        let start = Instant::now();
        next.1.ask_to_convert(next.0, Mode::Ex)?;
        let released = held.1.convert(held.0, Mode::Nl)?;
        next.1.wait()?;
        let acquired = start.elapsed();
        let recorded = recorded && recording.load(Ordering::Relaxed);
        if recorded && series[first].latencies_ns.len() < samples {
            series[first].add(acquired);
            series[first + 1].add(released);
        }
        std::mem::swap(&mut held, &mut next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::LockBackend;
    use crate::dlm::{CallbackQueue, Lockspace};
    use crate::dlm_addon::stop::Stop;
    use std::sync::Arc;

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
    fn in_line_all_get_their_turns_and_a_stop_ends_them() {
        let lockspace = Lockspace::unlisted("in-line").expect("made");
        let stop = Stop::default();
        let recording = AtomicBool::new(true);
        std::thread::scope(|scope| {
            let players: Vec<_> = (1..=3)
                .map(|number| {
                    let (backend, stop, recording) =
                        (backend(&lockspace, number), &stop, &recording);
                    scope.spawn(move || {
                        let mut callers = [(); 2]
                            .map(|()| Caller::new(Arc::clone(&backend), "l".into(), true, stop));
                        let mut series = Vec::new();
                        let ended = in_line(&mut callers, recording, 50, &mut series);
                        assert!(matches!(ended, Err(Unmeasured::Stopped)), "{ended:?}");
                        series
                            .iter()
                            .map(|one| one.latencies_ns.len())
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(200));
            stop.set();
            for player in players {
                let counts = player.join().expect("ended");
                assert!(counts[0] > 0 && counts[0] == counts[1], "{counts:?}");
            }
        });
    }
}
