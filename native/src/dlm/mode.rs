//! The six lock modes: which go together, which conversions may wait in line, and which way a conversion moves the value
//! block (spec §7.1 to §7.3).

use super::Refusal;

/// A lock mode, by its number in `linux/dlmconstants.h`. No lock at all (IV, −1) is `None` of an `Option<Mode>`.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Null: interest in the resource, no access.
    Nl = 0,
    /// Concurrent read.
    Cr = 1,
    /// Concurrent write.
    Cw = 2,
    /// Protected read.
    Pr = 3,
    /// Protected write.
    Pw = 4,
    /// Exclusive.
    Ex = 5,
}

/// For each mode the modes that it goes together with, one bit each; bit 0 is NL.
const COMPATIBLE: [u8; 6] = [
    0b11_1111, 0b01_1111, 0b00_0111, 0b00_1011, 0b00_0011, 0b00_0001,
];

impl Mode {
    pub const ALL: [Mode; 6] = [Mode::Nl, Mode::Cr, Mode::Cw, Mode::Pr, Mode::Pw, Mode::Ex];

    #[inline]
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Whether two locks may be granted in these modes at once. Symmetric.
    #[inline]
    pub const fn goes_with(self, other: Mode) -> bool {
        COMPATIBLE[self as usize] & other.bit() != 0
    }

    /// The bits of the modes that exclude this one.
    #[inline]
    pub(super) const fn excluded(self) -> u8 {
        !COMPATIBLE[self as usize] & 0b11_1111
    }

    /// Whether a conversion may carry QUECVT: up, or between PR and CW.
    pub(super) fn may_queue_conversion(granted: Option<Mode>, requested: Mode) -> bool {
        match granted {
            None => false,
            Some(granted) => requested > granted || (granted, requested) == (Mode::Pr, Mode::Cw),
        }
    }
}

impl TryFrom<i32> for Mode {
    type Error = Refusal;

    /// # Errors
    /// `Refusal::UnknownMode` (EINVAL) for anything but 0 to 5.
    fn try_from(number: i32) -> Result<Mode, Refusal> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Mode::ALL.get(index).copied())
            .ok_or(Refusal::UnknownMode)
    }
}

/// Which way a completed operation moves the value block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// From the resource to the caller.
    Return,
    /// From the caller to the resource.
    Write,
    Nothing,
}

impl Transfer {
    /// Spec §7.3: a holder of PW or EX writes, except PW→EX; else the block is returned unless the mode goes down.
    #[inline]
    pub(crate) fn of(granted: Option<Mode>, requested: Mode) -> Transfer {
        match granted {
            None => Transfer::Return,
            Some(Mode::Pw) if requested == Mode::Ex => Transfer::Return,
            Some(Mode::Pw | Mode::Ex) => Transfer::Write,
            Some(granted) if requested >= granted => Transfer::Return,
            Some(_) => Transfer::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_spec() {
        let table = ["111111", "111110", "111000", "110100", "110000", "100000"];
        for (row, text) in Mode::ALL.iter().zip(table) {
            for (column, digit) in Mode::ALL.iter().zip(text.chars()) {
                assert_eq!(
                    row.goes_with(*column),
                    digit == '1',
                    "{row:?} with {column:?}"
                );
                assert_eq!(row.excluded() & column.bit() == 0, digit == '1');
            }
        }
    }

    #[test]
    fn the_conversions_that_may_queue() {
        // Rows NL to EX, columns NL to EX.
        let table = ["011111", "001111", "000111", "001011", "000001", "000000"];
        for (row, text) in Mode::ALL.iter().zip(table) {
            for (column, digit) in Mode::ALL.iter().zip(text.chars()) {
                let may = Mode::may_queue_conversion(Some(*row), *column);
                assert_eq!(may, digit == '1', "{row:?} to {column:?}");
            }
        }
        assert!(!Mode::may_queue_conversion(None, Mode::Ex));
    }

    #[test]
    fn the_way_of_the_value_block() {
        let table = ["RRRRRR", "-RRRRR", "--RRRR", "---RRR", "WWWWWR", "WWWWWW"];
        for (row, text) in Mode::ALL.iter().zip(table) {
            for (column, letter) in Mode::ALL.iter().zip(text.chars()) {
                let expected = match letter {
                    'R' => Transfer::Return,
                    'W' => Transfer::Write,
                    _ => Transfer::Nothing,
                };
                assert_eq!(
                    Transfer::of(Some(*row), *column),
                    expected,
                    "{row:?} to {column:?}"
                );
            }
        }
        assert!(
            Mode::ALL
                .iter()
                .all(|mode| Transfer::of(None, *mode) == Transfer::Return)
        );
    }

    #[test]
    fn numbers_outside_are_refused() {
        assert_eq!(Mode::try_from(5), Ok(Mode::Ex));
        for number in [-1, 6, i32::MIN, i32::MAX] {
            assert_eq!(Mode::try_from(number), Err(Refusal::UnknownMode));
        }
    }
}
