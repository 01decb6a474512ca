//! The value block of `bitmapNNNN`: md's resync range (spec §4.1), and behind it who holds the slot and how it went.

use crate::dlm::{Lvb, StatusFlags};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    InUse = 1,
    Left = 2,
    Recovered = 3,
}

/// lo and hi, 64 bits each: the array sectors that the holder resyncs. Nothing here reads them.
pub type RangeBytes = [u8; 16];
pub const NO_RANGE: RangeBytes = [0; 16];

const RANGE: std::ops::Range<usize> = 0..16;
const NODE: std::ops::Range<usize> = 16..20;
const STATE: usize = 20;

/// What a holder writes. `node` is its number in the cluster.
pub fn record(range: &RangeBytes, node: u32, state: State) -> Lvb {
    let mut lvb = [0; 64];
    lvb[RANGE].copy_from_slice(range);
    lvb[NODE].copy_from_slice(&node.to_le_bytes());
    lvb[STATE] = state as u8;
    lvb
}

/// What the next holder finds, and the number of the node that wrote it (0 where none did).
///
/// A dead node's block may be marked as invalid, or be lost with the machine that kept it: both are `InUse` to the next one.
pub fn read(lvb: Option<&Lvb>, flags: StatusFlags) -> (u32, State) {
    let Some(lvb) = lvb else {
        return (0, State::InUse);
    };
    let node = u32::from_le_bytes([lvb[16], lvb[17], lvb[18], lvb[19]]);
    let state = match lvb[STATE] {
        _ if flags.has(StatusFlags::VALNOTVALID) => State::InUse,
        state if state == State::Left as u8 => State::Left,
        state if state == State::Recovered as u8 => State::Recovered,
        _ => State::InUse,
    };
    (node, state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_valid_and_says_so_went_in_order() {
        for state in [State::InUse, State::Left, State::Recovered] {
            let lvb = record(&[5; 16], 7, state);
            assert_eq!(read(Some(&lvb), StatusFlags::default()), (7, state));
            assert_eq!(
                read(Some(&lvb), StatusFlags::VALNOTVALID),
                (7, State::InUse)
            );
            assert_eq!(lvb[..16], [5; 16]);
            assert!(lvb[32..].iter().all(|byte| *byte == 0));
        }
        assert_eq!(read(None, StatusFlags::default()), (0, State::InUse));
        assert_eq!(
            read(Some(&[0; 64]), StatusFlags::default()),
            (0, State::InUse)
        );
    }
}
