/** `compare --confirm`: what HEAD measured is measured once more, where this is its machine and its build. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { machineDifferences } from "../compare/comparability.js";
import {
  type CompareOptions,
  type Comparison,
  compareResults,
  type NamedResult,
} from "../compare/compare-results.js";
import { confirmed, regressedIn, unconfirmed } from "../compare/confirmation.js";
import { SlotmarkError } from "../errors.js";
import { captureEnvironment } from "../measure/environment.js";
import { slotmarkIdentity } from "../measure/identity.js";
import { childRun, OWN_MAIN } from "./child-run.js";
import { interruption } from "./interruption.js";
import { ProgressLine } from "./progress-line.js";

/** @returns null where a signal ended it */
export async function confirmRegression(
  first: Comparison,
  base: NamedResult,
  head: NamedResult,
  options: CompareOptions,
  quiet: boolean,
): Promise<Comparison | null> {
  const why = whyNotHere(head);
  if (why !== null) return unconfirmed(first, why);
  const signal = interruption.listen();
  const line = new ProgressLine(() => "", !quiet);
  const folder = mkdtempSync(path.join(tmpdir(), "slotmark-confirm-"));
  try {
    line.say(`regressed; measuring what ${head.name} measured once more`);
    const args = ["--again", head.name];
    const result = await childRun({ main: OWN_MAIN, args, out: path.join(folder, "again.json"), signal });
    if (result === null) return null;
    const again = { name: `${head.name}, measured again`, result };
    const second = compareResults(base, again, { ...options, only: regressedIn(first) });
    return second.verdict === null ? unconfirmed(first, differing(second)) : confirmed(first, second);
  } catch (error) {
    if (!(error instanceof SlotmarkError) || error.kind === "defect") throw error;
    return unconfirmed(first, `measuring it again ended with: ${error.message}`);
  } finally {
    line.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function differing({ differences }: Comparison): string {
  const fields = differences.map(({ field, base, head }) => `${field} ${base}, then ${head}`).join("; ");
  return `the second measurement is not comparable with BASE (${fields})`;
}

function whyNotHere({ result }: NamedResult): string | null {
  if (result.cluster !== undefined) return "HEAD was measured by several machines at once";
  const { version, commit } = slotmarkIdentity();
  const { slotmark } = result;
  if (slotmark.version !== version || slotmark.commit !== commit)
    return `HEAD was measured by slotmark ${slotmark.version} (${slotmark.commit.slice(0, 12)}), and this is ${version} (${commit.slice(0, 12)})`;
  const here = { environment: captureEnvironment([]), backends: result.backends };
  const [other] = machineDifferences(result, here).filter(({ kind }) => kind === "machine");
  return other === undefined
    ? null
    : `HEAD was measured on another machine (${other.field} ${other.base}, here ${other.head})`;
}
