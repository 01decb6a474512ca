//! Keeps cores from idling. Waking an idle virtual CPU costs some 30 µs, which hides all software.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A spinning thread for each core until dropped. Their SCHED_IDLE priority makes way for any other thread at once.
pub(super) struct BusyCores {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl BusyCores {
    pub(super) fn start() -> BusyCores {
        let stop = Arc::new(AtomicBool::new(false));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cores).map(|_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let priority = libc::sched_param { sched_priority: 0 };
                // SAFETY: changes the calling thread's policy only; SCHED_IDLE is open to everybody.
                unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const priority) };
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        });
        BusyCores {
            threads: threads.collect(),
            stop,
        }
    }
}

impl Drop for BusyCores {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
