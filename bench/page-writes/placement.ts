/**
 * Where things run on the processors is the kernel's choice, and sticks for seconds. Whoever looks after a writer every ten milliseconds
 * puts off the idling of the processor that it sleeps on, and fio's front end lay elsewhere than what looks after slotmark's process
 * more often than not, which alone made a blocking write to a loop device 1 to 4 % dearer on one side. So everything but the writing
 * threads keeps to the other processors than the first.
 *
 * A loop device's worker beside the writer needs no interrupt between processors, apart from it two a write: there fio, against itself,
 * strayed by a tenth from process to process. So for a loop device both sides' writing threads keep to the first processor, and what
 * the kernel's unbound workers do to the others.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const WORKER_MASK = "/sys/devices/virtual/workqueue/cpumask";

export interface Placement {
  /** That writing threads keep to, as a list of processors. */
  readonly processors: string;
  giveBack(): void;
}

/**
 * Until it is given back, or this process ends. Processes begun from here on inherit where this one may run.
 * @param apartFromWorkers for a loop device; needs root
 * @returns null: this process may not run on several processors from the first one on, or on more than a word of the mask holds
 */
export function placeOthers(apartFromWorkers: boolean): Placement | null {
  const allowed = /^Cpus_allowed_list:\s*0-(\d+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
  const last = Number(allowed?.[1] ?? 0);
  if (last < 1 || last > 31) return null;
  const all = `0-${last}`;
  const maskBefore = apartFromWorkers ? readFileSync(WORKER_MASK, "utf8").trim() : null;
  const giveBack = () => {
    process.off("exit", giveBack);
    if (maskBefore !== null) writeFileSync(WORKER_MASK, maskBefore);
    keepTo(all, process.pid, "--all-tasks");
  };
  process.once("exit", giveBack);
  if (maskBefore !== null) writeFileSync(WORKER_MASK, (2 ** (last + 1) - 2).toString(16));
  keepTo(`1-${last}`, process.pid, "--all-tasks");
  return { processors: apartFromWorkers ? "0" : all, giveBack };
}

/** The main thread of a process, which is the one that writes. */
export function placeWriter(pid: number, processors: string): void {
  keepTo(processors, pid);
}

function keepTo(processors: string, pid: number, ...whichThreads: string[]): void {
  execFileSync("taskset", [...whichThreads, "--pid", "--cpu-list", processors, String(pid)], {
    stdio: "ignore",
  });
}
