//! What the lockspace's device gives to a reader: one `struct dlm_lock_result` (linux/dlm_device.h, interface 6) a read.
//!
//! It is read here and not by libdlm's dispatcher, which drops the mode of a blocking notice and writes into the caller's
//! status block from another thread.

use super::value_block::{KERNEL_LVB_BYTES, KernelLvb};
use crate::dlm::{Mode, StatusFlags};
use std::mem::{offset_of, size_of};

#[repr(C)]
struct RawStatusBlock {
    status: i32,
    lock_id: u32,
    flags: u8,
    value_block: u64,
}

#[repr(C)]
struct RawResult {
    version: [u32; 3],
    length: u32,
    callback: u64,
    parameter: u64,
    user_status_block: u64,
    status_block: RawStatusBlock,
    blocking_mode: u8,
    unused: [u8; 3],
    value_block_offset: u32,
}

const RESULT_BYTES: usize = size_of::<RawResult>();
/// The most that one read gives.
pub const READ_BYTES: usize = RESULT_BYTES + KERNEL_LVB_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The operation ended with this `sb_status`: 0, or a negative errno.
    Completion { status: i32, flags: StatusFlags },
    /// The lock stands in the way of a request in this mode.
    Blocking { mode: Mode },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the request gave as its parameter.
    pub key: u64,
    /// The kernel's id of the lock.
    pub lock_id: u32,
    pub kind: Kind,
    /// The kernel's copy of the value block, where it came along; not always a fresh one.
    pub value_block: Option<KernelLvb>,
}

impl Completion {
    /// From the bytes of one read; none where they are not a result that this interface version knows.
    pub fn from_bytes(bytes: &[u8]) -> Option<Completion> {
        let word = |at: usize| {
            bytes
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(u32::from_ne_bytes)
        };
        let long = |at: usize| {
            bytes
                .get(at..at + 8)?
                .try_into()
                .ok()
                .map(u64::from_ne_bytes)
        };
        if bytes.len() < RESULT_BYTES {
            return None;
        }
        let block = offset_of!(RawResult, status_block);
        let kind = match *bytes.get(offset_of!(RawResult, blocking_mode))? {
            0 => Kind::Completion {
                status: word(block + offset_of!(RawStatusBlock, status))?.cast_signed(),
                flags: StatusFlags(*bytes.get(block + offset_of!(RawStatusBlock, flags))?),
            },
            mode => Kind::Blocking {
                mode: Mode::try_from(i32::from(mode)).ok()?,
            },
        };
        let value_block = match word(offset_of!(RawResult, value_block_offset))? as usize {
            0 => None,
            at => bytes.get(at..at + KERNEL_LVB_BYTES)?.try_into().ok(),
        };
        Some(Completion {
            key: long(offset_of!(RawResult, parameter))?,
            lock_id: word(block + offset_of!(RawStatusBlock, lock_id))?,
            kind,
            value_block,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_a_64_bit_kernel() {
        assert_eq!(RESULT_BYTES, 72);
        assert_eq!(offset_of!(RawResult, status_block), 40);
        assert_eq!(offset_of!(RawResult, blocking_mode), 64);
    }

    #[test]
    fn a_completion_and_a_blocking_notice() {
        let mut bytes = vec![0_u8; READ_BYTES];
        bytes[24..32].copy_from_slice(&77_u64.to_ne_bytes());
        bytes[40..44].copy_from_slice(&(-libc::EAGAIN).to_ne_bytes());
        bytes[44..48].copy_from_slice(&9_u32.to_ne_bytes());
        bytes[48] = 2;
        let completion = Completion {
            key: 77,
            lock_id: 9,
            kind: Kind::Completion {
                status: -libc::EAGAIN,
                flags: StatusFlags(2),
            },
            value_block: None,
        };
        assert_eq!(
            Completion::from_bytes(&bytes[..RESULT_BYTES]),
            Some(completion)
        );
        bytes[68..72].copy_from_slice(&(RESULT_BYTES as u32).to_ne_bytes());
        bytes[RESULT_BYTES..].fill(5);
        let with_block = Completion {
            value_block: Some([5; KERNEL_LVB_BYTES]),
            ..completion
        };
        assert_eq!(Completion::from_bytes(&bytes), Some(with_block));
        bytes[64] = 5;
        let blocking = Completion {
            kind: Kind::Blocking { mode: Mode::Ex },
            ..with_block
        };
        assert_eq!(Completion::from_bytes(&bytes), Some(blocking));
        bytes[64] = 6;
        assert_eq!(Completion::from_bytes(&bytes), None, "no such mode");
        assert_eq!(Completion::from_bytes(&bytes[..71]), None, "too short");
    }
}
