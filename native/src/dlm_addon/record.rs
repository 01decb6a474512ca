//! A callback as JavaScript reads it: 26 words of 32 bits. `src/dlm/record.ts` is the other side.
//!
//! | word | AST | BAST | slot died | recovery done |
//! |---|---|---|---|---|
//! | 0 | 1 | 2 | 4 | 5 (3: recovery begins, and nothing else) |
//! | 1, 2 | tag, low word first | tag | | |
//! | 3 | status as in `sb_status` | | slot | own slot |
//! | 4 | status flags | | node | generation |
//! | 5 | mode held, or −1 | mode asked for | | |
//! | 6 | 1 with a value block | | | |
//! | 8 to 23 | value block | | | |
//! | 24, 25 | lock id, low word first | lock id | | |

use crate::dlm::{Event, LockId};

pub(super) const WORDS: usize = 26;

const TAG: usize = 1;
const STATUS: usize = 3;
const FLAGS: usize = 4;
const MODE: usize = 5;
const HAS_LVB: usize = 6;
const LVB: usize = 8;
const LOCK: usize = 24;

/// No callback: word 0 of a record that holds none.
pub(super) fn clear(record: &mut [i32]) {
    record[0] = 0;
}

pub(super) fn write_lock(record: &mut [i32], lock: LockId) {
    write_u64(record, LOCK, lock.to_bits());
}

/// `record` has at least `WORDS` words.
pub(super) fn write(record: &mut [i32], event: &Event) {
    match event {
        Event::Ast {
            lock,
            tag,
            status,
            flags,
            mode,
            lvb,
        } => {
            record[0] = 1;
            write_u64(record, TAG, *tag);
            record[STATUS] = status.code();
            record[FLAGS] = i32::from(flags.0);
            record[MODE] = mode.map_or(-1, |mode| mode as i32);
            record[HAS_LVB] = i32::from(lvb.is_some());
            for (word, bytes) in lvb.iter().flat_map(|lvb| lvb.chunks_exact(4)).enumerate() {
                record[LVB + word] = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            write_lock(record, *lock);
        }
        Event::Bast { lock, tag, mode } => {
            record[0] = 2;
            write_u64(record, TAG, *tag);
            record[MODE] = *mode as i32;
            write_lock(record, *lock);
        }
        Event::RecoverPrep => record[0] = 3,
        Event::RecoverSlot { slot, node } => {
            record[0] = 4;
            record[STATUS] = *slot as i32;
            record[FLAGS] = *node as i32;
        }
        Event::RecoverDone { slot, generation } => {
            record[0] = 5;
            record[STATUS] = *slot as i32;
            record[FLAGS] = *generation as i32;
        }
    }
}

fn write_u64(record: &mut [i32], word: usize, value: u64) {
    record[word] = value as u32 as i32;
    record[word + 1] = (value >> 32) as u32 as i32;
}
