//! What must be there before the kernel's DLM can be used. Looked for first, since without a cluster manager the kernel
//! would wait for one inside a system call that nothing ends.

use super::KernelDlmError;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Where things are on this machine; other places are for tests.
#[derive(Clone, Debug)]
pub struct Host {
    /// The first that loads is used. The light one has no threads of its own, which is what is wanted here.
    pub libraries: Vec<String>,
    pub control_device: PathBuf,
    /// Holds a folder for each node that a cluster manager has announced.
    pub announced_nodes: PathBuf,
    /// Holds a folder for each lockspace of the cluster manager, with a folder for each of its machines.
    pub announced_lockspaces: PathBuf,
    /// Holds a folder for each lockspace of this machine.
    pub lockspaces: PathBuf,
}

impl Default for Host {
    fn default() -> Host {
        Host {
            libraries: vec!["libdlm_lt.so.3".to_owned(), "libdlm.so.3".to_owned()],
            control_device: "/dev/misc/dlm-control".into(),
            announced_nodes: "/sys/kernel/config/dlm/cluster/comms".into(),
            announced_lockspaces: "/sys/kernel/config/dlm/cluster/spaces".into(),
            lockspaces: "/sys/kernel/dlm".into(),
        }
    }
}

/// The lockspace of an array: never the kernel's own, which has the UUID alone as its name.
pub fn lockspace_name(array_uuid: &str) -> String {
    format!("slotmark-{array_uuid}")
}

impl Host {
    /// # Errors
    /// The first thing that is missing: device, permission, cluster; or the array that runs in the kernel.
    pub fn check(&self, array_uuid: &str) -> Result<(), KernelDlmError> {
        let name = lockspace_name(array_uuid);
        if array_uuid.is_empty() || name.len() > 64 || name.contains(['/', '\0']) {
            return Err(KernelDlmError::LockspaceName { name });
        }
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.control_device);
        if let Err(error) = opened {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            return Err(match errno {
                libc::ENOENT | libc::ENXIO | libc::ENODEV => KernelDlmError::NoControlDevice,
                _ => KernelDlmError::NotPermitted { errno },
            });
        }
        if entries(&self.announced_nodes) == 0 {
            return Err(KernelDlmError::NotJoined);
        }
        if self.lockspaces.join(array_uuid).exists() {
            return Err(KernelDlmError::ArrayIsRunning {
                lockspace: array_uuid.to_owned(),
            });
        }
        Ok(())
    }
}

impl Host {
    /// This machine's number in the cluster, 0 where nobody says.
    pub fn own_machine(&self) -> u32 {
        let nodes = std::fs::read_dir(&self.announced_nodes);
        nodes
            .into_iter()
            .flatten()
            .flatten()
            .find(|node| {
                std::fs::read_to_string(node.path().join("local"))
                    .is_ok_and(|local| local.trim() == "1")
            })
            .and_then(|node| node.file_name().to_str()?.parse().ok())
            .unwrap_or(0)
    }

    /// Whether the cluster manager has this machine in an array's lockspace.
    pub fn is_machine_member(&self, array_uuid: &str, machine: u32) -> bool {
        let machines = self
            .announced_lockspaces
            .join(lockspace_name(array_uuid))
            .join("nodes");
        machines.join(machine.to_string()).exists()
    }
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const UUID: &str = "6b29fc40-ca47-1067-b31d-00dd010662da";

    /// A machine of folders: `with` makes what is there.
    fn check_on(with: impl Fn(&Path)) -> Result<(), KernelDlmError> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("slotmark-dlm-host-{}-{number}", std::process::id()));
        fs::create_dir_all(&root).expect("a temporary folder");
        with(&root);
        let host = Host {
            libraries: Vec::new(),
            control_device: root.join("dlm-control"),
            announced_nodes: root.join("comms"),
            announced_lockspaces: root.join("spaces"),
            lockspaces: root.join("dlm"),
        };
        let outcome = host.check(UUID);
        fs::remove_dir_all(&root).expect("removed");
        outcome
    }

    fn device(root: &Path) {
        fs::write(root.join("dlm-control"), "").expect("written");
    }

    fn folder(root: &Path, path: &str) {
        fs::create_dir_all(root.join(path)).expect("made");
    }

    #[test]
    fn what_is_missing_is_named_in_the_order_in_which_one_gets_it() {
        assert_eq!(check_on(|_| ()), Err(KernelDlmError::NoControlDevice));
        assert_eq!(check_on(device), Err(KernelDlmError::NotJoined));
        let joined = |root: &Path| {
            device(root);
            folder(root, "comms/1");
        };
        assert_eq!(check_on(joined), Ok(()));
        let running = check_on(|root| {
            joined(root);
            folder(root, &format!("dlm/{UUID}"));
        });
        assert_eq!(
            running,
            Err(KernelDlmError::ArrayIsRunning {
                lockspace: UUID.to_owned()
            })
        );
        let ours_is_no_obstacle = check_on(|root| {
            joined(root);
            folder(root, &format!("dlm/{}", lockspace_name(UUID)));
        });
        assert_eq!(ours_is_no_obstacle, Ok(()));
    }

    #[test]
    fn names_that_are_no_lockspace_are_refused() {
        for name in ["", "a/b", &"x".repeat(56)] {
            let outcome = Host::default().check(name);
            assert!(
                matches!(outcome, Err(KernelDlmError::LockspaceName { .. })),
                "{name}"
            );
        }
    }
}
