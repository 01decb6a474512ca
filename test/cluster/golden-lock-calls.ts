/**
 * md-cluster's own lock calls while a disk was added between two real nodes (test/golden/dlm), from the kernel's trace
 * points. mdadm's user-space lock on `bitmap<cluster>` and lock ids are left out.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** n1 adds the disk, n2 answers. */
export type GoldenSequence =
  | "dlmadd_ok_seq_n1"
  | "dlmadd_ok_seq_n2"
  | "dlmadd_nack_seq_n1"
  | "dlmadd_nack_seq_n2";

export interface GoldenLockCall {
  /** The innermost function of md-cluster or md at work in the calling thread, other than `dlm_lock_sync`. */
  readonly within: string | null;
  readonly resource: string;
  readonly mode: string;
  /** In the kernel's order, e.g. `NOQUEUE`, `CONVERT`. */
  readonly flags: readonly string[];
  /** `sb_status` of the completion, 0 or a negative errno. */
  readonly status: number;
}

const DLM = fileURLToPath(new URL("../../../test/golden/dlm/", import.meta.url));

export function goldenLockCalls(sequence: GoldenSequence): GoldenLockCall[] {
  const lines = readFileSync(`${DLM}${sequence}.txt`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !/ res=bitmap/.test(line));
  const entered = new Map<string, string[]>();
  const calls: GoldenLockCall[] = [];
  for (const [index, line] of lines.entries()) {
    const thread = line.split(" ")[1] ?? "";
    const stack = entered.get(thread) ?? [];
    entered.set(thread, stack);
    const call = /dlm_lock_start: lkb_id=\d+ mode=(\w+) flags=(\S*) res=(\S+)/.exec(line);
    const entry = / (\w+) \[\w+\]\(\) \{$/.exec(line);
    if (call !== null) {
      const [, mode = "", flags = "", resource = ""] = call;
      calls.push({
        within: stack.findLast((name) => name !== "dlm_lock_sync") ?? null,
        resource,
        mode,
        flags: flags.split("|"),
        status: statusOf(lines.slice(index), resource, sequence),
      });
    } else if (entry !== null) {
      stack.push(entry[1] ?? "");
    } else if (/ \} \/\* \w+ \[\w+\] \*\/$/.test(line)) {
      stack.pop();
    }
  }
  return calls;
}

function statusOf(lines: readonly string[], resource: string, sequence: string): number {
  for (const line of lines) {
    const completion = /dlm_ast: .* sb_status=(-?\d+) res=(\S+)/.exec(line);
    if (completion?.[2] === resource) return Number(completion[1]);
  }
  throw new Error(`${sequence}: a call on ${resource} never completes`);
}

/** One call a line, as tests compare them. */
export function callText(call: Omit<GoldenLockCall, "within">): string {
  return `${call.resource} ${call.mode} ${call.flags.join("|")} ${call.status}`;
}
