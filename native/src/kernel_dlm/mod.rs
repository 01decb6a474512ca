//! The kernel's own lock manager, for nodes on different machines: fs/dlm through libdlm, which is opened at run time.
//!
//! The same requests, callbacks and refusals as the embedded manager's (`crate::dlm`), whose types it shares; what user
//! space cannot have is said where it differs: no slots and no recovery callbacks (`membership` makes up for the slots
//! and for the notice of a death), and value blocks of 32 bytes (`value_block` packs 64 into them). A resource whose value
//! block was never written gives zeros to its readers, where the embedded manager says that there is none.

mod completion;
mod delivery;
mod error;
mod library;
mod lock_table;
mod membership;
mod membership_worker;
mod node;
mod prerequisites;
mod reader;
mod slot_record;
mod unlock;
mod value_block;
mod waker;

pub use error::KernelDlmError;
pub use membership::{Departure, Member, MembershipEvent};
pub use node::KernelNode;
pub use prerequisites::{Host, lockspace_name};
pub use value_block::{KERNEL_LVB_BYTES, Packing};
