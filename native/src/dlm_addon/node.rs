//! One node of a lockspace, owned by the JavaScript thread that joined it.

use super::exit_hook::{ExitHook, Leaves};
use super::mailbox::Mailbox;
use super::place::Place;
use super::{record, refused};
use crate::channel::LockBackend;
use crate::dlm::{Event, Flags, LockId, Lockspace, Lvb, Mode, Refusal, Request, Sink, lvb_from};
use napi::bindgen_prelude::{Env, Function, Int32ArraySlice, JsValue, ObjectFinalize};
use napi::sys;
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// A node that other threads see as well: lock holders deliver to its mailbox, its environment's end takes it away.
struct Member {
    place: Place,
    mailbox: Arc<Mailbox>,
    dies_with_environment: bool,
}

impl Leaves for Member {
    fn environment_gone(&self) {
        self.mailbox.notifier.close();
        self.place.abandon(self.dies_with_environment);
    }
}

/// `DlmNode` of the addon. All methods belong to the thread that constructed it.
///
/// Locks are named by id in two words; `record` is at least one record of `record.rs` long and gets the operation's
/// completion where it came within the call.
#[napi(custom_finalize)]
pub struct DlmNode {
    member: Arc<Member>,
    exit_hook: ExitHook<Member>,
}

impl ObjectFinalize for DlmNode {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.exit_hook.remove(&env);
        self.member.mailbox.notifier.close();
        // Collected: it has left, whatever its environment's end would have been.
        self.member.place.abandon(false);
        Ok(())
    }
}

#[napi]
impl DlmNode {
    /// Joins the process's lockspace of this name. `notify` is called without arguments when `drain` has something to give
    /// that no operation returned; it must not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        lockspace: String,
        node: u32,
        dies_with_environment: bool,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<DlmNode> {
        let mailbox = Arc::new(Mailbox::default());
        let lockspace = Lockspace::open(&lockspace).map_err(refused)?;
        let joined = lockspace.join(node, mailbox.clone()).map_err(refused)?;
        let place = Place::Embedded(Arc::new(joined));
        DlmNode::attach(&env, place, mailbox, dies_with_environment, notify.raw())
    }

    /// From 1.
    #[napi(getter)]
    pub fn slot(&self) -> u32 {
        self.member.place.slot()
    }

    /// Requests a lock; its id is written into the record. Returns whether the completion came within the call.
    ///
    /// # Errors
    /// A refusal, as `super::refused` writes it; so for every operation below.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)] // one for each of dlm_lock's
    pub fn request(
        &self,
        mut record: Int32ArraySlice<'_>,
        name: String,
        tag: f64,
        mode: i32,
        flags: u32,
        lvb: Option<&[u8]>,
        blocking_callbacks: bool,
    ) -> napi::Result<bool> {
        let lvb = value_block(lvb)?;
        let asked = asked(mode, flags, lvb.as_ref(), blocking_callbacks)?;
        let sink: Arc<dyn Sink> = self.member.mailbox.clone();
        self.operate(words(&mut record), tag as u64, |place| {
            place.lock(&name, tag as u64, &asked, sink).map(Some)
        })
    }

    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn convert(
        &self,
        mut record: Int32ArraySlice<'_>,
        lock_low: u32,
        lock_high: u32,
        tag: f64,
        mode: i32,
        flags: u32,
        lvb: Option<&[u8]>,
        blocking_callbacks: bool,
    ) -> napi::Result<bool> {
        let lvb = value_block(lvb)?;
        let asked = asked(mode, flags, lvb.as_ref(), blocking_callbacks)?;
        self.operate(words(&mut record), tag as u64, |place| {
            place
                .convert(lock_id(lock_low, lock_high), &asked)
                .map(|()| None)
        })
    }

    #[napi(catch_unwind)]
    pub fn unlock(
        &self,
        mut record: Int32ArraySlice<'_>,
        lock_low: u32,
        lock_high: u32,
        tag: f64,
        flags: u32,
        lvb: Option<&[u8]>,
    ) -> napi::Result<bool> {
        let lvb = value_block(lvb)?;
        self.operate(words(&mut record), tag as u64, |place| {
            let lock = lock_id(lock_low, lock_high);
            place
                .unlock(lock, Flags(flags), lvb.as_ref())
                .map(|()| None)
        })
    }

    #[napi(catch_unwind)]
    pub fn cancel(
        &self,
        mut record: Int32ArraySlice<'_>,
        lock_low: u32,
        lock_high: u32,
        tag: f64,
    ) -> napi::Result<bool> {
        self.operate(words(&mut record), tag as u64, |place| {
            place.cancel(lock_id(lock_low, lock_high)).map(|()| None)
        })
    }

    /// The 16 bytes of the own slot's resync range, on the kernel's lock manager, which keeps that lock to itself. A
    /// completion of this tag, without a mode, says that it is written.
    ///
    /// # Errors
    /// EINVAL for another length, ENOENT on the embedded lock manager, ESHUTDOWN.
    #[napi(catch_unwind)]
    pub fn publish_resync_range(&self, tag: f64, range: &[u8]) -> napi::Result<()> {
        let range = range.try_into().map_err(|_| refused(Refusal::LvbLength))?;
        let Member { place, mailbox, .. } = &*self.member;
        place
            .publish_resync_range(tag as u64, range, mailbox)
            .map_err(refused)
    }

