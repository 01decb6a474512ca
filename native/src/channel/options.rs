//! How a channel behaves: whose dance, how long it waits, and in which way.

use super::signal::WaitMode;
use std::time::Duration;

/// WAIT_DLM_LOCK_TIMEOUT of md-cluster since Linux 6.11; before, it waited for ever.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Whose behaviour it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Mainline's dance: the same lock calls in the same order while nothing goes wrong. It differs in four places, all of
    /// them after a failure:
    /// - A conversion that timed out is taken back (a cancel), so that the lock can be converted again. Mainline leaves it
    ///   queued, and it may be granted at any time later.
    /// - A receiver that refuses a message waits (PR on `message`) until the sender has given up and takes `ack` anew (CR to
    ///   CR): it hears the next message. Mainline goes straight to NL, and is deaf from then on.
    /// - A receipt that fails half way in a time-out or a cancel keeps its locks and is finished by the next `receive`.
    ///   Mainline goes on with the next step regardless.
    /// - A message whose value block a recovery marked as doubtful (VALNOTVALID) is acknowledged but not handed out, since
    ///   it may be an older one. Mainline does not look at the flag.
    ///
    /// What the layers above do differently from mainline (adding a disk, recovery, adding one again) is theirs.
    Safe,
    /// As md-cluster since Linux 6.11, also where it gets stuck: EBUSY for whoever converts a lock whose last conversion
    /// timed out, and a receiver that refused a message gets no further notice.
    Mainline,
    /// The CR/EX dance of the first patch. With two receivers one of them gets EDEADLK, which is reported; it then goes on
    /// by CONVDEADLK, which the original did not: it ignored the error.
    Original,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub variant: Variant,
    /// For each single wait. None waits for ever.
    pub timeout: Option<Duration>,
    pub wait: WaitMode,
    /// Whether the end of every step is timed. Without, only the start of a send and the moment when all have processed the
    /// message (`SendStep::AckEx`): some fifteen looks at the clock less, which count where threads spin.
    pub step_times: bool,
    /// Whether lock calls are kept for `Channel::trace`.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            variant: Variant::Safe,
            timeout: Some(LOCK_TIMEOUT),
            wait: WaitMode::SpinThenPark { spins: 200 },
            step_times: true,
            trace: false,
        }
    }
}
