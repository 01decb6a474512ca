//! A node of the kernel's DLM: one open lockspace, its locks, and the thread that reads their callbacks.

use super::library::{Handle, Library, LockCall, StatusBlock};
use super::lock_table::{Known, LockTable};
use super::reader::{deliver_until_called, set_non_blocking};
use super::unlock::unlock;
use super::value_block::Packing;
use super::waker::Waker;
use super::{Host, KernelDlmError, lockspace_name};
use crate::dlm::{Flags, LockId, Lvb, RESOURCE_NAME_BYTES, Refusal, Request, Sink};
use std::ffi::CString;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

/// This process's place in an array's lockspace. All of its threads may use it at once; dropped, its locks go.
///
/// As with the embedded manager an operation returns at once and its outcome comes as a completion, here from a thread of
/// the node's own. While the cluster's membership changes the kernel holds operations back inside of their calls.
pub struct KernelNode {
    name: CString,
    array_uuid: String,
    host: Host,
    machine: u32,
    locks: Arc<LockTable>,
    waker: Arc<Waker>,
    reader: Mutex<Option<JoinHandle<()>>>,
    library: Library,
    /// None once closed. Held for reading during a call, so that no call meets a closed handle.
    handle: RwLock<Option<OpenHandle>>,
}

struct OpenHandle {
    library: Handle,
    device: RawFd,
}

// Sound: libdlm only reads what the handle points to until it is released, which the write lock keeps apart.
unsafe impl Send for OpenHandle {}
unsafe impl Sync for OpenHandle {}

/// Flags that say what becomes of a lock when its process ends: here they go, as in the embedded manager.
const NOT_PASSED_ON: u32 = Flags::PERSISTENT.0 | Flags::ORPHAN.0;

impl KernelNode {
    /// Opens the lockspace of an array, and makes it where this machine has not joined it yet. It blocks until this
    /// machine is in, which takes the cluster a moment.
    ///
    /// # Errors
    /// What is missing, and what to do about it.
    pub fn open(host: &Host, array_uuid: &str) -> Result<KernelNode, KernelDlmError> {
        let library = Library::open(&host.libraries)?;
        host.check(array_uuid)?;
        let name = lockspace_name(array_uuid);
        let name =
            CString::new(name.clone()).map_err(|_| KernelDlmError::LockspaceName { name })?;
        let waker = Arc::new(Waker::new().map_err(failed("eventfd"))?);
        let handle = library.new_lockspace(&name).map_err(|errno| match errno {
            // No daemon listens, or it has given the kernel no address of this machine.
            libc::EUNATCH | libc::ENOTCONN => KernelDlmError::NotJoined,
            libc::EPERM | libc::EACCES => KernelDlmError::NotPermitted { errno },
            _ => KernelDlmError::Failed {
                step: "making the lockspace",
                errno,
            },
        })?;
        // Sound: the handle is open.
        let device = unsafe { library.descriptor(handle) };
        let locks = Arc::new(LockTable::default());
        let reader = set_non_blocking(device)
            .map_err(failed("fcntl"))
            .and_then(|()| {
                let (locks, waker) = (Arc::clone(&locks), Arc::clone(&waker));
                std::thread::Builder::new()
                    .name("dlm callbacks".to_owned())
                    .spawn(move || deliver_until_called(device, &locks, &waker))
                    .map_err(failed("starting a thread"))
            });
        let mut node = KernelNode {
            name,
            array_uuid: array_uuid.to_owned(),
            host: host.clone(),
            machine: host.own_machine(),
            locks,
            waker,
            reader: Mutex::new(None),
            library,
            handle: RwLock::new(Some(OpenHandle {
                library: handle,
                device,
            })),
        };
        // Where it fails, dropping the node releases the lockspace.
        node.reader = Mutex::new(Some(reader?));
        Ok(node)
    }

    pub fn array_uuid(&self) -> &str {
        &self.array_uuid
    }

    /// This machine's number in the cluster.
    pub fn cluster_node(&self) -> u32 {
        self.machine
    }

    /// Whether a machine is a member of the lockspace now.
    pub fn is_machine_member(&self, machine: u32) -> bool {
        self.host.is_machine_member(&self.array_uuid, machine)
    }