    /// Writes waiting callbacks into the records, oldest first; returns how many.
    #[napi(catch_unwind)]
    pub fn drain(&self, mut records: Int32ArraySlice<'_>) -> u32 {
        let mut rest = words(&mut records).chunks_exact_mut(record::WORDS);
        let mut count = 0;
        self.member.mailbox.drain(|event| {
            let Some(record) = rest.next() else {
                return false;
            };
            record::write(record, event);
            count += 1;
            true
        });
        count
    }

    /// Sleeps until `drain` has something or the node is gone, at most this long. The caller comes back often: only between
    /// two calls does Node notice that its thread is to be terminated.
    #[napi(catch_unwind)]
    pub fn wait(&self, at_most_ms: f64) -> bool {
        let at_most = Duration::try_from_secs_f64(at_most_ms / 1e3).unwrap_or_default();
        self.member.mailbox.wait(at_most)
    }

    /// Whether the event loop has to go on for this node's callbacks.
    #[napi(catch_unwind)]
    pub fn keep_alive(&self, env: Env, alive: bool) {
        self.member.mailbox.notifier.keep_alive(&env, alive);
    }

    /// Whether the node has left or died.
    #[napi(getter)]
    pub fn gone(&self) -> bool {
        self.member.mailbox.is_gone()
    }

    /// On the kernel's lock manager it is over when `gone` turns true, of which `notify` tells.
    #[napi(catch_unwind)]
    pub fn leave(&self, force: bool) -> napi::Result<()> {
        let Member { place, mailbox, .. } = &*self.member;
        place.leave(force, mailbox).map_err(refused)
    }

    /// No callback is wanted any more.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) {
        self.exit_hook.remove(&env);
        self.member.mailbox.notifier.close();
    }

    /// Node and slot of every member, in turns, in the order of slots.
    #[napi(catch_unwind)]
    pub fn members(&self) -> Vec<u32> {
        self.member.place.members().into_flattened()
    }

    /// Declares nodes of the same lockspace dead, all at once.
    #[napi(catch_unwind)]
    pub fn declare_dead(&self, nodes: Vec<u32>) -> napi::Result<()> {
        self.member.place.declare_dead(&nodes).map_err(refused)
    }

    fn operate(
        &self,
        record: &mut [i32],
        tag: u64,
        operation: impl FnOnce(&Place) -> Result<Option<LockId>, Refusal>,
    ) -> napi::Result<bool> {
        if record.len() < record::WORDS {
            return Err(napi::Error::from_reason("record too short"));
        }
        record::clear(record);
        self.member.mailbox.begin_operation();
        let outcome = operation(&self.member.place);
        let completion: Option<Event> = self.member.mailbox.end_operation(tag);
        if let Some(event) = &completion {
            record::write(record, event);
        }
        if let Some(lock) = outcome.map_err(refused)? {
            record::write_lock(record, lock);
        }
        Ok(completion.is_some())
    }
}

/// TypeScript keeps one array for this and lets nothing else see it.
fn words<'a>(array: &'a mut Int32ArraySlice<'_>) -> &'a mut [i32] {
    unsafe { array.as_mut() }
}

impl DlmNode {
    /// A node that has its place; it goes with its environment from now on.
    pub(super) fn attach(
        env: &Env,
        place: Place,
        mailbox: Arc<Mailbox>,
        dies_with_environment: bool,
        notify: sys::napi_value,
    ) -> napi::Result<DlmNode> {
        mailbox.notifier.open(env, notify)?;
        let member = Arc::new(Member {
            place,
            mailbox,
            dies_with_environment,
        });
        let exit_hook = ExitHook::register(env, Arc::clone(&member))?;
        // What came before the notifier was there: its own join at least.
        member.mailbox.notifier.notify();
        Ok(DlmNode { member, exit_hook })
    }

    /// For a channel of this node; once the node is gone all of its waits end.
    pub(super) fn backend(&self) -> Arc<dyn LockBackend> {
        self.member.place.backend()
    }
}

fn value_block(bytes: Option<&[u8]>) -> napi::Result<Option<Lvb>> {
    bytes.map(lvb_from).transpose().map_err(refused)
}

/// What JavaScript asks for. Not `Request::lvb`: VALBLK is the caller's to set.
fn asked(
    mode: i32,
    flags: u32,
    lvb: Option<&Lvb>,
    blocking_callbacks: bool,
) -> napi::Result<Request<'_>> {
    Ok(Request {
        mode: Mode::try_from(mode).map_err(refused)?,
        flags: Flags(flags),
        lvb,
        blocking_callbacks,
    })
}

fn lock_id(low: u32, high: u32) -> LockId {
    LockId::from_bits(u64::from(high) << 32 | u64::from(low))
}
