import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventRing } from "../../src/bitmap/slot-bitmap.js";
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import { planWorkload, Workload, type WorkloadOptions } from "../../src/bitmap/workload.js";
import { zipfTable } from "../../src/bitmap/zipf.js";
import { SlotmarkError } from "../../src/errors.js";
import { geometryOf } from "./geometries.js";

const RING = 700;
const MIB = 2 ** 20;
/** 1 GiB in chunks of 64 KiB. */
const gibibyte = geometryOf({ chunks: 16384, chunkSectors: 128 });

function emptyRing(): EventRing {
  return { capacity: RING, sector: new Float64Array(RING), sectors: new Uint32Array(RING) };
}

const options: fc.Arbitrary<WorkloadOptions> = fc
  .record({
    kind: fc.constantFrom("uniform" as const, "zipf" as const, "sequential" as const),
    seed: fc.oneof(fc.nat(), fc.maxSafeNat()),
    writeBytes: fc.constantFrom(512, 4096, 8192, 12288, 65536, MIB, 3 * MIB),
    workingSetBytes: fc.oneof(fc.integer({ min: 8 * MIB, max: 1024 * MIB }), fc.constant(2 ** 50)),
    nodes: fc.integer({ min: 1, max: 4 }),
    nodeOf: fc.nat(3),
    overlap: fc.boolean(),
    theta: fc.constantFrom(0.5, 1, 1.1, 2),
  })
  .map(({ nodeOf, ...rest }) => {
    const large = rest.writeBytes > MIB;
    return { ...rest, node: nodeOf % rest.nodes, overlap: rest.overlap || large };
  });

const batches = fc.array(
  fc.record({
    first: fc.nat(200),
    count: fc.integer({ min: 1, max: 500 }),
    plug: fc.constantFrom(1, 2, 3, 32, 64),
  }),
  { minLength: 1, maxLength: 4 },
);

test("the generator inside WASM makes the same events as its plain twin", () => {
  fc.assert(
    fc.property(options, batches, (workload, calls) => {
      const { positions } = planWorkload(gibibyte, workload);
      const plain = new Workload(gibibyte, workload);
      const ring = emptyRing();
      const fast = createWasmBitmap({ geometry: gibibyte, slot: 0, ringCapacity: RING });
      fast.configureWorkload(workload);
      for (const { first, count, plug } of calls) {
        const fitting = Math.min(plug, positions);
        plain.generate(ring, first, count, fitting);
        fast.generate(first, count, fitting);
        assert.deepEqual(fast.ring.sector, ring.sector);
        assert.deepEqual(fast.ring.sectors, ring.sectors);
      }
    }),
    { numRuns: 300 },
  );
});

test("writes stay inside array, working set and the node's own stripes, and a plug never writes a sector twice", () => {
  fc.assert(
    fc.property(options, fc.constantFrom(1, 5, 64), (workload, plug) => {
      const { positions } = planWorkload(gibibyte, workload);
      const group = Math.min(plug, positions);
      const ring = emptyRing();
      new Workload(gibibyte, workload).generate(ring, 0, RING, group);
      const end = Math.min(workload.workingSetBytes / 512, gibibyte.syncSizeSectors);
      for (let i = 0; i < RING; i++) {
        const sector = ring.sector[i] ?? Number.NaN;
        const sectors = ring.sectors[i] ?? Number.NaN;
        assert.equal(sectors * 512, workload.writeBytes);
        assert.ok(sector >= 0 && sector + sectors <= end, `${sector} + ${sectors} of ${end}`);
        if (workload.overlap || workload.nodes === 1) continue;
        for (const block of [Math.floor(sector / 8), Math.floor((sector + sectors - 1) / 8)]) {
          assert.equal(Math.floor(block / 256) % workload.nodes, workload.node);
        }
      }
      for (let first = 0; first < RING; first += group) {
        const plugged = ring.sector.subarray(first, Math.min(first + group, RING));
        assert.equal(new Set(plugged).size, plugged.length);
      }
    }),
    { numRuns: 300 },
  );
});

test("the same seed gives the same events, another seed or node others", () => {
  const events = (seed: number, node: number) => {
    const ring = emptyRing();
    new Workload(gibibyte, { ...uniform4k, seed, node, nodes: 2, overlap: true }).generate(ring, 0, RING, 1);
    return Array.from(ring.sector);
  };
  assert.deepEqual(events(1, 0), events(1, 0));
  assert.notDeepEqual(events(1, 0), events(2, 0));
  assert.notDeepEqual(events(1, 0), events(1, 1));
  assert.notDeepEqual(events(1, 0), events(1 + 2 ** 32, 0));
});

