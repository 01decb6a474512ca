//! Keeps cores from idling. Waking an idle virtual CPU costs some 30 µs, which hides all software.

use super::cores::Cores;
use napi_derive::napi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A spinning thread on each core until dropped. Their SCHED_IDLE priority makes way for any other thread at once.
pub(super) struct BusyCores {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl BusyCores {
    pub(super) fn start(cores: &Arc<Cores>) -> BusyCores {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..cores.count()).map(|core| {
            let (stop, cores) = (Arc::clone(&stop), Arc::clone(cores));
            std::thread::spawn(move || {
                cores.keep(core);
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

/// `BusyCores` of the addon: for what JavaScript measures by itself.
#[napi(js_name = "BusyCores")]
pub struct KeptBusy(Option<BusyCores>);

#[napi]
impl KeptBusy {
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> KeptBusy {
        KeptBusy(Some(BusyCores::start(&Arc::new(Cores::allowed()))))
    }

    /// Also when it is collected, or its environment ends.
    #[napi(catch_unwind)]
    pub fn stop(&mut self) {
        self.0 = None;
    }
}
