/** `slotmark examine --check`: runs the check, shows how far it is, and turns what it finds into one error. */
import { SlotmarkError } from "../errors.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { byteText } from "../scenario/byte-text.js";
import { checkConsistencyOf } from "../storage/consistency.js";
import type { Consistency, Violation } from "../storage/consistency-findings.js";
import { interruption } from "./interruption.js";
import { ProgressLine } from "./progress-line.js";
import { ReportedFailure } from "./reported-failure.js";

export interface CheckArrayOptions {
  readonly heldSlot: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * @throws SlotmarkError for a consistency that is violated: the violation's own code where there is one, else
 * `inconsistent`. With `--json` the document on stdout lists every violation.
 */
export async function checkArray(
  paths: readonly string[],
  { heldSlot, json, quiet }: CheckArrayOptions,
): Promise<Consistency | "interrupted"> {
  const heldSlots = heldSlot.map(slotNumber);
  const signal = interruption.listen();
  let progress = "reading superblocks and slots";
  const line = new ProgressLine(() => progress, !quiet);
  const consistency = await checkConsistencyOf(paths, {
    heldSlots,
    signal,
    onProgress: (done, all) => {
      progress = `comparing members: ${byteText(done * SECTOR_BYTES)} of ${byteText(all * SECTOR_BYTES)}`;
    },
  })
    .catch((error: unknown) => {
      // Interrupted: main.ts says so with its exit code.
      if (signal.aborted) return "interrupted" as const;
      throw error;
    })
    .finally(() => line.end());
  if (consistency !== "interrupted" && consistency.violations.length > 0) refuse(consistency, json ?? false);
  return consistency;
}

function refuse({ violations }: Consistency, json: boolean): never {
  const { code, message, remedy } = summary(violations);
  if (!json) throw new SlotmarkError("input", code, message, remedy);
  process.stdout.write(`${JSON.stringify({ error: { code, message, remedy, violations } }, null, 2)}\n`);
  throw new ReportedFailure("input", code, message);
}

function summary(violations: readonly Violation[]): Pick<Violation, "code" | "message" | "remedy"> {
  const [first, ...others] = violations;
  if (first !== undefined && others.length === 0) return first;
  return {
    code: "inconsistent",
    message: `the array is inconsistent in ${violations.length} ways\n${violations.map(({ message }) => `  ${message}`).join("\n")}`,
    remedy: [...new Set(violations.map((violation) => violation.remedy))].join("; "),
  };
}

function slotNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new SlotmarkError(
    "usage",
    "held-slot-invalid",
    `--held-slot ${text} is no slot: slots are whole numbers from 0`,
    "give one slot with each --held-slot",
  );
}
