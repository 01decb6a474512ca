//! The lock manager as Node sees it: nodes that join from any worker thread, callbacks brought to the thread they belong to.
//!
//! Every operation returns at once. What completes within the call comes back with it; everything else waits in the node's
//! mailbox, for the event loop (which the notifier wakes) or for a thread that waits there on purpose. When an environment
//! goes, for whatever reason, its clean-up hook takes its nodes out of their lockspaces.

mod channel;
mod channel_threads;
mod exit_hook;
mod kernel_join;
mod mailbox;
mod measure;
mod node;
mod node_measure;
mod notifier;
mod place;
mod record;
mod run;
mod stop;

use crate::dlm::Refusal;

/// A refusal as JavaScript sees it: errno's name, the refusal's own, message and remedy, one a line, for
/// `src/dlm/lock-error.ts` to take apart.
fn refused(refusal: Refusal) -> napi::Error {
    napi::Error::from_reason(format!(
        "{}\n{refusal:?}\n{}\n{}",
        refusal.errno_name(),
        refusal.message(),
        refusal.remedy()
    ))
}
