/**
 * Callbacks as the addon hands them over: records of 26 words. `native/src/dlm_addon/record.rs` has the table.
 */

import type { LockMode } from "./lock-mode.js";
import { modeOf } from "./lock-mode.js";
import type { Completion, CompletionStatus, RecoveryEvent } from "./lockspace.js";

export const RECORD_WORDS = 26;
const LVB_WORD = 8;
const LVB_BYTES = 64;
const LOCK_WORD = 24;

const DEMOTED = 1;
const VALNOTVALID = 2;
const ALTMODE = 4;

export type DlmEvent =
  | { readonly kind: "completion"; readonly tag: number; readonly completion: Completion }
  | { readonly kind: "blocking"; readonly tag: number; readonly mode: LockMode }
  | { readonly kind: "recovery"; readonly event: RecoveryEvent };

/** @param at the record's first word */
export function readEvent(words: Int32Array, at: number): DlmEvent {
  const word = (index: number) => words[at + index] ?? 0;
  const tag = (word(1) >>> 0) + (word(2) >>> 0) * 0x1_0000_0000;
  switch (word(0)) {
    case 1:
      return { kind: "completion", tag, completion: readCompletion(words, at) };
    case 2:
      return { kind: "blocking", tag, mode: modeOf(word(5)) ?? "NL" };
    case 3:
      return { kind: "recovery", event: { step: "recoverPrep" } };
    case 4:
      return { kind: "recovery", event: { step: "recoverSlot", slot: word(3), node: word(4) } };
    default:
      return { kind: "recovery", event: { step: "recoverDone", slot: word(3), generation: word(4) } };
  }
}

/** @param at the first word of a record that holds a completion */
export function readCompletion(words: Int32Array, at: number): Completion {
  const flags = words[at + 4] ?? 0;
  const base = {
    status: statusOf(words[at + 3] ?? 0),
    mode: modeOf(words[at + 5] ?? -1),
    valueNotValid: (flags & VALNOTVALID) !== 0,
    demoted: (flags & DEMOTED) !== 0,
    alternativeMode: (flags & ALTMODE) !== 0,
  };
  if (words[at + 6] !== 1) return base;
  const lvb = new Uint8Array(LVB_BYTES);
  lvb.set(new Uint8Array(words.buffer, words.byteOffset + (at + LVB_WORD) * 4, LVB_BYTES));
  return { ...base, lvb };
}

/** Low and high word of the id of a lock that was just requested. */
export function readLockId(words: Int32Array): [number, number] {
  return [(words[LOCK_WORD] ?? 0) >>> 0, (words[LOCK_WORD + 1] ?? 0) >>> 0];
}

function statusOf(code: number): CompletionStatus {
  switch (code) {
    case 0:
      return "granted";
    case -11:
      return "EAGAIN";
    case -0x10001:
      return "ECANCEL";
    case -0x10002:
      return "EUNLOCK";
    default:
      return "EDEADLK";
  }
}
