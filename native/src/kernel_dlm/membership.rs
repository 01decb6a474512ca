//! Slots and the notice of a death, which fs/dlm gives to the kernel alone, made of locks (design, "Backends").
//!
//! A node's slot is the first `bitmapNNNN` that it gets in PW with NOQUEUE, scanned from 0 under EX on `token`. It holds that
//! lock for as long as it lives, and every other node waits for it in PW: whoever gets it knows that its holder is gone, and
//! the lock's value block says how. Who is there at all is a mask of slots in the value block of `members`: each node holds
//! that in CR, so that a newcomer who takes it in EX to add its own bit makes the others look.

use super::membership_worker::{Message, Told, Worker};
use super::slot_record::RangeBytes;
use super::{KernelDlmError, KernelNode};
use crate::dlm::{Callback, Sink, Status, Wake};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// One bit for each in the mask.
pub const MOST_SLOTS: u32 = 64;

/// What has become of another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipEvent {
    Joined {
        slot: u32,
    },
    /// While the listener runs, nobody else gets the slot: the time to recover its bitmap.
    Gone {
        slot: u32,
        departure: Departure,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It said so.
    Left,
    /// Its process ended, while its machine is still a member of the lockspace.
    ProcessDied,
    /// Its machine is no member any more.
    MachineDied,
    /// It died, and another node has dealt with that already.
    DiedAndRecovered,
}

/// A node with a slot. Dropped, it no longer listens; its slot goes with its `KernelNode`, as if it had died. To go in
/// order it has to `leave`.
pub struct Member {
    slot: u32,
    mailbox: Sender<Message>,
    worker: Mutex<Option<JoinHandle<()>>>,
    left: Mutex<Receiver<Result<(), KernelDlmError>>>,
}

impl Member {
    /// Takes a slot of an array that has `slots` of them. Blocks until it has one; closing the node ends that.
    ///
    /// `listener` runs on a thread of the member's own, one event after the other; nodes that are there already are the
    /// first that it hears of.
    ///
    /// # Errors
    /// `NoFreeSlot`; `Failed` with the step that the lock manager refused; `Closed`.
    pub fn join(
        node: Arc<KernelNode>,
        slots: u32,
        listener: impl Fn(MembershipEvent) + Send + 'static,
    ) -> Result<Member, KernelDlmError> {
        let (mailbox, inbox) = channel();
        let sink = Arc::new(Mailbox(mailbox.clone()));
        let mut worker = Worker::new(node, sink, inbox, Box::new(listener));
        let slot = worker.join(slots.min(MOST_SLOTS))?;
        let (done, left) = channel();
        let worker = std::thread::Builder::new()
            .name("dlm membership".to_owned())
            .spawn(move || {
                // Nobody listens any more where the member was dropped.
                let _ = done.send(worker.run());
            })
            .map_err(|error| KernelDlmError::Failed {
                step: "starting a thread",
                errno: error.raw_os_error().unwrap_or(libc::EAGAIN),
            })?;
        Ok(Member {
            slot,
            mailbox,
            worker: Mutex::new(Some(worker)),
            left: Mutex::new(left),
        })
    }

    /// From 0, as md counts.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// Publishes what this node resyncs in the value block of its `bitmapNNNN`: lo and hi, 64 bits each. `tell` hears
    /// `Granted` once it is written, from the member's thread, or `Cancelled` where the node goes first.
    pub fn publish_resync_range(
        &self,
        range: RangeBytes,
        tell: impl FnOnce(Status) + Send + 'static,
    ) {
        let told = Told::new(tell);
        // Sent back by a worker that has ended, it is dropped, and so told.
        let _ = self.mailbox.send(Message::Publish { range, told });
    }

    /// Gives the slot up, so that the others hear `Left`.
    ///
    /// # Errors
    /// `Failed` with ETIMEDOUT where the other nodes do not answer in this time; closing the node then ends all the same.
    pub fn leave(&self, patience: Duration) -> Result<(), KernelDlmError> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        // A worker that has ended hears nothing; its outcome is there.
        let _ = self.mailbox.send(Message::Leave);
        left.recv_timeout(patience)
            .unwrap_or(Err(KernelDlmError::Failed {
                step: "leaving",
                errno: libc::ETIMEDOUT,
            }))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.mailbox.send(Message::Gone);
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The listener may drop the member: its thread cannot wait for itself.
        if let Some(worker) =
            worker.filter(|worker| worker.thread().id() != std::thread::current().id())
        {
            let _ = worker.join();
        }
    }
}

/// Puts callbacks into the worker's inbox. A worker that has ended hears no more.
struct Mailbox(Sender<Message>);

impl Sink for Mailbox {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        let message = match *callback {
            Callback::Ast {
                tag,
                status,
                flags,
                lvb,
                ..
            } => Message::Completion {
                tag,
                status,
                flags,
                lvb: lvb.copied(),
            },
            Callback::Bast { tag, .. } => Message::Blocking { tag },
            _ => return Wake::NotNeeded,
        };
        let _ = self.0.send(message);
        Wake::NotNeeded
    }

    fn gone(&self) {
        let _ = self.0.send(Message::Gone);
    }
}
