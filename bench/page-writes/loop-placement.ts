/**
 * Which processor a loop device's worker runs on is the kernel's choice, and sticks for seconds: beside the writer it needs no interrupt
 * between processors, apart from it two a write, so that fio alone, against itself, strayed by a tenth from process to process. Here
 * writers of both sides keep to the first processor, and the kernel's unbound workers to the others.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const WORKER_MASK = "/sys/devices/virtual/workqueue/cpumask";
const WRITERS = "0";

/** Of this process and all that it starts from here on, until what is returned is called or it ends. Null: one processor alone. */
export function placeApart(): (() => void) | null {
  const processors = availableParallelism();
  // Masks of more than 32 processors are written in words.
  if (processors < 2 || processors > 32) return null;
  const workers = readFileSync(WORKER_MASK, "utf8").trim();
  const giveBack = () => writeFileSync(WORKER_MASK, workers);
  process.once("exit", giveBack);
  writeFileSync(WORKER_MASK, (2 ** processors - 2).toString(16));
  keepTo(WRITERS);
  return () => {
    process.off("exit", giveBack);
    giveBack();
    keepTo(`0-${processors - 1}`);
  };
}

function keepTo(processors: string): void {
  execFileSync("taskset", ["--all-tasks", "--pid", "--cpu-list", processors, String(process.pid)]);
}
