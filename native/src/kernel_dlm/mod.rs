//! The kernel's own lock manager, for nodes on different machines: fs/dlm through libdlm, which is opened at run time.
//!
//! The same requests, callbacks and refusals as the embedded manager's (`crate::dlm`), whose types it shares; what user
//! space cannot have is said where it differs: no slots and no recovery callbacks (`bitmapNNNN` locks make up for the
//! slots and for the notice of a death), and value blocks of 32 bytes (`value_block` packs 64 into them).

mod completion;
mod delivery;
mod error;
mod library;
mod lock_table;
mod node;
mod prerequisites;
mod reader;
mod unlock;
mod value_block;
mod waker;

pub use error::KernelDlmError;
pub use node::KernelNode;
pub use prerequisites::{Host, lockspace_name};
pub use value_block::{KERNEL_LVB_BYTES, Packing};
