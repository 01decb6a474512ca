/** What the lab needs of its host, and which of it is missing. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Debian's packages that bring all of the programs and libraries below. */
export const DEBIAN_PACKAGES = [
  "qemu-system-x86",
  "mdadm",
  "corosync",
  "dlm-controld",
  "libdlm3",
  "libdlmcontrol3",
  "libcmap4",
  "busybox-static",
  "cpio",
  "kmod",
  "zstd",
  "util-linux",
] as const;

/** Programs that run on the host. */
const HOST_PROGRAMS = [
  "qemu-system-x86_64",
  "setpriv",
  "cpio",
  "modprobe",
  "depmod",
  "ldd",
  "apt-get",
  "apt-cache",
  "dpkg",
];

/** Programs that the guests get from the host, with the libraries that they are linked to. */
export const GUEST_PROGRAMS = [
  "corosync",
  "corosync-quorumtool",
  "corosync-cfgtool",
  "dlm_controld",
  "dlm_tool",
  "mdadm",
  "flock",
  "wipefs",
] as const;

/** Libraries that are opened at run time, so that no program names them. */
export const GUEST_LIBRARIES = ["libdlm_lt.so.3", "libdlm.so.3", "libgcc_s.so.1"] as const;

const PROGRAM_FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const LIBRARY_FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];

function findIn(folders: readonly string[], name: string, mode: number): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, mode);
        return true;
      } catch {
        return false;
      }
    });
}

export function programPath(name: string): string | undefined {
  return findIn(PROGRAM_FOLDERS, name, constants.X_OK);
}

export function libraryPath(name: string): string | undefined {
  return findIn(LIBRARY_FOLDERS, name, constants.R_OK);
}

/** One sentence about what is missing, and how to get it; undefined where the lab can run. */
export function missingForLab(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `the lab's machines are x86-64 Linux and take their programs from the host, which is ${process.arch} ${process.platform}`;
  }
  const missing = [
    ...[...HOST_PROGRAMS, ...GUEST_PROGRAMS, "busybox"].filter((name) => programPath(name) === undefined),
    ...GUEST_LIBRARIES.filter((name) => libraryPath(name) === undefined),
  ];
  if (missing.length === 0) return undefined;
  return `not installed: ${missing.join(", ")} (Debian: apt-get install ${DEBIAN_PACKAGES.join(" ")})`;
}
