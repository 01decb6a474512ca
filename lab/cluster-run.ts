/** `slotmark run --dlm kernel` in the guests, and the files that it wrote there. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommandResult } from "./agent.js";
import { type Lab, NODES, type NodeNumber } from "./lab.js";
import { slotmarkCommand } from "./node-program.js";

const TIMEOUT_MS = 180_000;
const RESULT = "/run/result.json";
const PID = "/run/slotmark.pid";

/** A run on one machine. @param args of `run` without `--out` */
export async function runOn(lab: Lab, node: NodeNumber, args: readonly string[]): Promise<CommandResult> {
  const command = slotmarkCommand("run", ...args, "--out", RESULT);
  return await lab.guest(node).run(`rm -f ${RESULT}*; echo $$ >${PID}; exec env ${command}`, TIMEOUT_MS);
}

/** The same on both at once; @returns the outcomes in the machines' order */
export async function runOnBoth(lab: Lab, args: readonly string[]): Promise<CommandResult[]> {
  return await Promise.all(NODES.map((node) => runOn(lab, node, args)));
}

/** Settles when the machine's run has found the others and begun. */
export async function runHasBegun(lab: Lab, node: NodeNumber): Promise<void> {
  await lab.outputOf(node, `until [ -e ${RESULT}.journal ]; do usleep 100000; done`, TIMEOUT_MS);
}

/** kill -9: its process alone. */
export async function killRun(lab: Lab, node: NodeNumber): Promise<void> {
  await lab.outputOf(node, `kill -9 $(cat ${PID})`);
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
