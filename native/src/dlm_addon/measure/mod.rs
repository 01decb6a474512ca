//! Latencies of the lock manager, measured on native threads without Node's event loop anywhere near.
//!
//! One measurement is one configuration. It goes through all of its series several times, floors first, so that figures and
//! floors see the same machine. Every sample is one operation between two readings of the clock; `clock_ns` says what such a
//! pair of readings costs by itself.

mod addon;
mod busy_cores;
mod contended;
mod cores;
mod floors;
mod hand_over;
mod messages;
mod player;
mod uncontended;

use crate::dlm::Mode;
use crate::dlm_addon::stop::Stop;
use busy_cores::BusyCores;
use cores::Cores;
use floors::Floors;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often each series is taken up again.
const ROUNDS: u32 = 4;

#[derive(Clone, Copy)]
struct Plan {
    nodes: u32,
    value_block: bool,
    /// Waiting threads look all the time; otherwise they sleep at once.
    spin: bool,
    /// Every core is kept from idling.
    busy: bool,
    time: Duration,
    /// Most samples of one series.
    samples: usize,
}

impl Plan {
    fn new(
        nodes: u32,
        value_block: bool,
        spin: bool,
        busy: bool,
        time_ms: f64,
        samples: u32,
    ) -> Plan {
        Plan {
            nodes: nodes.max(1),
            value_block,
            spin,
            busy,
            time: Duration::try_from_secs_f64(time_ms / 1e3).unwrap_or_default(),
            samples: samples as usize,
        }
    }

    fn wait(self) -> crate::dlm::Wait {
        crate::dlm::Wait {
            deadline: None,
            spins: if self.spin { u32::MAX } else { 0 },
        }
    }
}

/// Samples of one operation. `from` is none for a request, `to` for an unlock.
struct Series {
    operation: &'static str,
    from: Option<Mode>,
    to: Option<Mode>,
    /// Nodes that had to give their lock up first.
    blockers: u32,
    /// Nodes that waited for this lock to be given up, and were granted theirs by it.
    waiters: u32,
    latencies_ns: Vec<f64>,
}

/// How long one turn at a series may take, and how many samples it may add.
#[derive(Clone, Copy)]
struct Turn {
    until: Instant,
    samples: usize,
}

impl Turn {
    fn is_over(&self, taken: usize) -> bool {
        taken >= self.samples || Instant::now() >= self.until
    }
}

struct Measured {
    series: Vec<Series>,
    floors: Floors,
}

/// Runs a plan to its end, or to `stop`. Takes its time, and all cores; never on a JavaScript thread.
fn measure(plan: Plan, stop: &Stop) -> Measured {
    let mut series = if plan.nodes == 1 {
        uncontended::series()
    } else {
        let mut series = vec![hand_over::series(), hand_over::release_series()];
        series.extend(contended::series(plan.nodes));
        series
    };
    let cores = Arc::new(Cores::allowed());
    let _busy = plan.busy.then(|| BusyCores::start(&cores));
    cores.keep(0);
    let mut floors = Floors::default();
    // Uncontended series share one turn: they go through their operations in a circle. Others share one in pairs.
    let turns = if plan.nodes == 1 {
        1
    } else {
        series.len() as u32 / 2
    };
    let slice = plan.time / ROUNDS / (turns + floors::SLICES);
    for _ in 0..ROUNDS {
        let turn = || Turn {
            until: Instant::now() + slice,
            samples: plan.samples / ROUNDS as usize,
        };
        floors.measure(plan, &cores, slice, plan.samples / ROUNDS as usize);
        if plan.nodes == 1 {
            uncontended::measure(plan, turn(), &mut series, stop);
        } else {
            let (ring, contended) = series.split_at_mut(2);
            hand_over::measure(plan, &cores, turn(), ring, stop);
            for pair in contended.chunks_exact_mut(2) {
                contended::measure(plan, &cores, turn(), pair, stop);
            }
        }
        if stop.is_set() {
            break;
        }
    }
    Measured { series, floors }
}
