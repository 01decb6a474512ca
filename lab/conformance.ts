/** The lock managers' common rules (`native/tests/dlm_conformance.rs`), run by the guests' own kernel. */
import type { CommandResult } from "./agent.js";
import type { Lab, NodeNumber } from "./lab.js";
import { buildNativeProgram } from "./native-program.js";

const PROGRAM = "dlm_conformance";
const HOLDING = "/run/holding";
const TIMEOUT_MS = 180_000;

/** Puts the test program into the folder that the guests share. */
export async function buildConformance(sharedFolder: string): Promise<void> {
  await buildNativeProgram("test", PROGRAM, sharedFolder);
}

/** Holds the kernel of a guest to the rules. */
export async function runConformance(lab: Lab, node: NodeNumber): Promise<CommandResult> {
  const command = `SLOTMARK_DLM=kernel RUST_BACKTRACE=0 /share/${PROGRAM} --test-threads=1`;
  return await lab.guest(node).run(command, TIMEOUT_MS);
}

/** As long as `work` runs, `master` is the node that decides on every lock of the rules. */
export async function withResourcesMasteredBy<T>(
  lab: Lab,
  master: NodeNumber,
  work: () => Promise<T>,
): Promise<T> {
  const command = `SLOTMARK_DLM=kernel SLOTMARK_HOLDING=${HOLDING} /share/${PROGRAM} --ignored hold_every_resource`;
  const holding = lab.outputOf(master, command, 2 * TIMEOUT_MS);
  const held = lab.outputOf(master, `until [ -e ${HOLDING} ]; do usleep 100000; done`, TIMEOUT_MS);
  await Promise.race([held, holding]);
  try {
    return await work();
  } finally {
    await lab.outputOf(master, `rm -f ${HOLDING}`);
    await holding;
  }
}
