//! How a channel behaves: whose dance, how long it waits, and in which way.

use super::signal::WaitMode;
use std::time::Duration;

/// WAIT_DLM_LOCK_TIMEOUT of md-cluster since Linux 6.11; before, it waited for ever.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Whose behaviour it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Mainline's dance. A conversion that timed out is taken back, so that the channel can be used again; a receiver that
    /// refused a message hears the next one; a value block that a recovery marked as not valid is not handed out.
    Safe,
    /// As md-cluster since Linux 6.11, also where it gets stuck: a conversion that timed out stays queued (EBUSY for
    /// whoever converts that lock next), and a receiver that refused a message gets no further notice.
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
