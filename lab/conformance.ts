/** The lock managers' common rules (`native/tests/dlm_conformance.rs`), built here and run by the guests' own kernel. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SlotmarkError } from "../src/errors.js";
import type { CommandResult } from "./agent.js";
import { outputOf } from "./command.js";
import type { Lab, NodeNumber } from "./lab.js";

const CRATE = fileURLToPath(new URL("../../native", import.meta.url));
const PROGRAM = "dlm_conformance";
const HOLDING = "/run/holding";
const TIMEOUT_MS = 180_000;

/** Builds the test program and puts it into the folder that the guests share. */
export async function buildConformance(sharedFolder: string): Promise<void> {
  const built = await outputOf(
    "cargo",
    ["test", "--locked", "--quiet", "--no-run", "--test", PROGRAM, "--message-format", "json"],
    CRATE,
  );
  const path = /"executable":"(?<path>[^"]+)"/.exec(
    built.split("\n").find((line) => line.includes(`"name":"${PROGRAM}"`)) ?? "",
  )?.groups?.path;
  if (path === undefined) {
    throw new SlotmarkError(
      "defect",
      "lab-no-test-program",
      `cargo named no ${PROGRAM} program`,
      "Run cargo test by hand.",
    );
  }
  await copyFile(path, join(sharedFolder, PROGRAM));
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
