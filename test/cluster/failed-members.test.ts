/** Members that fail in the middle of a trial: every node goes on without them, the superblocks say so, and bits stay set. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { suite, type TestContext, test } from "node:test";
import { Cluster } from "../../src/cluster/cluster.js";
import { Control } from "../../src/cluster/control.js";
import { FailedMembers } from "../../src/cluster/failed-members.js";
import type { NodeTask } from "../../src/cluster/node-task.js";
import { parseMdSuperblock, ROLE_FAULTY } from "../../src/ondisk/md-superblock.js";
import { SECTOR_BYTES, slotSector } from "../../src/ondisk/slot-geometry.js";
import { type ClusteredArray, createArray, resetSlots } from "../../src/storage/array.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { memberFailed } from "../../src/storage/device-error.js";
import { openMembers } from "../../src/storage/open-members.js";
import { NO_FAILURES, type PageWriter } from "../../src/storage/page-writer.js";

const MIB = 1 << 20;
const HANGS_MS = 60_000;
/** Takes no byte (ENOSPC), and knows no fsync (EINVAL). */
const FULL = "/dev/full";

async function madeArray(t: TestContext, members: number): Promise<ClusteredArray> {
  const folder = fs.mkdtempSync("/var/tmp/slotmark-failed-");
  const paths = Array.from({ length: members }, (_, index) => path.join(folder, `${index}.img`));
  const opened = await openMembers({
    paths,
    destroy: [],
    watch: false,
    createSizeBytes: 24 * MIB,
    existingArray: "keep",
  });
  t.after(() => {
    for (const member of opened) member.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const array = await createArray(opened, {
    nodes: 4,
    chunkBytes: 64 << 10,
    assumeClean: true,
    beyondMdadm: true,
  });
  await resetSlots(array);
  return array;
}

interface Trial {
  readonly array: ClusteredArray;
  readonly io: NodeTask["io"];
  readonly nodes: number;
  readonly durability?: NodeTask["durability"];
  readonly bitmap?: boolean;
  /** What stands in for members, by index; the array's superblocks know the real ones. */
  readonly replaced?: Readonly<Record<number, Partial<NodeTask["members"][number]>>>;
}

async function runTrial(t: TestContext, trial: Trial) {
  const { array, io, nodes, durability = "preflush-fua", bitmap = true, replaced = {} } = trial;
  const cluster = new Cluster(nodes);
  t.after(() => cluster.close());
  const arrayBytes = array.geometry.syncSizeSectors * SECTOR_BYTES;
  const tasks = Array.from({ length: nodes }, (_, slot) => ({
    slot,
    geometry: array.geometry,
    members: array.members.map(({ path, logicalBlockBytes }, index) => ({
      path,
      logicalBlockBytes,
      superblock: array.superblocks[index] as NodeTask["members"][number]["superblock"],
      dataOffsetBytes: array.dataOffsetBytes[index] ?? 0,
      ...replaced[index],
    })),
    events: array.events,
    degraded: array.degraded,
    writes: {
      kind: "generated" as const,
      workload: {
        kind: "uniform" as const,
        seed: slot + 1,
        writeBytes: 4096,
        workingSetBytes: arrayBytes,
        node: slot,
        nodes,
        overlap: false,
      },
      writesBeforeRepeat: null,
      ratePerSecond: 200,
    },
    plug: 4,
    depth: 0,
    bitmap,
    phase: "steady" as const,
    io,
    durability,
    dataSync: false,
    daemonSleepNs: 20e6,
    warmupNs: 0,
    settleLimitNs: 200e6,
    traced: true,
  }));
  return cluster.runTrial(tasks, 300e6, new AbortController().signal);
}

function superblockOf(path: string) {
  const bytes = fs.readFileSync(path).subarray(4096, 8192);
  return parseMdSuperblock(bytes);
}

/** Bits set in a slot, on the first member. */
function dirtyChunks({ members, geometry }: ClusteredArray, slot: number): number {
  const from = slotSector(geometry, slot) * SECTOR_BYTES;
  const bits = fs.readFileSync(members[0]?.path ?? "").subarray(from + 256, from + geometry.bitmapBytes);
  return bits.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
}

suite("a member that fails in the middle of a trial", { timeout: HANGS_MS }, () => {
  for (const io of ["uring", "psync"] as const) {
    for (const nodes of [1, 4]) {
      for (const [how, durability, message] of [
        ["during the flush", "preflush-fua", /flushing failed: invalid argument \(EINVAL\)/],
        ["during a write", "none", /writing \d+ bytes at byte offset \d+ failed: no space left on device/],
      ] as const) {
        test(`${io}, ${nodes} nodes, ${how}: named once, the others go on, degraded`, async (t) => {
          const array = await madeArray(t, 3);
          const measured = await runTrial(t, {
            array,
            io,
            nodes,
            durability,
            replaced: { 1: { path: FULL } },
          });
          assert.ok(measured !== null && measured.length === nodes);
          const failed = measured.flatMap(({ failedMembers }) => failedMembers);
          assert.deepEqual(
            failed.map(({ member }) => member),
            [1],
          );
          assert.match(failed[0]?.message ?? "", message);
          assert.match(failed[0]?.message ?? "", new RegExp(`^member ${FULL}: `));
          for (const node of measured) {
            assert.ok(node.writes > 0);
            // What the failed member has missed stays marked: no pass clears a bit.
            assert.ok(node.unplugs > 0 && node.passes > 0);
            const { chunkBytes } = array.geometry;
            assert.equal(dirtyChunks(array, node.slot) * chunkBytes, node.dirtyBytes.maximum);
            const written = node.events.flatMap((one) => (one.kind === "pageWrite" ? [one.devices] : []));
            assert.deepEqual(written.at(-1), [0, 2]);
          }
          const left = array.members.filter((_, index) => index !== 1).map(({ path }) => path);
          for (const path of left) {
            const { roles, events, resyncOffset } = superblockOf(path);
            assert.deepEqual([...roles.slice(0, 4)], [0, ROLE_FAULTY, 2, 0xffff]);
            assert.deepEqual([Number(events), resyncOffset], [array.events + 1, 0n]);
          }
          assert.equal(Number(superblockOf(array.members[1]?.path ?? "").events), array.events);
          assert.deepEqual((await checkConsistencyOf(left)).violations, []);
          const [a, b] = left.map((path) => fs.readFileSync(path).subarray(8192));
          assert.ok(a !== undefined && b !== undefined && a.equals(b), "slots and data are alike");
        });
      }

      test(`${io}, ${nodes} nodes: where all fail, the array fails and nothing hangs`, async (t) => {
        const array = await madeArray(t, 2);
        const unaligned = { dataOffsetBytes: (array.dataOffsetBytes[0] ?? 0) + 1000 };
        const running = runTrial(t, { array, io, nodes, replaced: { 0: unaligned, 1: { path: FULL } } });
        await assert.rejects(running, {
          kind: "device",
          code: "array-failed",
          message: /its last member failed: member .*0\.img: writing 4096 bytes at byte offset \d+ failed/,
        });
      });
    }

    test(`${io}: without a bitmap as well`, async (t) => {
      const array = await madeArray(t, 2);
      const [node] =
        (await runTrial(t, { array, io, nodes: 1, bitmap: false, replaced: { 1: { path: FULL } } })) ?? [];
      assert.equal(node?.failedMembers.length, 1);
      assert.equal(node.arrayEvents, array.events + 1);
      assert.equal(superblockOf(array.members[0]?.path ?? "").roles[1], ROLE_FAULTY);
    });
  }

  test("before the nodes work it is the trial's error, and names the member", async (t) => {
    const array = await madeArray(t, 2);
    const gone = path.join(path.dirname(array.members[0]?.path ?? ""), "gone.img");
    for (const index of [0, 1]) {
      const running = runTrial(t, { array, io: "psync", nodes: 4, replaced: { [index]: { path: gone } } });
      await assert.rejects(running, { code: "member-failed", path: gone });
    }
  });
});

test("a member that fails as the superblocks are written is lost as well", async (t) => {
  const array = await madeArray(t, 3);
  const members = array.members.map(({ path, logicalBlockBytes }, index) => ({
    path: index === 1 ? path.replace("1.img", "gone.img") : path,
    logicalBlockBytes,
    superblock: array.superblocks[index] as NodeTask["members"][number]["superblock"],
    dataOffsetBytes: 0,
  }));
  const givenUp: number[] = [];
  const writer: PageWriter = {
    io: "psync",
    members: "serial",
    directIo: true,
    mapsEachWrite: false,
    writePages: () => NO_FAILURES,
    writeData: () => NO_FAILURES,
    giveUp: (member) => givenUp.push(member),
    close: () => {},
  };
  const states: unknown[] = [];
  const bitmap = {
    pages: { page: new Uint32Array(1), offsetBytes: new Float64Array(1), lengthBytes: new Uint32Array(1) },
    setArrayState: (state: unknown) => states.push(state),
    updateSuperblock: () => 1,
    notePagesWritten: () => 0,
  };
  const control = Control.forMembers(3);
  const task = { slot: 0, members, events: 7, degraded: false };
  const node = new FailedMembers(task, bitmap, writer, control);
  const other = new FailedMembers(task, bitmap, { ...writer, giveUp: () => {} }, control);
  const error = memberFailed({ path: members[2]?.path ?? "", action: "flushing" }, new Error("EIO"));
  const seen = node.failed([{ member: 2, error }]);
  assert.deepEqual(
    seen.map(({ member }) => member),
    [2, 1],
  );
  assert.deepEqual([...new Set(givenUp)].sort(), [1, 2]);
  assert.equal(node.arrayEvents, 9);
  assert.deepEqual(states.at(-1), { events: 9, degraded: true });
  assert.deepEqual(node.writtenDevices, [0]);
  assert.deepEqual(
    [...superblockOf(members[0]?.path ?? "").roles.slice(0, 3)],
    [0, ROLE_FAULTY, ROLE_FAULTY],
  );
  assert.equal(other.degraded, false);
  other.follow();
  assert.equal(other.degraded, true);
  assert.deepEqual(other.failed([{ member: 2, error }]), []);
  assert.throws(() => other.failed([{ member: 0, error }]), { code: "array-failed", kind: "device" });
});
