//! The value block in user space has 32 bytes, the cluster's messages are laid out in 64: how one becomes the other.

use crate::dlm::{Lvb, Refusal};
use std::ops::Range;

/// DLM_USER_LVB_LEN.
pub const KERNEL_LVB_BYTES: usize = 32;
pub type KernelLvb = [u8; KERNEL_LVB_BYTES];

/// How the 64 bytes of a resource's value block are put into 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// The first 32 bytes; the others must be zero.
    Head,
    /// A message: type, slot, and either a range (low, high) or a device (uuid, raid slot), never both. 28 bytes and a
    /// byte that says which.
    Message,
}

/// type and slot.
const HEAD: Range<usize> = 0..8;
const RANGE: Range<usize> = 8..24;
const DEVICE: Range<usize> = 24..44;
const REST: Range<usize> = 44..64;
const FORM: usize = 28;
const FORM_RANGE: u8 = 0;
const FORM_DEVICE: u8 = 1;

impl Packing {
    /// Messages travel in the resource of that name (spec §4.1); no other has more than 32 bytes to say.
    pub fn of(resource: &[u8]) -> Packing {
        if resource == b"message" {
            Packing::Message
        } else {
            Packing::Head
        }
    }

    /// # Errors
    /// `LvbLength` for a block that needs more than 32 bytes.
    pub fn pack(self, lvb: &Lvb) -> Result<KernelLvb, Refusal> {
        let mut packed = [0; KERNEL_LVB_BYTES];
        let is_zero = |range: Range<usize>| lvb[range].iter().all(|byte| *byte == 0);
        match self {
            Packing::Head if is_zero(KERNEL_LVB_BYTES..64) => {
                packed.copy_from_slice(&lvb[..KERNEL_LVB_BYTES]);
            }
            Packing::Message if is_zero(REST) && (is_zero(RANGE) || is_zero(DEVICE)) => {
                packed[HEAD].copy_from_slice(&lvb[HEAD]);
                let (from, form) = if is_zero(DEVICE) {
                    (RANGE, FORM_RANGE)
                } else {
                    (DEVICE, FORM_DEVICE)
                };
                packed[HEAD.end..HEAD.end + from.len()].copy_from_slice(&lvb[from]);
                packed[FORM] = form;
            }
            Packing::Head | Packing::Message => return Err(Refusal::LvbLength),
        }
        Ok(packed)
    }

    pub fn unpack(self, packed: &KernelLvb) -> Lvb {
        let mut lvb = [0; 64];
        match self {
            Packing::Head => lvb[..KERNEL_LVB_BYTES].copy_from_slice(packed),
            Packing::Message => {
                let to = if packed[FORM] == FORM_DEVICE {
                    DEVICE
                } else {
                    RANGE
                };
                lvb[HEAD].copy_from_slice(&packed[HEAD]);
                let length = to.len();
                lvb[to].copy_from_slice(&packed[HEAD.end..HEAD.end + length]);
            }
        }
        lvb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(ranges: &[Range<usize>]) -> Lvb {
        let mut lvb = [0; 64];
        for range in ranges {
            for at in range.clone() {
                lvb[at] = at as u8 + 1;
            }
        }
        lvb
    }

    #[test]
    fn every_kind_of_message_comes_back() {
        let messages = [
            filled(&[]),
            filled(&[HEAD, 0..0]),
            filled(&[HEAD, RANGE]),
            filled(&[HEAD, DEVICE]),
            filled(&[HEAD, 40..44]),
            filled(&[DEVICE, 0..0]),
        ];
        for lvb in messages {
            let packed = Packing::Message.pack(&lvb).expect("fits");
            assert_eq!(Packing::Message.unpack(&packed), lvb);
            assert!(packed[FORM + 1..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn the_head_comes_back() {
        let lvb = filled(&[0..32, 0..0]);
        assert_eq!(
            Packing::Head.unpack(&Packing::Head.pack(&lvb).expect("fits")),
            lvb
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(
            Packing::Message.pack(&filled(&[RANGE, DEVICE])),
            Err(Refusal::LvbLength)
        );
        assert_eq!(
            Packing::Message.pack(&filled(&[HEAD, 60..61])),
            Err(Refusal::LvbLength)
        );
        assert_eq!(
            Packing::Head.pack(&filled(&[HEAD, 32..33])),
            Err(Refusal::LvbLength)
        );
    }

    #[test]
    fn messages_travel_in_message() {
        assert_eq!(Packing::of(b"message"), Packing::Message);
        assert_eq!(Packing::of(b"bitmap0000"), Packing::Head);
    }
}
