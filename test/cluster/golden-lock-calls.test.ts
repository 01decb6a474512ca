import assert from "node:assert/strict";
import { test } from "node:test";
import { callText, goldenLockCalls } from "./golden-lock-calls.js";

test("the captured sequences of a refused add, call by call", () => {
  assert.deepEqual(goldenLockCalls("dlmadd_nack_seq_n1").map(callText), [
    "token EX CONVERT 0",
    "message EX CONVERT|VALBLK 0",
    "message CW CONVERT|VALBLK 0",
    "ack EX CONVERT 0",
    "ack CR CONVERT 0",
    "message NL CONVERT|VALBLK 0",
    "no-new-dev EX NOQUEUE|CONVERT -11",
    "token NL CONVERT 0",
  ]);
  assert.deepEqual(goldenLockCalls("dlmadd_nack_seq_n2").map(callText), [
    "message CR CONVERT|VALBLK 0",
    "ack NL CONVERT 0",
    "message PR CONVERT|VALBLK 0",
    "ack CR CONVERT 0",
    "message NL CONVERT|VALBLK 0",
  ]);
});

test("who calls: the veto goes inside the add, the consent inside the confirmation", () => {
  const vetoes = goldenLockCalls("dlmadd_ok_seq_n1").filter(({ resource }) => resource === "no-new-dev");
  assert.deepEqual(
    vetoes.map(({ within, mode }) => `${within} ${mode}`),
    ["add_new_disk EX", "add_new_disk CR"],
  );
  const consents = goldenLockCalls("dlmadd_ok_seq_n2").filter(({ resource }) => resource === "no-new-dev");
  assert.deepEqual(
    consents.map(({ within, mode }) => `${within} ${mode}`),
    ["new_disk_ack NL", "null CR"],
  );
});
