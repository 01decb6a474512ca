/** The machine under a measurement, read from /proc and /sys when the run begins. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { cpus, hostname, loadavg, release, totalmem, version } from "node:os";
import { dirname, resolve } from "node:path";
import { type BlockDevice, deviceNumber, readBlockDevice } from "../storage/block-device.js";
import { deviceUnderFile } from "../storage/device-under-file.js";
import type { Environment, MemberEnvironment } from "./environment-schema.js";

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim() || null;
  } catch {
    return null;
  }
}

/** Every governor in use, for cores may differ: `performance` or `performance,powersave`. */
function governor(): string | null {
  let cores: string[];
  try {
    cores = readdirSync("/sys/devices/system/cpu").filter((name) => /^cpu\d+$/.test(name));
  } catch {
    return null;
  }
  const found = new Set<string>();
  for (const core of cores) {
    const text = readText(`/sys/devices/system/cpu/${core}/cpufreq/scaling_governor`);
    if (text !== null) found.add(text);
  }
  return found.size === 0 ? null : [...found].sort().join(",");
}

/** The hypervisor's own name where it tells one; "unnamed" where only the CPU says that there is one. */
function hypervisor(): string {
  const type = readText("/sys/hypervisor/type");
  if (type !== null) return type;
  const inVirtualMachine = /^flags\s*:.*\bhypervisor\b/m.test(readText("/proc/cpuinfo") ?? "");
  if (!inVirtualMachine) return "none";
  const firmware = ["sys_vendor", "product_name"]
    .map((file) => readText(`/sys/class/dmi/id/${file}`))
    .filter((text) => text !== null);
  return firmware.length === 0 ? "unnamed" : firmware.join(" ");
}

/** The path itself, or the nearest folder above it that exists. */
function existingPath(path: string): string {
  const absolute = resolve(path);
  return existsSync(absolute) ? absolute : existingPath(dirname(absolute));
}

/** What a result keeps of a device; of a partition, its disk. */
export function deviceFacts(found: BlockDevice | undefined): MemberEnvironment["device"] {
  if (found === undefined) return null;
  // A partition's queue is its disk's.
  const disk = found.partition?.disk ?? found;
  // virtio gives a PCI number for a vendor, which names nothing.
  const name = [disk.vendor, disk.model]
    .filter((text) => text !== undefined && !text.startsWith("0x"))
    .join(" ");
  return {
    name: disk.name,
    model: name || null,
    rotational: disk.rotational ?? null,
    scheduler: disk.scheduler ?? null,
    writeCache: disk.writeCache ?? null,
    fua: disk.fua ?? null,
    logicalBlockBytes: disk.logicalBlockBytes,
    physicalBlockBytes: disk.physicalBlockBytes,
    backingFile: disk.loopBackingFile ?? null,
  };
}

function memberEnvironment(path: string): MemberEnvironment {
  const existing = existingPath(path);
  const stat = statSync(existing);
  if (stat.isBlockDevice()) {
    return {
      path,
      kind: "block",
      filesystem: null,
      device: deviceFacts(readBlockDevice(deviceNumber(stat.rdev))),
    };
  }
  const { mount, device } = deviceUnderFile(existing);
  const filesystem =
    mount === undefined
      ? null
      : {
          type: mount.filesystem,
          source: mount.source,
          mountPoint: mount.mountPoint,
          options: [...new Set(mount.options.split(","))].join(","),
        };
  return { path, kind: "file", filesystem, device: deviceFacts(device) };
}

/**
 * @param memberPaths files (also such as are yet to be made, in an existing folder) and block devices
 */
export function captureEnvironment(memberPaths: readonly string[]): Environment {
  const processors = cpus();
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    hostname: hostname(),
    cpu: {
      model: processors[0]?.model.trim() || null,
      cores: Math.max(1, processors.length),
      governor: governor(),
    },
    kernel: `${release()} ${version()}`,
    hypervisor: hypervisor(),
    memoryBytes: totalmem(),
    load: [one, five, fifteen],
    node: process.version,
    members: memberPaths.map((path) => memberEnvironment(path)),
  };
}
