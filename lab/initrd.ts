/** The guests' root file system: busybox, the cluster's programs with their libraries, the kernel's modules, our scripts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SlotmarkError } from "../src/errors.js";
import { outputOf } from "./command.js";
import type { KernelImage } from "./kernel-image.js";
import { GUEST_LIBRARIES, GUEST_PROGRAMS, libraryPath, programPath } from "./requirements.js";

/** Those that a guest loads, in this order, each after what it depends on. */
const MODULES = [
  "virtio_pci",
  "virtio_blk",
  "virtio_net",
  "virtio_console",
  "virtio-rng",
  "9p",
  "9pnet_virtio",
  "crc32c_generic",
  "configfs",
  "dlm",
  "md-mod",
  "raid1",
  "md-cluster",
];

const FOLDERS = [
  "bin sbin usr/bin usr/sbin etc/corosync etc/dlm lab modules proc sys dev run share root tmp",
  "var/log/cluster var/log/corosync var/lib/corosync var/lib/dlm",
]
  .join(" ")
  .split(" ");

/** Writes a cpio archive, uncompressed: an emulated processor copies faster than it unpacks. */
export async function buildInitrd(kernel: KernelImage, guestFolder: string, path: string): Promise<void> {
  const root = await mkdtemp(`${path}-root-`);
  try {
    await Promise.all(FOLDERS.map((folder) => mkdir(join(root, folder), { recursive: true })));
    await addBusybox(root);
    await addProgramsAndLibraries(root);
    await addModules(root, kernel);
    await addScripts(root, guestFolder);
    await archive(root, path);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function addBusybox(root: string): Promise<void> {
  const busybox = required("busybox", programPath("busybox"));
  const applets = (await outputOf(busybox, ["--list"])).split("\n").filter((name) => name !== "");
  await copyFile(busybox, join(root, "bin", "busybox"));
  for (const applet of applets.filter((name) => name !== "busybox")) {
    await symlink("busybox", join(root, "bin", applet));
  }
}

async function addProgramsAndLibraries(root: string): Promise<void> {
  const files = new Set<string>();
  for (const name of GUEST_PROGRAMS) {
    const path = required(name, programPath(name));
    // Its own place in sbin hides busybox's applet of the same name.
    await copyFile(path, join(root, "usr/sbin", name));
    for (const library of await linkedLibraries(path)) files.add(library);
  }
  for (const name of GUEST_LIBRARIES) {
    const path = required(name, libraryPath(name));
    files.add(path);
    for (const library of await linkedLibraries(path)) files.add(library);
  }
  for (const file of files) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await copyFile(file, join(root, file));
  }
}

/** Paths of the libraries that the loader would open, itself among them. */
async function linkedLibraries(path: string): Promise<string[]> {
  const listed = await outputOf("ldd", [path]);
  return [...listed.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map(([, library = ""]) => library);
}

async function addModules(root: string, kernel: KernelImage): Promise<void> {
  const order: string[] = [];
  for (const module of MODULES) {
    const planned = await outputOf("modprobe", [
      "--dirname",
      kernel.modulesRoot,
      "--set-version",
      kernel.release,
      "--show-depends",
      module,
    ]);
    for (const [, path = ""] of planned.matchAll(/^insmod (\S+)/gm)) {
      if (order.includes(basename(path))) continue;
      order.push(basename(path));
      await copyFile(path, join(root, "modules", basename(path)));
    }
  }
  await writeFile(join(root, "modules", "order"), `${order.join("\n")}\n`);
}

async function addScripts(root: string, guestFolder: string): Promise<void> {
  await cp(guestFolder, join(root, "lab"), { recursive: true });
  for (const script of ["init", "agent", "join-cluster"]) await chmod(join(root, "lab", script), 0o755);
  await symlink("lab/init", join(root, "init"));
  await copyFile(join(root, "lab", "corosync.conf"), join(root, "etc/corosync/corosync.conf"));
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\n");
  await writeFile(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n");
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n10.9.0.1 node1\n10.9.0.2 node2\n");
}

async function archive(root: string, path: string): Promise<void> {
  const files = await outputOf("find", [".", "-mindepth", "1"], root);
  const cpio = spawn("cpio", ["--create", "--format=newc", "--owner=0:0", "--quiet"], {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(cpio, "close");
  cpio.stdin.end(files);
  await pipeline(cpio.stdout, createWriteStream(path));
  const [code] = await ended;
  if (code !== 0 || !existsSync(path)) {
    throw new SlotmarkError(
      "device",
      "lab-initrd-failed",
      `cpio ended with ${code} writing ${path}`,
      "Look for free space.",
    );
  }
}

function required(name: string, path: string | undefined): string {
  if (path !== undefined) return path;
  throw new SlotmarkError(
    "input",
    "lab-incomplete",
    `${name} is not installed`,
    "Run `node dist/lab/main.js check`.",
  );
}
