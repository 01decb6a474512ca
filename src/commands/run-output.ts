/** Where a run leaves what it measured: the result file, and beside it the journal until that is there. */
import fs from "node:fs";
import path from "node:path";
import { isTraceFile } from "../block-trace/detect-format.js";
import { SlotmarkError } from "../errors.js";
import { refuseSpecialFile } from "../results/atomic-file.js";

/** In the working folder, named by suites, each once, and time. */
export function defaultOutPath(suites: readonly string[]): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  return path.resolve(`slotmark-${[...new Set(suites)].join("-")}-${stamp}.json`);
}

const JOURNAL_SUFFIX = ".journal";

export function journalPath(outPath: string): string {
  return `${outPath}${JOURNAL_SUFFIX}`;
}

/** Said before the run rather than after it. @throws SlotmarkError `out-is-a-member`, `out-is-a-trace`, `path-unusable` */
export function refuseOutput(
  outPath: string,
  memberPaths: readonly string[],
  tracePaths: readonly string[] = [],
): void {
  refuseSpecialFile(outPath);
  const realPath = (file: string) => (fs.existsSync(file) ? fs.realpathSync(file) : file);
  const isOut = (file: string) => realPath(file) === realPath(outPath);
  const trace = tracePaths.find(isOut);
  if (trace !== undefined) {
    throw new SlotmarkError(
      "usage",
      "out-is-a-trace",
      `--out ${outPath} is the trace that is to be replayed`,
      "Name another file for the result.",
    );
  }
  const member = memberPaths.find(isOut);
  if (member === undefined) return;
  throw new SlotmarkError(
    "usage",
    "out-is-a-member",
    `--out ${outPath} is the member ${member}`,
    "Name another file for the result.",
  );
}

/** `--trace` writes, and whoever names a block trace there means to replay it. @throws SlotmarkError `trace-is-a-workload` */
export function refuseTraceOutput(file: string): void {
  if (!isTraceFile(file)) return;
  throw new SlotmarkError(
    "usage",
    "trace-is-a-workload",
    `--trace ${file} would be written over, and it is a block trace`,
    `Replay it with --workload trace:${file}, or name another file for what the nodes do.`,
  );
}
