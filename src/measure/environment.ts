/** The machine under a measurement, read from /proc and /sys when the run begins. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { cpus, hostname, loadavg, release, totalmem, version } from "node:os";
import { dirname, resolve } from "node:path";
import { readBlockQueue } from "./block-queue.js";
import type { Environment, MemberEnvironment } from "./environment-schema.js";
import { type Mount, mountOf, readMounts } from "./mounts.js";

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

function deviceNumber(number: number): string {
  // glibc's gnu_dev_major and gnu_dev_minor for the numbers that Linux gives out (12 and 20 bits).
  const major = (number >> 8) & 0xfff;
  const minor = (number & 0xff) | ((number >> 12) & 0xfff00);
  return `${major}:${minor}`;
}

/** The file itself, or the folder in which it will be made. */
function existingPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    return realpathSync(dirname(absolute));
  }
}

/** A filesystem of several devices or subvolumes has a number of its own: its source then names a device. */
function deviceUnder(statDevice: string, mount: Mount | undefined): MemberEnvironment["device"] {
  const direct = readBlockQueue(statDevice);
  if (direct !== null || mount === undefined || !mount.source.startsWith("/dev/")) return direct;
  try {
    return readBlockQueue(deviceNumber(statSync(mount.source).rdev));
  } catch {
    return null;
  }
}

function memberEnvironment(path: string, mounts: readonly Mount[]): MemberEnvironment {
  const existing = existingPath(path);
  const stat = statSync(existing);
  if (stat.isBlockDevice()) {
    return { path, kind: "block", filesystem: null, device: readBlockQueue(deviceNumber(stat.rdev)) };
  }
  const mount = mountOf(existing, mounts);
  return {
    path,
    kind: "file",
    filesystem:
      mount === undefined
        ? null
        : {
            type: mount.type,
            source: mount.source,
            mountPoint: mount.mountPoint,
            options: mount.options,
          },
    device: deviceUnder(deviceNumber(stat.dev), mount),
  };
}

/**
 * @param memberPaths files (also such as are yet to be made, in an existing folder) and block devices
 */
export function captureEnvironment(memberPaths: readonly string[]): Environment {
  const processors = cpus();
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  const mounts = readMounts();
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
    members: memberPaths.map((path) => memberEnvironment(path, mounts)),
  };
}
