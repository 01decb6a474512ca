//! Waiting for a condition that another thread makes true: a futex and the number of its sleepers.
//!
//! A notifier changes the condition, then calls `bump`; a waiter looks at the condition only after it has read the epoch.
//! So either the waiter sees the change, or its sleep on the old epoch ends at once.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// How a thread waits. It belongs beside every latency: a wake-up from sleep costs 2 to 30 µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitMode {
    /// Burns a core until it is over.
    Spin,
    /// Looks so many times, then sleeps. No more threads of the process look at a time than there are cores; the others
    /// sleep at once.
    SpinThenPark { spins: u32 },
    /// Sleeps at once.
    Park,
}

/// Looks between two reads of the clock in an endless spin.
const SPINS_PER_CLOCK_READ: u32 = 128;

/// Nanoseconds of CLOCK_MONOTONIC: the same clock in all threads, and as Node's `process.hrtime`.
pub fn now_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live timespec; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The time of `now_ns` at which a wait that begins at `start_ns` ends; none where the clock does not reach so far.
fn deadline_ns(start_ns: u64, timeout: Duration) -> Option<u64> {
    let timeout_ns = u64::try_from(timeout.as_nanos()).ok()?;
    start_ns.checked_add(timeout_ns)
}

/// Threads that spin before they sleep, now.
static SPINNERS: AtomicUsize = AtomicUsize::new(0);

/// Looks so many times, unless enough others do.
fn look<T>(times: u32, ready: &mut impl FnMut() -> Option<T>) -> Option<T> {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    let others = SPINNERS.fetch_add(1, Ordering::Relaxed);
    let mut seen = None;
    if others < *CORES {
        for _ in 0..times {
            seen = ready();
            if seen.is_some() {
                break;
            }
            std::hint::spin_loop();
        }
    }
    SPINNERS.fetch_sub(1, Ordering::Relaxed);
    seen
}

#[derive(Default)]
pub struct Signal {
    epoch: AtomicU32,
    sleepers: AtomicU32,
}

impl Signal {
    /// To be called after the condition changed. True where somebody sleeps, who needs a `wake`.
    #[inline]
    pub fn bump(&self) -> bool {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.sleepers.load(Ordering::SeqCst) != 0
    }

    /// Wakes all sleepers.
    pub fn wake(&self) {
        // SAFETY: the futex word is ours and outlives the call, which only wakes.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.epoch.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                i32::MAX,
            );
        }
    }

    pub fn notify(&self) {
        if self.bump() {
            self.wake();
        }
    }

    /// Waits until `ready` gives something. None once the time-out has passed; no time-out waits for ever. The clock is
    /// read only where there is something to wait for.
    #[inline]
    pub fn wait<T>(
        &self,
        mode: WaitMode,
        timeout: Option<Duration>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if let Some(value) = ready() {
            return Some(value);
        }
        let deadline_ns = timeout.and_then(|timeout| deadline_ns(now_ns(), timeout));
        match mode {
            WaitMode::Spin => loop {
                for _ in 0..SPINS_PER_CLOCK_READ {
                    if let Some(value) = ready() {
                        return Some(value);
                    }
                    std::hint::spin_loop();
                }
                if deadline_ns.is_some_and(|deadline| now_ns() >= deadline) {
                    return ready();
                }
            },
            WaitMode::SpinThenPark { spins } => match look(spins, &mut ready) {
                Some(value) => Some(value),
                None => self.park(deadline_ns, ready),
            },
            WaitMode::Park => self.park(deadline_ns, ready),
        }
    }

    fn park<T>(&self, deadline_ns: Option<u64>, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let outcome = loop {
            let epoch = self.epoch.load(Ordering::SeqCst);
            if let Some(value) = ready() {
                break Some(value);
            }
            if deadline_ns.is_some_and(|deadline| now_ns() >= deadline) {
                break None;
            }
            self.sleep(epoch, deadline_ns);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    /// Sleeps while the epoch is this one, at most until the deadline. May end early.
    fn sleep(&self, epoch: u32, deadline_ns: Option<u64>) {
        let until = deadline_ns.map(|deadline| libc::timespec {
            tv_sec: (deadline / 1_000_000_000) as libc::time_t,
            tv_nsec: (deadline % 1_000_000_000) as libc::c_long,
        });
        let until = until
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref::<libc::timespec>);
        // SAFETY: the futex word is ours, and the time, where there is one, lives on this stack. FUTEX_WAIT_BITSET takes
        // an absolute time of CLOCK_MONOTONIC.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.epoch.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                epoch,
                until,
                std::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    const MODES: [WaitMode; 3] = [
        WaitMode::Spin,
        WaitMode::SpinThenPark { spins: 100 },
        WaitMode::Park,
    ];

    #[test]
    fn two_threads_hand_a_number_to_and_fro_without_losing_a_wake_up() {
        for mode in MODES {
            let turn = AtomicU64::new(0);
            let signal = Signal::default();
            let play = |own: u64| {
                for round in 0..2_000 {
                    let mine = round * 2 + own;
                    let seen = signal.wait(mode, Some(Duration::from_secs(30)), || {
                        (turn.load(Ordering::Acquire) == mine).then_some(())
                    });
                    assert_eq!(seen, Some(()), "{mode:?} lost a wake-up in round {round}");
                    turn.store(mine + 1, Ordering::Release);
                    signal.notify();
                }
            };
            std::thread::scope(|scope| {
                scope.spawn(|| play(0));
                scope.spawn(|| play(1));
            });
            assert_eq!(turn.load(Ordering::Acquire), 4_000);
        }
    }

    #[test]
    fn a_deadline_ends_every_kind_of_wait() {
        for mode in MODES {
            let start_ns = now_ns();
            let timeout = Some(Duration::from_millis(3));
            assert_eq!(Signal::default().wait(mode, timeout, || None::<()>), None);
            assert!(now_ns() >= start_ns + 3_000_000, "{mode:?} ended early");
        }
    }

    #[test]
    fn a_timeout_beyond_the_clock_waits_for_ever() {
        assert_eq!(deadline_ns(5, Duration::MAX), None);
        assert_eq!(deadline_ns(u64::MAX, Duration::from_nanos(1)), None);
        assert_eq!(deadline_ns(5, Duration::from_nanos(7)), Some(12));
    }
}
