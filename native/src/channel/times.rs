//! When each step of a join, a broadcast and a receipt ended, in nanoseconds of CLOCK_MONOTONIC.

use super::signal::now_ns;

/// A procedure whose steps are numbered from 0.
pub trait Steps: Copy {
    fn index(self) -> usize;
}

macro_rules! steps {
    ($(#[$about:meta])* $name:ident { $($(#[$step_about:meta])* $step:ident),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$step_about])* $step),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$step),+];
        }

        impl Steps for $name {
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

steps! {
    /// Spec §4.2, steps 5 to 9 and 11; step 10 is the caller's.
    JoinStep { Message, Token, NoNewDev, TokenEx, Ack, AckCr, TokenNl, NoNewDevCr, Resync }
}

steps! {
    /// Spec §5.2.
    SendStep {
        /// The only sender of its node.
        Turn,
        TokenEx,
        /// No receipt under way on this node.
        ReceiveTurn,
        MessageEx,
        /// The payload is in the value block: EX→CW, EX→CR in the original dance.
        MessageWritten,
        /// Every other node has processed the message.
        AckEx,
        AckCr,
        MessageNl,
        TokenNl,
    }
}

steps! {
    /// Spec §5.3.
    ReceiveStep {
        /// The sender's notice was seen: the start.
        Notice,
        ReceiveTurn,
        MessageCr,
        Processed,
        AckNl,
        /// PR, EX in the original dance.
        MessagePr,
        AckCr,
        MessageNl,
    }
}

/// The end of each step; 0 for one that did not take place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub start_ns: u64,
    ends_ns: [u64; 9],
    /// Only the turning points are marked.
    brief: bool,
}

impl Times {
    pub(super) fn start(step_times: bool) -> Times {
        Times {
            start_ns: now_ns(),
            ends_ns: [0; 9],
            brief: !step_times,
        }
    }

    /// The end of a step, where steps are timed.
    pub(super) fn mark(&mut self, step: impl Steps) {
        if !self.brief {
            self.mark_always(step);
        }
    }

    /// A step that is the start itself.
    pub(super) fn mark_at_start(&mut self, step: impl Steps) {
        self.ends_ns[step.index()] = self.start_ns;
    }

    pub(super) fn mark_always(&mut self, step: impl Steps) {
        self.ends_ns[step.index()] = now_ns();
    }

    /// When this step ended.
    pub fn end_ns(&self, step: impl Steps) -> Option<u64> {
        Some(self.ends_ns[step.index()]).filter(|end| *end != 0)
    }

    /// From the end of the step before it, or the start.
    pub fn duration_ns(&self, step: impl Steps) -> Option<u64> {
        let end = self.end_ns(step)?;
        let before = self.ends_ns[..step.index()].iter().rev();
        let before = before.copied().find(|end| *end != 0);
        Some(end - before.unwrap_or(self.start_ns))
    }

    /// From the start to the end of this step.
    pub fn since_start_ns(&self, step: impl Steps) -> Option<u64> {
        Some(self.end_ns(step)? - self.start_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_leave_out_the_steps_that_did_not_take_place() {
        let mut times = Times {
            start_ns: 100,
            ..Times::default()
        };
        times.ends_ns[SendStep::MessageEx.index()] = 130;
        times.ends_ns[SendStep::AckEx.index()] = 190;
        assert_eq!(times.duration_ns(SendStep::MessageEx), Some(30));
        assert_eq!(times.duration_ns(SendStep::MessageWritten), None);
        assert_eq!(times.duration_ns(SendStep::AckEx), Some(60));
        assert_eq!(times.since_start_ns(SendStep::AckEx), Some(90));
    }
}
