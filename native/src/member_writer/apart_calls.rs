//! Whether a request that is alone in flight to a loop device is better submitted in a call of its own, before the one that waits for it.
//!
//! Where the device's worker thread shares the submitter's processor, it runs when that call ends, and the request has often completed
//! before the submitter would go to sleep: 1.6 times the writes of one call for both. Where it runs on another processor that call is
//! wasted, at 4 % more CPU a write. Which of both holds is the scheduler's choice, so it is tried out.

/// Trials are made anew after so many requests.
const REQUESTS: u32 = 256;
/// The first so many of these are trials. Beside the submitter's processor a third of them complete in time, elsewhere one in
/// a thousand.
const TRIALS: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// One to submit, one to look, and one to wait where nothing has completed yet.
    Trial,
    /// One to submit and one to wait.
    Apart,
    /// One for both.
    Together,
}

#[derive(Default)]
pub struct ApartCalls {
    request: u32,
    paid: bool,
}

impl ApartCalls {
    /// For the next request.
    pub fn next(&mut self) -> Calls {
        if self.request == REQUESTS {
            *self = Self::default();
        }
        self.request += 1;
        if self.request <= TRIALS {
            Calls::Trial
        } else if self.paid {
            Calls::Apart
        } else {
            Calls::Together
        }
    }

    /// A trial's request has completed without being waited for.
    pub fn paid(&mut self) {
        self.paid = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(apart: &mut ApartCalls, paid_trials: &[u32]) -> Vec<Calls> {
        (0..REQUESTS)
            .map(|request| {
                let calls = apart.next();
                if calls == Calls::Trial && paid_trials.contains(&request) {
                    apart.paid();
                }
                calls
            })
            .collect()
    }

    #[test]
    fn one_trial_that_paid_is_enough_until_the_next_trials() {
        let mut apart = ApartCalls::default();
        for (paid_trials, then) in [
            (&[][..], Calls::Together),
            (&[7], Calls::Apart),
            (&[], Calls::Together),
        ] {
            let calls = round(&mut apart, paid_trials);
            let (trials, others) = calls.split_at(TRIALS as usize);
            assert!(trials.iter().all(|&calls| calls == Calls::Trial));
            assert!(others.iter().all(|&calls| calls == then));
        }
    }
}
