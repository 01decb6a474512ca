/**
 * What the gate is judged on: a short trial in which every plug of 32 writes has bitmap pages to write, so that a slowdown of page
 * writes and one of the hot path both show in the median write. One node, so that of two cores one is left to the background load.
 * Members lie in memory where there is some, and are written by blocking calls: neither the device nor the kernel's threads are
 * what is judged. (Through io_uring the kernel hands each write in memory to a thread of its own, and beside a background load half
 * of all trials take twice as long.)
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** As `slotmark run` reads it; JSON is YAML. */
const SCENARIO = {
  basedOn: "bitmap",
  nodes: 1,
  chunkBytes: "4K",
  sizeBytes: "192M",
  workload: "uniform",
  workingSet: "all",
  plug: 32,
  daemonSleepMs: "80ms",
  phases: ["steady"],
  bitmap: "on",
  timeMs: "300ms",
  warmupMs: "500ms",
} as const;

export interface GateRuns {
  readonly scenario: typeof SCENARIO;
  readonly folder: string;
  readonly members: readonly string[];
  /** What `slotmark run` and `slotmark calibrate` take. */
  readonly args: readonly string[];
  remove(): void;
}

/** Files of one recording; nothing of them is left after `remove`. */
export function prepareGateRuns(): GateRuns {
  const folder = mkdtempSync(join(memoryFolder(), "slotmark-gate-"));
  const file = join(folder, "gate.yaml");
  writeFileSync(file, JSON.stringify(SCENARIO));
  const members = ["a", "b"].map((name) => join(folder, `${name}.img`));
  const memberArgs = members.flatMap((member) => ["--member", member]);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // It is memory, which nobody else would give back.
  process.once("exit", remove);
  return {
    scenario: SCENARIO,
    folder,
    members,
    args: [file, ...memberArgs, "--no-watch", "--io", "psync", "--durability", "preflush-fua"],
    remove,
  };
}

function memoryFolder(): string {
  try {
    rmSync(mkdtempSync("/dev/shm/slotmark-gate-"), { recursive: true });
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}
