//! Threads on cores of their own choosing move, and a figure with them: two on one core hand over without waking another.
//! So each thread gets its core: the sender the first, receivers one after another from the second on, round and round.

/// The cores that this process may use.
fn allowed() -> Vec<usize> {
    // SAFETY: an all-zero set is a valid one, and the call writes no more than its size.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set);
        set
    };
    let all = 0..libc::CPU_SETSIZE as usize;
    // SAFETY: every index is below CPU_SETSIZE.
    all.filter(|core| unsafe { libc::CPU_ISSET(*core, &set) })
        .collect()
}

/// Where threads go.
#[derive(Clone)]
pub struct Places(Vec<usize>);

impl Places {
    pub fn new() -> Places {
        Places(allowed())
    }

    pub fn cores(&self) -> usize {
        self.0.len()
    }

    /// Keeps the calling thread on the core of this number, counted round and round.
    pub fn take(&self, number: usize) {
        let core = self.0[number % self.0.len()];
        // SAFETY: as above; the core is one that the kernel named.
        let refused = unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(core, &mut set);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
        };
        assert_eq!(refused, 0, "core {core} is not to be had any more");
    }
}
