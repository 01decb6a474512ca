/** Where a run leaves what it measured: the result file, and beside it the journal until that is there. */
import fs from "node:fs";
import path from "node:path";
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

/** Said before the run rather than after it. @throws SlotmarkError `out-is-a-member`, `path-unusable` */
export function refuseOutput(outPath: string, memberPaths: readonly string[]): void {
  refuseSpecialFile(outPath);
  const realPath = (file: string) => (fs.existsSync(file) ? fs.realpathSync(file) : file);
  const member = memberPaths.find((file) => realPath(file) === realPath(outPath));
  if (member === undefined) return;
  throw new SlotmarkError(
    "usage",
    "out-is-a-member",
    `--out ${outPath} is the member ${member}`,
    "Name another file for the result.",
  );
}
