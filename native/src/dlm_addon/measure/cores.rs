//! Which core a thread of a measurement is on. Threads left to themselves move, and a figure with them: two on one core
//! hand over without waking another core, at a tenth of the cost. So each is kept where its number says.

use napi_derive::napi;

/// `keepThreadOnCore` of the addon: as `Cores::keep`, for a worker thread that measures by itself.
// The unit tests register nothing with Node.
#[cfg_attr(test, allow(dead_code))]
#[napi(catch_unwind)]
pub fn keep_thread_on_core(number: u32) {
    Cores::allowed().keep(number as usize);
}

/// The cores that this process may use.
pub(super) struct Cores(Vec<usize>);

impl Cores {
    /// To be asked on a thread that has not been kept anywhere yet.
    pub(super) fn allowed() -> Cores {
        // SAFETY: an all-zero set is a valid one, and the call writes no more than its size.
        let set = unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set);
            set
        };
        let all = 0..libc::CPU_SETSIZE as usize;
        // SAFETY: every index is below CPU_SETSIZE.
        Cores(
            all.filter(|core| unsafe { libc::CPU_ISSET(*core, &set) })
                .collect(),
        )
    }

    pub(super) fn count(&self) -> usize {
        self.0.len().max(1)
    }

    /// Keeps the calling thread on the core of this number, counted round and round. Where the kernel refuses (a core was
    /// taken away meanwhile) the thread stays where it may be.
    pub(super) fn keep(&self, number: usize) {
        let Some(core) = self.0.get(number % self.count()) else {
            return;
        };
        // SAFETY: an all-zero set is a valid one; the core is one that the kernel named, so below CPU_SETSIZE.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(*core, &mut set);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cores;

    #[test]
    fn a_thread_is_kept_on_the_core_of_its_number_round_and_round() {
        let cores = Cores::allowed();
        for number in [0, 1, cores.count(), 3 * cores.count() + 1] {
            let kept = std::thread::scope(|scope| {
                let kept = scope.spawn(|| {
                    cores.keep(number);
                    Cores::allowed().0
                });
                kept.join().unwrap_or_default()
            });
            assert_eq!(kept, [cores.0[number % cores.count()]]);
        }
    }
}
