/**
 * Who uses a block device already, as far as the kernel shows it: mounts, swap, devices stacked on it, loop devices
 * over it, and the same for its partitions and for the disk that it is a partition of.
 *
 * O_EXCL finds these as well, but only says EBUSY; this says who it is, and sees what O_EXCL does not (partition nodes,
 * loop devices).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BlockDevice, readBlockDevice, readBlockDeviceByName } from "./block-device.js";
import { usesOfFile } from "./file-use.js";
import { fileIdentity, loopNode, readLoopDevices } from "./loop-devices.js";
import { type Mount, namedDeviceNumber, readMounts, readSwaps } from "./mount-table.js";
import type { SystemRoots } from "./system-roots.js";

export interface DeviceUse {
  readonly kind: "mounted" | "swap" | "held" | "loop";
  /** For example `mounted on /srv`. */
  readonly text: string;
}

/** Every use of `device`; the list is empty where nothing shows. */
export function usesOfDevice(device: BlockDevice, roots: SystemRoots): DeviceUse[] {
  const uses = directUses(device, roots);
  for (const name of device.partitions) {
    const partition = readBlockDeviceByName(name, roots);
    if (partition !== undefined) uses.push(...named(name, directUses(partition, roots)));
  }
  // Another partition of the same disk may be in use; the disk as a whole may not.
  const disk = device.partition?.disk;
  if (disk !== undefined) uses.push(...named(disk.name, directUses(disk, roots)));
  return uses;
}

function directUses(device: BlockDevice, roots: SystemRoots): DeviceUse[] {
  const uses: DeviceUse[] = [];
  for (const mount of readMounts(roots)) {
    if (isMountOf(mount, device, roots)) {
      uses.push({ kind: "mounted", text: `mounted on ${mount.mountPoint} (${mount.filesystem})` });
    }
  }
  const btrfs = mountedBtrfsWith(device, roots);
  if (btrfs !== undefined && uses.length === 0) {
    uses.push({ kind: "mounted", text: `a device of the mounted btrfs filesystem ${btrfs}` });
  }
  for (const swap of readSwaps(roots)) {
    if (namedDeviceNumber(swap, roots) === device.number) uses.push({ kind: "swap", text: "active swap" });
  }
  for (const holder of device.holders) {
    uses.push({ kind: "held", text: `held by ${describeHolder(holder, roots)}` });
  }
  for (const loop of readLoopDevices(roots)) {
    if (loop.backing === `block:${device.number}`) {
      uses.push({ kind: "loop", text: `the device behind ${loopNode(loop.name)}` });
    }
  }
  uses.push(...usesUnderLoop(device, roots));
  return uses;
}

/** What a loop device stands on may be in use past it: mounted itself, or behind a second loop device. */
function usesUnderLoop(device: BlockDevice, roots: SystemRoots): DeviceUse[] {
  const file = device.loopBackingFile;
  if (file === undefined) return [];
  const backing = fileIdentity(file);
  if (backing === undefined) return []; // deleted: nobody can reach it any more
  const under = backing.startsWith("block:")
    ? readBlockDevice(backing.slice("block:".length), roots)
    : undefined;
  const uses = under === undefined ? usesOfFile(file, roots) : usesOfDevice(under, roots);
  const past = uses.filter(({ text }) => !text.endsWith(`behind ${loopNode(device.name)}`));
  return named(`${file}, on which ${loopNode(device.name)} stands,`, past);
}

function isMountOf(mount: Mount, device: BlockDevice, roots: SystemRoots): boolean {
  return mount.number === device.number || namedDeviceNumber(mount.source, roots) === device.number;
}

/** A btrfs mount names its first device only; sysfs names them all. */
function mountedBtrfsWith(device: BlockDevice, roots: SystemRoots): string | undefined {
  const base = join(roots.sys, "fs/btrfs");
  for (const uuid of entries(base)) {
    if (entries(join(base, uuid, "devices")).includes(device.name)) return uuid;
  }
  return undefined;
}

/** For example `dm-0 (LVM, vg0-home)` or `md0`. */
function describeHolder(name: string, roots: SystemRoots): string {
  const holder = readBlockDeviceByName(name, roots);
  if (holder?.mapperName === undefined) return name;
  let uuid = "";
  try {
    uuid = readFileSync(join(roots.sys, "class/block", name, "dm/uuid"), "utf8");
  } catch {
    // an older kernel: the name alone
  }
  // Device mapper's users prefix the uuid with their own name: LVM-, CRYPT-LUKS2-, mpath-.
  const owner = /^[A-Za-z]+/.exec(uuid)?.[0];
  return `${name} (${owner === undefined ? "" : `${owner}, `}${holder.mapperName})`;
}

function named(name: string, uses: readonly DeviceUse[]): DeviceUse[] {
  return uses.map((use) => ({ kind: use.kind, text: `${name} is ${use.text}` }));
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