const uniform4k: WorkloadOptions = {
  kind: "uniform",
  seed: 7,
  writeBytes: 4096,
  workingSetBytes: 1024 * MIB,
  node: 0,
  nodes: 1,
  overlap: false,
};

test("uniform writes are even: every sixteenth of the working set gets its share", () => {
  const ring = emptyRing();
  const workload = new Workload(gibibyte, uniform4k);
  const share = new Float64Array(16);
  for (let batch = 0; batch < 100; batch++) {
    workload.generate(ring, 0, RING, 1);
    for (const sector of ring.sector) {
      const sixteenth = Math.floor((sector / gibibyte.syncSizeSectors) * 16);
      share[sixteenth] = (share[sixteenth] ?? 0) + 1;
    }
  }
  // 4375 expected of each, with a standard deviation of 64.
  for (const count of share) assert.ok(Math.abs(count - 4375) < 6 * 64, `${count} of 4375`);
});

test("sequential writes go through the node's own stripes in order and begin again", () => {
  const ring = emptyRing();
  const workload = new Workload(gibibyte, {
    ...uniform4k,
    kind: "sequential",
    writeBytes: 512 * 1024,
    workingSetBytes: 6 * MIB,
    node: 1,
    nodes: 2,
  });
  workload.generate(ring, 0, 8, 2);
  const stripe = 2048;
  assert.deepEqual(
    Array.from(ring.sector.subarray(0, 8)),
    [1, 1.5, 3, 3.5, 5, 5.5, 1, 1.5].map((at) => at * stripe),
  );
});

test("the zipf table gives every rank its probability", () => {
  for (const [ranks, theta] of [
    [10, 1.1],
    [4096, 0.8],
    [100000, 1],
    [2 ** 35, 1.2],
  ] as const) {
    const { threshold, alias, first, size } = zipfTable(ranks, theta);
    const probability = new Float64Array(4096);
    for (let bucket = 0; bucket < 4096; bucket++) {
      const own = (threshold[bucket] ?? 0) / 2 ** 20 / 4096;
      probability[bucket] = (probability[bucket] ?? 0) + own;
      const other = alias[bucket] ?? 0;
      probability[other] = (probability[other] ?? 0) + 1 / 4096 - own;
    }
    assert.equal(
      size.reduce((sum, ranksOfBucket) => sum + ranksOfBucket, 0),
      ranks,
    );
    const ratio = (probability[0] ?? 0) / (probability[1] ?? 0);
    assert.ok(Math.abs(ratio - 2 ** theta) < 0.01, `rank 0 to rank 1: ${ratio}, not ${2 ** theta}`);
    const middle = first.findIndex((rank, bucket) => rank >= Math.sqrt(ranks) && (size[bucket] ?? 0) > 0);
    const density = (probability[middle] ?? 0) / (size[middle] ?? 1) / (probability[0] ?? 0);
    const expected = ((first[middle] ?? 0) + (size[middle] ?? 0) / 2 + 0.5) ** -theta;
    assert.ok(Math.abs(density / expected - 1) < 0.05, `middle rank: ${density}, not ${expected}`);
  }
});

test("what cannot be generated is refused with its reason", () => {
  const refused = (change: Partial<WorkloadOptions>, code: string) =>
    assert.throws(
      () => planWorkload(gibibyte, { ...uniform4k, ...change }),
      (error) => error instanceof SlotmarkError && error.kind === "usage" && error.code === code,
    );
  refused({ writeBytes: 1000 }, "workload-write-size");
  refused({ writeBytes: 0 }, "workload-write-size");
  refused({ writeBytes: 2 * MIB, nodes: 2 }, "workload-write-size");
  refused({ workingSetBytes: 4095 }, "workload-too-small");
  refused({ workingSetBytes: MIB, nodes: 2, node: 1 }, "workload-too-small");
  refused({ kind: "zipf", theta: 0 }, "workload-theta");
  assert.throws(
    () => new Workload(gibibyte, { ...uniform4k, workingSetBytes: 16384 }).generate(emptyRing(), 0, 8, 8),
    (error) => error instanceof SlotmarkError && error.code === "workload-plug",
  );
});
