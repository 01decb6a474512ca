/**
 * Asking the guard and holding it to its word: refused with this code and text, and nothing changed.
 */
import assert from "node:assert/strict";
import { SlotmarkError } from "../../src/errors.js";
import type { OpenMembersRequest } from "../../src/storage/member.js";
import { openMembers } from "../../src/storage/open-members.js";
import { digest } from "./machine.js";

export function request(paths: string[], more: Partial<OpenMembersRequest> = {}): OpenMembersRequest {
  return { paths, destroy: [], watch: false, existingArray: "refuse", onNotice: () => {}, ...more };
}

/** Opens, closes and returns nothing: the guard lets the request pass. */
export async function assertPasses(asked: OpenMembersRequest): Promise<void> {
  for (const member of await openMembers(asked)) member.close();
}

export async function refusal(asked: OpenMembersRequest): Promise<SlotmarkError> {
  try {
    await assertPasses(asked);
  } catch (error) {
    assert.ok(error instanceof SlotmarkError, String(error));
    assert.ok(error.remedy.length > 0);
    return error;
  }
  assert.fail("the guard let it pass");
}

/** Refused with `code`, with a message that matches `text`, and not a byte of `path` changed. */
export async function assertUntouched(
  path: string,
  asked: OpenMembersRequest,
  code: string,
  text: RegExp,
): Promise<void> {
  const before = digest(path);
  const error = await refusal(asked);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, text);
  assert.equal(error.kind, "refused");
  assert.equal(digest(path), before, "not a byte changed");
}

/** As `assertUntouched`, and `--destroy` makes no difference. */
export async function assertNeverTaken(path: string, code: string, text: RegExp): Promise<void> {
  await assertUntouched(path, request([path]), code, text);
  await assertUntouched(path, request([path], { destroy: [path] }), code, text);
}
