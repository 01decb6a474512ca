//! The addon: kernel calls that Node has none for. One job a file; this one only names them.
//!
//! Nothing here knows md, superblocks or scenarios.

// Under loom only the lock manager itself is built: the others use threads and locks of their own.
#[cfg(not(loom))]
pub mod channel;
pub mod data_extent;
pub mod dlm;
#[cfg(not(loom))]
mod dlm_addon;
pub mod file_lock;
#[cfg(not(loom))]
pub mod io_uring_probe;
#[cfg(not(loom))]
pub mod kernel_dlm;
pub mod library_probe;
#[cfg(not(loom))]
pub mod member_writer;
pub mod open_elsewhere;

/// A failed kernel call as JavaScript sees it: the message ends in `errno N`, for TypeScript to name it.
fn errno_error(error: std::io::Error) -> napi::Error {
    napi::Error::from_reason(format!(
        "{error}, errno {}",
        error.raw_os_error().unwrap_or(0)
    ))
}
