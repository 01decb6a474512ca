//! The lock value block: 64 bytes that travel with the locks of a resource.

use super::Refusal;

/// Bytes of a lock value block, as md-cluster's lockspaces have it.
pub const LVB_BYTES: usize = 64;

/// A lock value block.
pub type Lvb = [u8; LVB_BYTES];

/// A value block from bytes of unknown length.
///
/// # Errors
/// `Refusal::LvbLength` (EINVAL) for anything but 64 bytes.
pub fn lvb_from(bytes: &[u8]) -> Result<Lvb, Refusal> {
    Lvb::try_from(bytes).map_err(|_| Refusal::LvbLength)
}
