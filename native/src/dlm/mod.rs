//! The embedded lock manager: what fs/dlm does between nodes, inside one process and shared by all of its threads.
//!
//! Six modes, conversions in place and queued, value blocks, blocking callbacks, deadlock detection, nodes that join,
//! leave and die. No napi here, no clock, no I/O; `cargo test` runs all of it without Node.
//!
//! ```
//! use slotmark_native::dlm::{CallbackQueue, Event, Flags, Lockspace, Mode, Request, Status, Wait, Waited};
//!
//! let lockspace = Lockspace::open("array")?;
//! let queue = CallbackQueue::new();
//! let node = lockspace.join(1, queue.clone())?; // the queue now holds Event::RecoverDone { slot: 1, .. }
//! let token = node.lock(b"token", 7, &Request::new(Mode::Nl).flags(Flags::EXPEDITE))?;
//! node.convert(token, &Request::new(Mode::Ex))?;
//! while let Waited::Event(event) = queue.wait(Wait::default()) {
//!     if let Event::Ast { tag: 7, status: Status::Granted, mode: Some(Mode::Ex), .. } = event {
//!         break;
//!     }
//! }
//! node.unlock(token, Flags::NONE, None)?;
//! # Ok::<(), slotmark_native::dlm::Refusal>(())
//! ```
//!
//! Semantics: spec §7 of md-cluster, in turn fs/dlm/lock.c. How it is kept fast: a lock's id leads to its resource without
//! a look-up, a resource has one small lock of its own, a conversion allocates nothing, and the usual one is done in a
//! single pass (`unopposed.rs`).

mod callback;
mod callback_queue;
mod flags;
mod grant;
mod holders;
mod lock_id;
mod lockspace;
mod lvb;
mod mode;
mod node;
mod operations;
mod queue;
mod recovery;
mod refusal;
mod resource;
mod resource_table;
mod sync;
mod unopposed;

pub use callback::{Callback, Sink, Status, Wake};
pub use callback_queue::{CallbackQueue, Event, Wait, Waited};
pub use flags::{Flags, StatusFlags};
pub use lock_id::LockId;
pub use lockspace::{Deaf, Lockspace, MemberSlot};
pub use lvb::{LVB_BYTES, Lvb, lvb_from};
pub use mode::Mode;
pub(crate) use mode::Transfer;
pub use node::{Node, RESOURCE_NAME_BYTES};
pub use operations::Request;
pub use refusal::Refusal;
