/** What the machine as a whole can do, and what on it would disturb a measurement. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { canLoadLibrary, errnoName, type IoUringProbe, probeIoUring } from "../storage/native.js";
import type { Check } from "./check.js";
import type { Environment } from "./environment-schema.js";

/** Load average over one minute, a core, from which on other work shows in latencies. */
const DISTURBING_LOAD_PER_CORE = 0.25;

const DLM_LIBRARY = "libdlm.so.3";
const DLM_CONTROL_NODES = ["/dev/misc/dlm-control", "/dev/dlm-control"];
/** Nodes that a cluster manager has announced to the kernel's DLM. */
const DLM_NODES = "/sys/kernel/config/dlm/cluster/comms";

export function machineChecks(environment: Environment): Check[] {
  return [
    ioUringCheck(probeIoUring(), readSetting("/proc/sys/kernel/io_uring_disabled")),
    governorCheck(environment.cpu.governor, environment.hypervisor),
    loadCheck(environment.load[0], environment.cpu.cores),
    dlmCheck({
      library: canLoadLibrary(DLM_LIBRARY),
      controlNode: DLM_CONTROL_NODES.find((path) => existsSync(path)) ?? null,
      nodes: dlmNodes(),
    }),
  ];
}

function readSetting(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function dlmNodes(): number {
  try {
    return readdirSync(DLM_NODES).length;
  } catch {
    return 0;
  }
}

/** @param disabled sysctl kernel.io_uring_disabled: 0 allowed, 1 for the privileged alone, 2 for nobody; null: no such switch */
export function ioUringCheck(probe: IoUringProbe, disabled: string | null): Check {
  const check = { name: "io_uring", subject: null };
  if (!probe.available) {
    const forbidden = disabled === "1" || disabled === "2";
    const errno = errnoName(probe.errno ?? 0);
    const why = forbidden ? `${errno}; kernel.io_uring_disabled is ${disabled}` : errno;
    return {
      ...check,
      status: "warning",
      found: `no ring can be set up (${why}): members will be written one after another (io psync)`,
      remedy: forbidden
        ? "Run sysctl kernel.io_uring_disabled=0, or run as root where it is 1."
        : "Use a kernel with io_uring, and allow its system calls in the container's seccomp profile.",
    };
  }
  if (!(probe.write && probe.fsync)) {
    return {
      ...check,
      status: "warning",
      found:
        "a ring was set up, but it lacks write or fsync: members will be written one after another (io psync)",
      remedy: "Use Linux 5.6 or newer.",
    };
  }
  const more = [probe.writeFixed && "registered buffers", probe.extArg && "waits with a time-out"].filter(
    Boolean,
  );
  return {
    ...check,
    status: "ok",
    found: `a ring was set up; it writes and flushes${more.length > 0 ? `, with ${more.join(" and ")}` : ""}`,
    remedy: null,
  };
}

export function governorCheck(governor: string | null, hypervisor: string): Check {
  const check = { name: "governor", subject: null };
  if (governor === null) {
    const why = hypervisor === "none" ? "" : ", as is usual in a virtual machine";
    return {
      ...check,
      status: "note",
      found: `this machine shows no frequency governor${why}`,
      remedy: null,
    };
  }
  if (governor === "performance") return { ...check, status: "ok", found: governor, remedy: null };
  return {
    ...check,
    status: "warning",
    found: `${governor}: the clock follows the load, and so will latencies`,
    remedy: "Run cpupower frequency-set -g performance for the time of the measurement.",
  };
}

export function loadCheck(loadOneMinute: number, cores: number): Check {
  const found = `${loadOneMinute.toFixed(2)} over the last minute on ${cores} ${cores === 1 ? "core" : "cores"}`;
  const disturbs = loadOneMinute > DISTURBING_LOAD_PER_CORE * cores;
  return {
    name: "load",
    subject: null,
    status: disturbs ? "warning" : "ok",
    found: disturbs ? `${found}: other work will show in the figures` : found,
    remedy: disturbs ? "Stop what else runs here, wait a minute, and look again." : null,
  };
}

export interface DlmFacts {
  readonly library: boolean;
  readonly controlNode: string | null;
  readonly nodes: number;
}

/** The kernel's DLM is one of two backends and never needed: what lacks is a note. */
export function dlmCheck({ library, controlNode, nodes }: DlmFacts): Check {
  const lacking = [
    library ? null : `${DLM_LIBRARY} cannot be loaded`,
    controlNode === null ? `neither ${DLM_CONTROL_NODES.join(" nor ")} exists` : null,
    nodes === 0 ? "no cluster manager has announced nodes" : null,
  ].filter((text) => text !== null);
  const check = { name: "DLM", subject: null };
  if (lacking.length === 0) {
    return {
      ...check,
      status: "ok",
      found: `${DLM_LIBRARY}, ${controlNode}, ${nodes} nodes announced`,
      remedy: null,
    };
  }
  return {
    ...check,
    status: "note",
    found: `the kernel's DLM cannot be used (${lacking.join("; ")}); the embedded one needs nothing`,
    remedy: "For --dlm kernel: install libdlm3, load the dlm module, and start corosync and dlm_controld.",
  };
}
