//! The floor: what handing over to another thread costs with nothing around it.

use crate::place::Places;
use slotmark_native::channel::{WaitMode, now_ns};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Mean of a hand-over, from round trips between two threads, the caller's and one on the second core. Where `pause` is given, each trip starts after it.
pub fn hand_over_ns(wait: WaitMode, trips: u64, pause: Option<Duration>, places: &Places) -> f64 {
    let (there, back) = (AtomicU32::new(0), AtomicU32::new(0));
    let trips = trips as u32;
    let in_place = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            places.take(1);
            in_place.wait();
            for trip in 1..=trips {
                wait_for(&there, trip, wait);
                set(&back, trip, wait);
            }
        });
        in_place.wait();
        let mut total_ns = 0;
        for trip in 1..=trips {
            if let Some(pause) = pause {
                std::thread::sleep(pause);
            }
            let start_ns = now_ns();
            set(&there, trip, wait);
            wait_for(&back, trip, wait);
            total_ns += now_ns() - start_ns;
        }
        total_ns as f64 / f64::from(trips) / 2.0
    })
}

fn set(word: &AtomicU32, value: u32, wait: WaitMode) {
    word.store(value, Ordering::Release);
    if wait != WaitMode::Spin {
        // SAFETY: the word is alive; the call only wakes.
        unsafe {
            let private_wake = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
            libc::syscall(libc::SYS_futex, word.as_ptr(), private_wake, 1);
        }
    }
}

fn wait_for(word: &AtomicU32, value: u32, wait: WaitMode) {
    let mut spins_left = match wait {
        WaitMode::Spin => u32::MAX,
        WaitMode::SpinThenPark { spins } => spins,
        WaitMode::Park => 0,
    };
    loop {
        let seen = word.load(Ordering::Acquire);
        if seen == value {
            return;
        }
        if wait == WaitMode::Spin || spins_left > 0 {
            spins_left = spins_left.saturating_sub(1);
            std::hint::spin_loop();
            continue;
        }
        // SAFETY: the word is alive; without a time-out it needs no other memory.
        unsafe {
            let private_wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            let for_ever = std::ptr::null::<libc::timespec>();
            libc::syscall(libc::SYS_futex, word.as_ptr(), private_wait, seen, for_ever);
        }
    }
}