    /// Requests a new lock on `name`; its callbacks go to `sink` and carry `tag`.
    ///
    /// # Errors
    /// EINVAL for a name over 64 bytes, flags that do not fit and a value block of which more than 32 bytes matter;
    /// ESHUTDOWN once the node is closed.
    pub fn lock_with(
        &self,
        name: &[u8],
        tag: u64,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<LockId, Refusal> {
        if name.len() > RESOURCE_NAME_BYTES {
            return Err(Refusal::NameTooLong);
        }
        request.check(false)?;
        let packing = Packing::of(name);
        let number = self.locks.add(packing, sink, tag);
        let asked = self.ask(number, name, 0, packing, request, Flags::NONE);
        if asked.is_err() {
            self.locks.forget(number);
        }
        asked.map(|()| LockId::from_bits(number))
    }

    /// Converts a lock to another mode, or the same.
    ///
    /// # Errors
    /// As the embedded manager's: EINVAL, ENOENT, EBUSY, ESHUTDOWN.
    pub fn convert(&self, lock: LockId, request: &Request<'_>) -> Result<(), Refusal> {
        request.check(true)?;
        if lock.is_none() {
            return Err(Refusal::ConvertWithoutLock);
        }
        let known = self.known(lock)?;
        self.ask(
            lock.to_bits(),
            &[],
            known.kernel_id,
            known.packing,
            request,
            Flags::CONVERT,
        )
    }

    /// Gives the lock up; its completion is `Status::Unlocked`. With `lvb` and VALBLK that is what is written where PW or
    /// EX is held; with VALBLK left over from the last operation, what came last.
    ///
    /// # Errors
    /// As the embedded manager's.
    pub fn unlock(&self, lock: LockId, flags: Flags, lvb: Option<&Lvb>) -> Result<(), Refusal> {
        const KNOWN: u32 = Flags::VALBLK.0 | Flags::IVVALBLK.0 | Flags::FORCEUNLOCK.0;
        if flags.0 & !KNOWN != 0 {
            return Err(Refusal::UnlockFlags);
        }
        let known = self.known(lock)?;
        let block = match lvb {
            Some(lvb) => known.packing.pack(lvb)?,
            None => known.value_block,
        };
        // The kernel takes the block of an unlock whatever the flags of this call say.
        let left_over = known.last_flags.0 & Flags::VALBLK.0;
        let flags = Flags(flags.0 | left_over);
        let begun = self.locks.begin(lock.to_bits(), None, flags, None);
        let operation = begun.ok_or(Refusal::UnknownLock)?;
        let asked = self.with_handle(|handle| {
            unlock(handle.device, known.kernel_id, flags.0, &block)
                .map_err(|errno| refusal(errno, Refusal::UnlockFlags))
        });
        if asked.is_err() {
            self.locks.refused(lock.to_bits(), operation);
        }
        asked
    }

    /// Takes back the outstanding operation: its completion is `Status::Cancelled`. With nothing outstanding nothing
    /// happens.
    ///
    /// # Errors
    /// As the embedded manager's.
    pub fn cancel(&self, lock: LockId) -> Result<(), Refusal> {
        let known = self.known(lock)?;
        self.with_handle(|handle| {
            unlock(
                handle.device,
                known.kernel_id,
                Flags::CANCEL.0,
                &known.value_block,
            )
            .map_err(|errno| refusal(errno, Refusal::CancelTwice))
        })
    }

    /// Leaves: all locks go, every sink hears that it is gone, the reading thread ends.
    ///
    /// # Errors
    /// The errno of releasing the lockspace; the node is closed all the same.
    pub fn close(&self) -> Result<(), KernelDlmError> {
        let Some(handle) = self
            .handle
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        else {
            return Ok(());
        };
        self.waker.call();
        let reader = self
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // A sink may hold the last reference: its thread cannot wait for itself, and ends after this.
        if let Some(reader) =
            reader.filter(|reader| reader.thread().id() != std::thread::current().id())
        {
            // A panic of a sink has been reported where it happened.
            let _ = reader.join();
        }
        for sink in self.locks.clear() {
            sink.gone();
        }
        // Sound: nobody else has the handle, and the reader is gone.
        unsafe { self.library.release_lockspace(&self.name, handle.library) }.map_err(|errno| {
            KernelDlmError::Failed {
                step: "releasing the lockspace",
                errno,
            }
        })
    }

    fn known(&self, lock: LockId) -> Result<Known, Refusal> {
        if self
            .handle
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
        {
            return Err(Refusal::NodeGone);
        }
        self.locks.known(lock.to_bits()).ok_or(Refusal::UnknownLock)
    }

    fn ask(
        &self,
        number: u64,
        name: &[u8],
        kernel_id: u32,
        packing: Packing,
        request: &Request<'_>,
        more: Flags,
    ) -> Result<(), Refusal> {
        let value = request.lvb.map(|lvb| packing.pack(lvb)).transpose()?;
        let mut block = value.unwrap_or_default();
        let mut status = status_block(kernel_id, &mut block);
        let flags = Flags((request.flags.0 | more.0) & !NOT_PASSED_ON);
        let call = LockCall {
            mode: request.mode as u32,
            flags: flags.0,
            name,
            key: number,
            blocking_callbacks: request.blocking_callbacks,
        };
        let begun = self.locks.begin(number, Some(request.mode), flags, value);
        let operation = begun.ok_or(Refusal::UnknownLock)?;
        let asked = self.with_handle(|handle| {
            // Sound: the handle is open, the block has its 32 bytes.
            unsafe { self.library.lock(handle.library, &call, &mut status) }
                .map_err(|errno| refusal(errno, invalid_request(flags)))
        });
        match asked {
            Ok(()) => self.locks.accepted(number, operation, status.lock_id),
            Err(_) => self.locks.refused(number, operation),
        }
        asked
    }

    fn with_handle(
        &self,
        call: impl FnOnce(&OpenHandle) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let handle = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        handle.as_ref().map_or(Err(Refusal::NodeGone), call)
    }
}

impl Drop for KernelNode {
    fn drop(&mut self) {
        // A lockspace that cannot be released stays joined; the locks are gone with the handle.
        let _ = self.close();
    }
}

fn status_block(lock_id: u32, block: &mut [u8; 32]) -> StatusBlock {
    StatusBlock {
        status: 0,
        lock_id,
        flags: 0,
        value_block: block.as_mut_ptr().cast(),
    }
}

/// What EINVAL means for a request that has passed our own checks.
const fn invalid_request(flags: Flags) -> Refusal {
    if flags.has(Flags::QUECVT) {
        Refusal::QueueConversionModes
    } else {
        Refusal::UnknownLock
    }
}

const fn refusal(errno: i32, invalid: Refusal) -> Refusal {
    match errno {
        libc::EINVAL => invalid,
        libc::EBUSY => Refusal::OperationOutstanding,
        libc::ENOENT => Refusal::UnknownLock,
        libc::ENOMEM | libc::ENOSPC => Refusal::TooMany,
        _ => Refusal::NodeGone,
    }
}

fn failed(step: &'static str) -> impl Fn(io::Error) -> KernelDlmError {
    move |error| KernelDlmError::Failed {
        step,
        errno: error.raw_os_error().unwrap_or(libc::EIO),
    }
}
