//! The message channel on the embedded lock manager.

mod cancelling;
mod cluster;
mod deaths;
mod golden;
mod joining;
mod original;
mod stress;
mod timeouts;
