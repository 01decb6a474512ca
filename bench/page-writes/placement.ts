/**
 * Which processor a loop device's worker runs on is the kernel's choice, and sticks for seconds: beside the writer it needs no interrupt
 * between processors, apart from it two a write, so that fio alone, against itself, strayed by a tenth from process to process. Here the
 * writing threads of both sides keep to the first processor, and the kernel's unbound workers to the others.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const WORKER_MASK = "/sys/devices/virtual/workqueue/cpumask";

export interface Placement {
  /** That writing threads keep to. */
  readonly processor: string;
  giveBack(): void;
}

/** Until it is given back, or this process ends. Null: one processor alone, or more than a word of the mask holds. */
export function placeApart(): Placement | null {
  const processors = availableParallelism();
  if (processors < 2 || processors > 32) return null;
  const before = readFileSync(WORKER_MASK, "utf8").trim();
  const giveBack = () => {
    process.off("exit", giveBack);
    writeFileSync(WORKER_MASK, before);
  };
  process.once("exit", giveBack);
  writeFileSync(WORKER_MASK, (2 ** processors - 2).toString(16));
  return { processor: "0", giveBack };
}

/** The main thread of a process, which is the one that writes; its others run where they like, as fio's front end does. */
export function placeWriter(pid: number, processor: string): void {
  execFileSync("taskset", ["--pid", "--cpu-list", processor, String(pid)], { stdio: "ignore" });
}
