//! EX going round: each node stands in line again before it lets go, so that every release is a hand-over.

use super::cores::Cores;
use super::player::{Player, Stopped};
use super::{Plan, Series, Turn};
use crate::dlm::{LockId, Lockspace, Mode};
use crate::dlm_addon::stop::Stop;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// From the start of the release to the moment at which the next holder's thread goes on.
pub(super) fn series() -> Series {
    Series {
        operation: "handOver",
        from: Some(Mode::Nl),
        to: Some(Mode::Ex),
        blockers: 1,
        waiters: 0,
        latencies_ns: Vec::new(),
    }
}

/// The release itself, as its caller sees it: it grants the next lock and wakes its owner. All others wait.
pub(super) fn release_series() -> Series {
    Series {
        operation: "release",
        from: Some(Mode::Ex),
        to: Some(Mode::Nl),
        blockers: 0,
        waiters: 1,
        latencies_ns: Vec::new(),
    }
}

struct Ring {
    start: Instant,
    released_ns: AtomicU64,
    hand_overs: AtomicUsize,
    turn: Turn,
}

impl Ring {
    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

/// `series` are `series()` and `release_series()`, in this order.
pub(super) fn measure(plan: Plan, cores: &Cores, turn: Turn, series: &mut [Series], stop: &Stop) {
    let lockspace = super::player::sure(Lockspace::unlisted("measure"));
    let ring = Ring {
        start: Instant::now(),
        released_ns: AtomicU64::new(0),
        hand_overs: AtomicUsize::new(0),
        turn,
    };
    let players: Vec<(Player, [LockId; 2])> = (1..=plan.nodes)
        .map(|number| {
            let player = Player::join(&lockspace, number, plan, false, Some(stop));
            let locks = [0, 1].map(|tag| player.request(tag, Mode::Nl));
            (player, locks)
        })
        .collect();
    for (player, locks) in &players {
        player.convert(locks[0], Mode::Ex);
    }
    let ends = std::thread::scope(|scope| {
        let threads = players.iter().enumerate().map(|(number, (player, locks))| {
            let ring = &ring;
            scope.spawn(move || {
                cores.keep(number);
                stop.set_by_panic(|| play(player, locks, ring))
            })
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect::<Vec<_>>()
    });
    stop.forget_waits();
    for end in ends {
        match end {
            Ok((hand_overs, releases)) => {
                series[0].latencies_ns.extend(hand_overs);
                series[1].latencies_ns.extend(releases);
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn play(player: &Player, locks: &[LockId; 2], ring: &Ring) -> (Vec<f64>, Vec<f64>) {
    let mut samples = (Vec::new(), Vec::new());
    let _: Result<(), Stopped> = (|| {
        for turn in 0.. {
            let (held, next) = (turn % 2, 1 - turn % 2);
            player.wait_for_grant(held as u64, Mode::Ex)?;
            let now_ns = ring.now_ns();
            let number = ring.hand_overs.fetch_add(1, Ordering::Relaxed);
            if number > 0 {
                let latency_ns = now_ns - ring.released_ns.load(Ordering::Relaxed);
                samples.0.push(latency_ns as f64);
            }
            let last = ring.turn.is_over(number);
            if !last {
                player.convert(locks[next], Mode::Ex);
            }
            let start_ns = ring.now_ns();
            ring.released_ns.store(start_ns, Ordering::Relaxed);
            player.convert(locks[held], Mode::Nl);
            samples.1.push((ring.now_ns() - start_ns) as f64);
            if last {
                // The others see the same, each with the lock in its hands, and let go for good.
                return Ok(());
            }
        }
        Ok(())
    })();
    samples
}
