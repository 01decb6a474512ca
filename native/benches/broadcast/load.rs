//! Cores that are kept awake, or that may go to sleep.

use crate::place::Places;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    Busy,
    Idle,
}

impl Load {
    pub fn name(self) -> &'static str {
        match self {
            Load::Busy => "busy",
            Load::Idle => "idle",
        }
    }

    /// How long to leave the cores alone before each measurement.
    pub fn pause(self) -> Option<Duration> {
        match self {
            Load::Busy => None,
            Load::Idle => Some(Duration::from_micros(300)),
        }
    }

    /// For as long as the result lives.
    pub fn keep(self, places: &Places) -> Awake {
        let over = Arc::new(AtomicBool::new(false));
        let threads = if self == Load::Busy {
            places.cores()
        } else {
            0
        };
        let threads = (0..threads).map(|core| {
            let (over, places) = (Arc::clone(&over), places.clone());
            std::thread::spawn(move || {
                places.take(core);
                give_way();
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        });
        Awake {
            threads: threads.collect(),
            over,
        }
    }
}

/// Whatever else can run goes first.
fn give_way() {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the calling thread, and a parameter that lives on this stack.
    let refused = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    assert_eq!(
        refused, 0,
        "SCHED_IDLE is refused: busy would disturb what is measured"
    );
}

pub struct Awake {
    threads: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
