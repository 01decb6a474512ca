//! What the channel asks of a lock manager: four operations and a sink for callbacks. Nothing else of it is used.

use crate::dlm::{Flags, LockId, Node, Refusal, Request, Sink};
use crate::kernel_dlm::KernelNode;
use std::sync::Arc;

/// A node's access to a lock manager. Operations return at once; outcomes come to the lock's sink, one completion for
/// each operation that was not refused (none for a cancel that finds nothing to cancel).
pub trait LockBackend: Send + Sync {
    /// A new lock; the number names it from now on.
    ///
    /// # Errors
    /// The lock manager's refusal; then no completion comes.
    fn request(
        &self,
        name: &str,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<u64, Refusal>;

    /// # Errors
    /// As `request`.
    fn convert(&self, lock: u64, request: &Request<'_>) -> Result<(), Refusal>;

    /// # Errors
    /// As `request`.
    fn unlock(&self, lock: u64, flags: Flags) -> Result<(), Refusal>;

    /// # Errors
    /// As `request`.
    fn cancel(&self, lock: u64) -> Result<(), Refusal>;
}

impl LockBackend for Node {
    fn request(
        &self,
        name: &str,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<u64, Refusal> {
        self.lock_with(name.as_bytes(), 0, request, sink)
            .map(LockId::to_bits)
    }

    fn convert(&self, lock: u64, request: &Request<'_>) -> Result<(), Refusal> {
        Node::convert(self, LockId::from_bits(lock), request)
    }

    fn unlock(&self, lock: u64, flags: Flags) -> Result<(), Refusal> {
        Node::unlock(self, LockId::from_bits(lock), flags, None)
    }

    fn cancel(&self, lock: u64) -> Result<(), Refusal> {
        Node::cancel(self, LockId::from_bits(lock))
    }
}

impl LockBackend for KernelNode {
    fn request(
        &self,
        name: &str,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<u64, Refusal> {
        self.lock_with(name.as_bytes(), 0, request, sink)
            .map(LockId::to_bits)
    }

    fn convert(&self, lock: u64, request: &Request<'_>) -> Result<(), Refusal> {
        KernelNode::convert(self, LockId::from_bits(lock), request)
    }

    fn unlock(&self, lock: u64, flags: Flags) -> Result<(), Refusal> {
        KernelNode::unlock(self, LockId::from_bits(lock), flags, None)
    }

    fn cancel(&self, lock: u64) -> Result<(), Refusal> {
        KernelNode::cancel(self, LockId::from_bits(lock))
    }
}
