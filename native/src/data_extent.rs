//! Where a sparse file holds data: the next extent that is no hole (lseek(2), SEEK_DATA and SEEK_HOLE).

use napi_derive::napi;
use std::io;

/// Half-open: bytes `start` to `end` − 1. What lies between the question's offset and `start` is a hole, which reads as
/// zeros.
#[napi(object)]
#[derive(Debug, PartialEq)]
pub struct DataExtent {
    pub start: i64,
    pub end: i64,
}

/// The first data at or behind `offset`; `None` where only a hole follows, or the file's end. Moves the descriptor's
/// file position. What cannot be asked (a block device, a filesystem that does not tell) counts as data throughout.
///
/// # Errors
/// The errno of lseek, EINVAL aside.
pub fn next_data(descriptor: i32, offset: i64) -> io::Result<Option<DataExtent>> {
    let start = match seek(descriptor, offset, libc::SEEK_DATA) {
        Ok(start) => start,
        Err(error) => {
            return match error.raw_os_error() {
                Some(libc::ENXIO) => Ok(None),
                Some(libc::EINVAL) => Ok(Some(DataExtent {
                    start: offset,
                    end: i64::MAX,
                })),
                _ => Err(error),
            };
        }
    };
    let end = seek(descriptor, start, libc::SEEK_HOLE)?;
    Ok(Some(DataExtent { start, end }))
}

fn seek(descriptor: i32, offset: i64, whence: i32) -> io::Result<i64> {
    match unsafe { libc::lseek(descriptor, offset, whence) } {
        -1 => Err(io::Error::last_os_error()),
        position => Ok(position),
    }
}

#[napi(js_name = "nextData")]
pub fn next_data_of(descriptor: i32, offset: i64) -> napi::Result<Option<DataExtent>> {
    next_data(descriptor, offset).map_err(crate::errno_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::FileExt;

    #[test]
    fn data_is_found_behind_a_hole_and_nothing_behind_the_last() {
        let path = std::env::temp_dir().join(format!("slotmark-extent-{}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .expect("opens");
        file.set_len(1 << 30).expect("grows");
        assert_eq!(next_data(file.as_raw_fd(), 0).expect("asks"), None);
        file.write_all_at(&[1; 4096], 1 << 29).expect("writes");
        let extent = next_data(file.as_raw_fd(), 5).expect("asks").expect("data");
        // A filesystem may count more around the written bytes as data, never less.
        assert!(extent.start > 5 && extent.start <= 1 << 29);
        assert!(extent.end >= (1 << 29) + 4096 && extent.end < 1 << 30);
        assert_eq!(next_data(file.as_raw_fd(), extent.end).expect("asks"), None);
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn what_is_not_open_is_an_error() {
        assert!(next_data(-1, 0).is_err());
    }
}
