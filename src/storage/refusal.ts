/**
 * The guard's "no": a SlotmarkError of kind `refused` (exit 2) that names member, reason and way out.
 */
import { SlotmarkError } from "../errors.js";

export function refusedMember(code: string, path: string, reason: string, remedy: string): SlotmarkError {
  return new SlotmarkError("refused", code, `member ${path} ${reason}`, remedy);
}

/** The way out where `--destroy` is one. */
export function destroyRemedy(path: string): string {
  return `choose another member, or repeat the exact path to overwrite what is there: --destroy ${path}`;
}
