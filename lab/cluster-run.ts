/** `slotmark run --dlm kernel` on both machines at once, and the files that they wrote. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommandResult } from "./agent.js";
import { type Lab, NODES } from "./lab.js";
import { slotmarkCommand } from "./node-program.js";

const TIMEOUT_MS = 180_000;
const RESULT = "/run/result.json";

/** @param args of `run` without `--out`; @returns the outcome on each machine, in their order */
export async function runOnBoth(lab: Lab, args: readonly string[]): Promise<CommandResult[]> {
  const command = slotmarkCommand("run", ...args, "--out", RESULT);
  return await Promise.all(
    NODES.map((node) => lab.guest(node).run(`rm -f ${RESULT}; ${command}`, TIMEOUT_MS)),
  );
}

/** Brings each machine's result to the host; returns the paths there. */
export async function fetchResults(lab: Lab, folder: string): Promise<string[]> {
  return await Promise.all(
    NODES.map(async (node) => {
      const path = join(folder, `node${node}.json`);
      await writeFile(path, await lab.outputOf(node, `cat ${RESULT}`));
      return path;
    }),
  );
}
