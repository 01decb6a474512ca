//! Unlock and cancel, written to the lockspace's device as libdlm would (linux/dlm_device.h, interface 6).
//!
//! libdlm's own unlock leaves the request's value block as it was on its stack, and the kernel takes that block whatever the
//! flags say: a lock whose last operation moved the block would write rubbish to the resource as it goes (seen with libdlm
//! 4.2 on Linux 6.1).

use super::value_block::KernelLvb;
use std::io;
use std::mem::size_of;
use std::os::fd::RawFd;

const INTERFACE_VERSION: [u32; 3] = [6, 0, 0];
/// DLM_USER_UNLOCK.
const UNLOCK: u8 = 2;

/// `struct dlm_write_request` with `struct dlm_lock_params` in it.
#[repr(C)]
struct RawRequest {
    version: [u32; 3],
    command: u8,
    is_64_bit: u8,
    unused: [u8; 2],
    mode: u8,
    name_length: u8,
    unused_too: u16,
    flags: u32,
    lock_id: u32,
    parent: u32,
    transaction: u64,
    timeout: u64,
    /// 0 keeps what the request gave.
    completion_parameter: u64,
    completion_callback: u64,
    blocking_parameter: u64,
    blocking_callback: u64,
    status_block: u64,
    value_block: KernelLvb,
}

/// Asks for the end of a lock; with CANCEL, of its outstanding operation.
///
/// # Errors
/// The errno; then no callback comes.
pub fn unlock(device: RawFd, lock_id: u32, flags: u32, value_block: &KernelLvb) -> Result<(), i32> {
    let request = RawRequest {
        version: INTERFACE_VERSION,
        command: UNLOCK,
        is_64_bit: u8::from(size_of::<usize>() == 8),
        unused: [0; 2],
        mode: 0,
        name_length: 0,
        unused_too: 0,
        flags,
        lock_id,
        parent: 0,
        transaction: 0,
        timeout: 0,
        completion_parameter: 0,
        completion_callback: 0,
        blocking_parameter: 0,
        blocking_callback: 0,
        status_block: 0,
        value_block: *value_block,
    };
    let bytes = size_of::<RawRequest>();
    // Sound: the request is plain bytes of that length, without padding.
    if unsafe { libc::write(device, (&raw const request).cast(), bytes) } < 0 {
        return Err(io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EIO));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    #[test]
    fn the_bytes_are_those_of_the_kernels_structure() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        unlock(writer.as_raw_fd(), 0x0102_0304, 0x8, &[9; 32]).expect("written");
        drop(writer);
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("read");
        assert_eq!(bytes.len(), 120);
        assert_eq!(bytes[12..14], [UNLOCK, 1]);
        assert_eq!(bytes[20..24], 0x8_u32.to_ne_bytes());
        assert_eq!(bytes[24..28], 0x0102_0304_u32.to_ne_bytes());
        assert_eq!(bytes[88..], [9; 32]);
    }

    #[test]
    fn a_closed_device_gives_its_errno() {
        assert_eq!(unlock(-1, 1, 0, &[0; 32]), Err(libc::EBADF));
    }
}
