//! Why the kernel's lock manager cannot be used here, each with what to do about it.

use std::fmt;

/// A lockspace that could not be opened or released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelDlmError {
    /// No libdlm that the loader finds; what it said.
    NoLibrary {
        said: String,
    },
    /// A libdlm without a function that every version since 4 has.
    OldLibrary {
        missing: String,
    },
    /// The kernel's DLM is not loaded, or its device has no node where libdlm looks.
    NoControlDevice,
    /// The device is there and may not be opened.
    NotPermitted {
        errno: i32,
    },
    /// No cluster manager has told the kernel's DLM of any node.
    NotJoined,
    /// The kernel itself has this array running: its lockspace has the array's UUID as name.
    ArrayIsRunning {
        lockspace: String,
    },
    LockspaceName {
        name: String,
    },
    /// Every slot of the array is held by another node.
    NoFreeSlot {
        slots: u32,
    },
    /// A step failed with this errno.
    Failed {
        step: &'static str,
        errno: i32,
    },
    /// The node was closed while it waited.
    Closed,
}

impl KernelDlmError {
    /// Kebab-case and stable.
    pub const fn code(&self) -> &'static str {
        match self {
            KernelDlmError::NoLibrary { .. } => "dlm-library-missing",
            KernelDlmError::OldLibrary { .. } => "dlm-library-too-old",
            KernelDlmError::NoControlDevice => "dlm-device-missing",
            KernelDlmError::NotPermitted { .. } => "dlm-not-permitted",
            KernelDlmError::NotJoined => "dlm-cluster-not-joined",
            KernelDlmError::ArrayIsRunning { .. } => "dlm-array-is-running",
            KernelDlmError::LockspaceName { .. } => "dlm-lockspace-name",
            KernelDlmError::NoFreeSlot { .. } => "dlm-no-free-slot",
            KernelDlmError::Failed { .. } => "dlm-failed",
            KernelDlmError::Closed => "dlm-closed",
        }
    }

    pub const fn remedy(&self) -> &'static str {
        match self {
            KernelDlmError::NoLibrary { .. } | KernelDlmError::OldLibrary { .. } => {
                "install libdlm 4 or newer (Debian: apt install libdlm3; Fedora: dnf install dlm-lib; SUSE: zypper install libdlm)"
            }
            KernelDlmError::NoControlDevice => {
                "load the module (modprobe dlm); where udev does not run, make the node: mkdir -p /dev/misc && ln -s ../dlm-control /dev/misc/dlm-control"
            }
            KernelDlmError::NotPermitted { .. } => "run as root",
            KernelDlmError::NotJoined => {
                "start corosync and dlm_controld on every machine, and wait until dlm_tool status lists them all (Debian: apt install corosync dlm-controld)"
            }
            KernelDlmError::ArrayIsRunning { .. } => {
                "stop the array on this machine (mdadm --stop), or use other members"
            }
            KernelDlmError::LockspaceName { .. } => "use the array's UUID",
            KernelDlmError::NoFreeSlot { .. } => {
                "use an array with more nodes, or end slotmark on another machine"
            }
            KernelDlmError::Failed { .. } => {
                "see the kernel's log and dlm_tool status; is dlm_controld running? A killed slotmark leaves its lockspace joined: dlm_tool ls names it, dlm_tool leave NAME gives it up"
            }
            KernelDlmError::Closed => "open the lockspace again",
        }
    }
}

impl fmt::Display for KernelDlmError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KernelDlmError::NoLibrary { said } => write!(out, "libdlm was not found: {said}"),
            KernelDlmError::OldLibrary { missing } => write!(out, "libdlm has no {missing}"),
            KernelDlmError::NoControlDevice => {
                write!(
                    out,
                    "/dev/misc/dlm-control is not there: the kernel's DLM is not loaded"
                )
            }
            KernelDlmError::NotPermitted { errno } => write!(
                out,
                "/dev/misc/dlm-control cannot be opened: {}",
                std::io::Error::from_raw_os_error(*errno)
            ),
            KernelDlmError::NotJoined => {
                write!(
                    out,
                    "this machine has not joined a cluster: the kernel's DLM knows no nodes"
                )
            }
            KernelDlmError::ArrayIsRunning { lockspace } => {
                write!(
                    out,
                    "the array runs in the kernel, under its lockspace {lockspace}"
                )
            }
            KernelDlmError::LockspaceName { name } => {
                write!(
                    out,
                    "{name:?} cannot name a lockspace: 1 to 64 bytes, no slash"
                )
            }
            KernelDlmError::NoFreeSlot { slots } => {
                write!(
                    out,
                    "all {slots} slots of the array are held by other nodes"
                )
            }
            KernelDlmError::Failed { step, errno } => {
                write!(out, "{step}: {}", std::io::Error::from_raw_os_error(*errno))
            }
            KernelDlmError::Closed => {
                write!(out, "the lockspace was closed while it was waited for")
            }
        }
    }
}

impl std::error::Error for KernelDlmError {}
