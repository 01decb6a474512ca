import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type ClusterMessage,
  decodeClusterMessage,
  encodeClusterMessage,
  MESSAGE_BYTES,
  MESSAGE_TYPES,
} from "../../src/cluster/message.js";
import { REPOSITORY } from "../cli/run-slotmark.js";

/** `time sequence length bytes…` a line, as captured from the real md-cluster. */
function captured(): Uint8Array[] {
  const text = readFileSync(join(REPOSITORY, "test/golden/dlm/LVB_messages.txt"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => Uint8Array.from(line.split(" ").slice(3), (byte) => Number.parseInt(byte, 16)));
}

const raidSlot = fc.nat(0xffff_ffff);
const sector = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const slot = fc.nat(63);
const message: fc.Arbitrary<ClusterMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom("METADATA_UPDATED", "REMOVE", "RE_ADD"), slot, raidSlot }),
  fc.record({ type: fc.constant("RESYNCING"), slot, lowSector: sector, highSector: sector }),
  fc.record({
    type: fc.constant("NEWDISK"),
    slot,
    raidSlot,
    deviceUuid: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
  fc.record({ type: fc.constant("BITMAP_RESIZE"), slot, sizeSectors: sector }),
  fc.record({ type: fc.constantFrom("BITMAP_NEEDS_SYNC", "CHANGE_CAPACITY", "RESYNCING_START"), slot }),
);

test("the captured messages are read and written again byte for byte", () => {
  const seen = new Set<string>();
  const all = captured();
  assert.ok(all.length > 50);
  for (const bytes of all) {
    assert.equal(bytes.length, MESSAGE_BYTES);
    const decoded = decodeClusterMessage(bytes);
    seen.add(decoded.type);
    assert.deepEqual(encodeClusterMessage(decoded), bytes);
  }
  assert.deepEqual([...seen].sort(), ["METADATA_UPDATED", "NEWDISK", "RESYNCING"]);
});

test("the first captured messages mean what the lab did", () => {
  const [newDisk, , updated] = captured().map(decodeClusterMessage);
  assert.ok(newDisk?.type === "NEWDISK");
  assert.deepEqual([newDisk.slot, newDisk.raidSlot], [0, 2]);
  assert.equal(Buffer.from(newDisk.deviceUuid).toString("hex"), "89fc2347d9319725b379a7bd1c37b2c6");
  assert.deepEqual(updated, { type: "METADATA_UPDATED", slot: 0, raidSlot: 1 });
});

test("all nine messages survive the way through the value block", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(message, (sent) => {
      seen.add(sent.type);
      const bytes = encodeClusterMessage(sent);
      assert.equal(bytes.length, MESSAGE_BYTES);
      assert.ok(bytes.subarray(44).every((byte) => byte === 0));
      assert.deepEqual(decodeClusterMessage(bytes), { ...sent });
    }),
    { numRuns: 500 },
  );
  assert.deepEqual([...seen].sort(), [...MESSAGE_TYPES].sort());
});

test("a message of an unknown type is an error that names its sender", () => {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  bytes.set([9, 0, 0, 0, 3]);
  assert.throws(() => decodeClusterMessage(bytes), { code: "message-unknown", message: /slot 3 .* type 9/ });
});
