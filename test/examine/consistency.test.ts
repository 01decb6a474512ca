/** The consistency checker: every kind of violation is found where it is, and what is legitimate is none. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import { MAX_SECTOR, ROLE_FAULTY, ROLE_SPARE } from "../../src/ondisk/md-superblock.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import type { Violation } from "../../src/storage/consistency-findings.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { expandGolden } from "../create/golden-image.js";
import { CHUNK_BYTES, type SmallArray, smallArray } from "./small-array.js";

const BYTES = Buffer.from("differs");

async function violationsOf(
  array: SmallArray,
  heldSlots: readonly number[] = [],
  members: readonly number[] = [...array.paths.keys()],
): Promise<readonly Violation[]> {
  const paths = members.map((member) => array.paths[member] ?? "");
  return (await checkConsistencyOf(paths, { heldSlots })).violations;
}

function codes(violations: readonly Violation[]): string[] {
  return violations.map(({ code }) => code);
}

describe("data", () => {
  test("equal members are consistent, whatever they hold", async (t) => {
    const array = await smallArray(t);
    array.writeData([0, 1], 3 * CHUNK_BYTES, Buffer.alloc(5 * CHUNK_BYTES, 0x5a));
    assert.deepEqual(await violationsOf(array), []);
  });

  test("a chunk that differs under a clear bit, to the byte, wherever it lies", async (t) => {
    const array = await smallArray(t);
    const { chunks } = array.geometry;
    const dataBytes = array.geometry.dataOffsetSectors * 512;
    for (const [chunk, within] of [
      [0, 0],
      [17, 4711],
      [chunks - 1, 0],
    ] as const) {
      const at = chunk * CHUNK_BYTES + within;
      array.writeData([1], at, BYTES);
      const [violation, ...others] = await violationsOf(array);
      assert.deepEqual(others, []);
      assert.equal(violation?.code, "clean-chunk-differs");
      assert.deepEqual([violation?.chunks, violation?.ranges], [1, [[chunk, chunk]]]);
      assert.match(violation?.message ?? "", new RegExp(`leg1 at byte ${dataBytes + at}$`));
      array.writeData([1], at, Buffer.alloc(BYTES.length));
    }
  });

  test("a difference under a set bit is none, if every member has the bit in some slot", async (t) => {
    const array = await smallArray(t);
    array.writeData([1], 5 * CHUNK_BYTES, BYTES).setBits(0, [5], [0]);
    assert.deepEqual(codes(await violationsOf(array, [0, 1])), ["clean-chunk-differs"]);
    array.setBits(1, [5], [1]);
    assert.deepEqual(await violationsOf(array, [0, 1]), []);
  });

  test("of three members the one that differs is found, though the first two agree", async (t) => {
    const array = await smallArray(t, 3);
    array.writeData([2], 9 * CHUNK_BYTES, BYTES).writeData([1], 10 * CHUNK_BYTES, BYTES);
    const [violation] = await violationsOf(array);
    assert.deepEqual(violation?.ranges, [[9, 10]]);
    assert.match(violation?.message ?? "", /leg0 at byte .* and .*leg2 at byte/);
  });

  test("level 10 on three members: both copies of each raid chunk are compared", async (t) => {
    const array = await smallArray(t, 3, { level: 10 });
    assert.deepEqual(await violationsOf(array), []);
    // The second raid chunk lies on members 2 (first row) and 0 (second row).
    array.writeData([0], 512 * 1024 + 70_000, BYTES);
    const [violation] = await violationsOf(array);
    assert.equal(violation?.code, "clean-chunk-differs");
    assert.deepEqual(violation?.ranges, [[9, 9]]);
    array.writeData([2], 70_000, BYTES);
    assert.deepEqual(await violationsOf(array), []);
  });

  test("any bytes under any bits: exactly the chunks that differ and are clear on some member", async (t) => {
    const array = await smallArray(t);
    const chunk = fc.integer({ min: 0, max: array.geometry.chunks - 1 });
    const bit = fc.record({ slot: fc.constantFrom(0, 1), member: fc.constantFrom(0, 1), chunk });
    const cleared = array.read(0, array.geometry.firstSlotSector * 512, 8192);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(chunk), fc.array(bit), async (differing, bits) => {
        for (const at of differing) array.writeData([0], at * CHUNK_BYTES + 1234, BYTES);
        for (const set of bits) array.setBits(set.slot, [set.chunk], [set.member]);
        const covered = (at: number) =>
          [0, 1].every((member) => bits.some((set) => set.member === member && set.chunk === at));
        const expected = differing.filter((at) => !covered(at)).sort((a, b) => a - b);
        const found = (await violationsOf(array, [0, 1])).flatMap(({ ranges = [] }) =>
          ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => first + n)),
        );
        for (const at of differing) array.writeData([0], at * CHUNK_BYTES + 1234, Buffer.alloc(BYTES.length));
        for (const member of [0, 1]) array.write(member, array.geometry.firstSlotSector * 512, cleared);
        assert.deepEqual(found, expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe("bits", () => {
  test("left set in a slot that nobody holds", async (t) => {
    const array = (await smallArray(t)).setBits(1, [3, 4, 9]);
    const [violation, ...others] = await violationsOf(array, [0]);
    assert.deepEqual(others, []);
    assert.equal(violation?.code, "bits-left-set");
    assert.deepEqual([violation?.slot, violation?.chunks], [1, 3]);
    assert.deepEqual(violation?.ranges, [
      [3, 4],
      [9, 9],
    ]);
    assert.deepEqual(await violationsOf(array, [1]), []);
  });

  test("on one member alone count too", async (t) => {
    const array = (await smallArray(t)).setBits(0, [7], [1]);
    assert.deepEqual(codes(await violationsOf(array)), ["bits-left-set"]);
  });

  test("of an array that was never started are its first resync", async (t) => {
    const array = (await smallArray(t)).setBits(0, [7]).superblock([0, 1], () => ({ events: 0n }));
    assert.deepEqual(await violationsOf(array), []);
  });

  test("of a degraded array stay, and the members that are left are still compared", async (t) => {
    const array = (await smallArray(t, 3)).setBits(0, [7]);
    const roles = ({ roles }: { readonly roles: readonly number[] }) => ({
      roles: roles.with(2, ROLE_FAULTY),
      events: 12n,
    });
    array.superblock([0, 1], roles).writeData([2], 0, BYTES);
    assert.deepEqual(await violationsOf(array), []);
    assert.deepEqual(await violationsOf(array, [], [0, 1]), []);
    array.writeData([1], CHUNK_BYTES, BYTES);
    assert.deepEqual(codes(await violationsOf(array)), ["clean-chunk-differs"]);
  });

  test("of a member that is no longer active count for nothing", async (t) => {
    const array = await smallArray(t, 3);
    array.superblock([0, 1], ({ roles }) => ({
      raidDisks: 2,
      roles: roles.with(2, ROLE_SPARE),
      events: 12n,
    }));
    array.superblock([2], () => ({ raidDisks: 2 })).setBits(0, [7], [2]);
    assert.deepEqual(await violationsOf(array), []);
  });
});

describe("a member that is being recovered", () => {
  const RECOVERING_SECTORS = 4096;

  test("is compared up to its recovery offset, to the sector", async (t) => {
    const array = await smallArray(t);
    array.superblock([1], ({ featureMap }) => ({
      featureMap: featureMap | 2,
      recoveryOffset: BigInt(RECOVERING_SECTORS),
    }));
    array.setBits(0, [100]).writeData([1], RECOVERING_SECTORS * 512, BYTES);
    assert.deepEqual(await violationsOf(array), []);
    array.writeData([1], RECOVERING_SECTORS * 512 - 1, BYTES);
    assert.deepEqual(codes(await violationsOf(array)), ["clean-chunk-differs"]);
  });

  test("by bitmap, wherever no bit is set", async (t) => {
    const array = await smallArray(t);
    array.superblock([1], ({ featureMap }) => ({ featureMap: featureMap | 2 | 128, recoveryOffset: 0n }));
    // The bits count on the member that is in sync; the other's slots may not be written yet.
    array.setBits(0, [100], [0]).writeData([1], 100 * CHUNK_BYTES, BYTES);
    assert.deepEqual(await violationsOf(array), []);
    array.writeData([1], 50 * CHUNK_BYTES, BYTES);
    assert.deepEqual(codes(await violationsOf(array)), ["clean-chunk-differs"]);
  });
});

describe("superblocks", () => {
  test("one event behind is what a crash leaves; further behind is no member in sync", async (t) => {
    const array = await smallArray(t);
    array.superblock([0], () => ({ events: 11n }));
    assert.deepEqual(await violationsOf(array), []);
    array.superblock([0], () => ({ events: 12n })).writeData([1], 0, BYTES);
    const [violation, ...others] = await violationsOf(array);
    assert.deepEqual([violation?.code, others], ["superblock-behind", []]);
    assert.match(violation?.message ?? "", /leg1: md superblock: events is 10, expected 12 as on .*leg0/);
  });

  test("of the same events that disagree", async (t) => {
    const array = await smallArray(t, 3);
    array.superblock([1], ({ roles }) => ({ roles: roles.with(2, ROLE_FAULTY) }));
    array.superblock([2], () => ({ resyncOffset: MAX_SECTOR - 1n }));
    const violations = await violationsOf(array);
    assert.deepEqual(codes(violations), ["superblocks-disagree", "superblocks-disagree"]);
    assert.match(violations[0]?.message ?? "", /leg1: md superblock: dev_roles is 0 1 65534, expected 0 1 2/);
    assert.match(violations[1]?.message ?? "", /leg2: md superblock: resync_offset/);
  });

  test("invalid ones are all told, each by its own check, and the rest is checked", async (t) => {
    const array = (await smallArray(t, 4)).setBits(1, [0], [3]);
    array.write(1, 4096 + 200, Buffer.from([99]));
    array.write(2, array.geometry.firstSlotSector * 512 + 4096, Buffer.from([0]));
    assert.deepEqual(codes(await violationsOf(array)), [
      "superblock-checksum",
      "bitmap-magic",
      "bits-left-set",
    ]);
  });
});

function golden(t: TestContext, relative: string, sizeBytes?: number): string {
  const folder = mkdtempSync(join(tmpdir(), "slotmark-golden-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "member");
  expandGolden(relative, path, sizeBytes);
  return path;
}

describe("the real kernel", () => {
  test("6.1 re-adds a member and forgets what the other node wrote: its bits are still set", async (t) => {
    const path = golden(t, "writes/H_readd_lost_chunk/snap_end.a.blk.gz");
    const { violations, notes } = await checkConsistencyOf([path]);
    assert.deepEqual(codes(violations), ["bits-left-set"]);
    assert.deepEqual(violations[0]?.slot, 1);
    assert.deepEqual(violations[0]?.ranges, [
      [12000, 12000],
      [13000, 13000],
      [13100, 13100],
    ]);
    assert.match(notes.join("\n"), /metadata alone/);
  });

  test("degraded, both nodes' chunks are still set", async (t) => {
    for (const label of ["degraded_written", "degraded_idle", "removed", "end"]) {
      const paths = ["a", "b"].map((leg) =>
        golden(t, `writes/H_fail_readd/snap_${label}.${leg}.blk.gz`, 2 ** 30),
      );
      assert.deepEqual((await checkConsistencyOf(paths)).violations, [], label);
    }
  });

  test("a killed node's bits wait for their recovery, and none is left after it", async (t) => {
    const paths = (label: string) =>
      ["a", "b"].map((leg) => golden(t, `writes/K_kill/snap_${label}.${leg}.blk.gz`, 2 ** 30));
    assert.deepEqual(codes((await checkConsistencyOf(paths("atkill"))).violations), [
      "bits-left-set",
      "bits-left-set",
    ]);
    assert.deepEqual((await checkConsistencyOf(paths("atkill"), { heldSlots: [0, 1] })).violations, []);
    assert.deepEqual((await checkConsistencyOf(paths("end"))).violations, []);
  });
});

describe("on the command line", () => {
  test("consistent: exit code 0; not: exit code 2, one document or one error", async (t) => {
    const array = await smallArray(t);
    const fine = runSlotmark(["examine", "--check", ...array.paths]);
    assert.equal(fine.code, 0, fine.stderr);
    assert.match(fine.stdout, /\nconsistent: 2 members of array .*, 2 slots\n$/);
    array.setBits(1, [3]).writeData([1], 0, BYTES);
    const text = runSlotmark(["examine", "--check", ...array.paths]);
    assert.deepEqual([text.code, text.stdout], [2, ""]);
    assert.match(
      text.stderr,
      /inconsistent in 2 ways\n {2}members differ in 1 chunk: 0, .*\n {2}slot 1 has bits/,
    );
    const json = runSlotmark(["examine", "--check", "--json", "--held-slot", "1", ...array.paths]);
    assert.equal(json.code, 2);
    const { error } = JSON.parse(json.stdout);
    assert.equal(error.code, "clean-chunk-differs");
    assert.deepEqual(error.violations[0].ranges, [[0, 0]]);
  });

  test("a slot that cannot be held", async (t) => {
    const array = await smallArray(t);
    for (const [slot, message] of [
      ["2", /slot 2 is not there: the array has slots 0 to 1/],
      ["one", /--held-slot one is no slot/],
    ] as const) {
      const outcome = runSlotmark(["examine", "--check", "--held-slot", slot, ...array.paths]);
      assert.equal(outcome.code, 2);
      assert.match(outcome.stderr, message);
    }
  });
});
