import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RunMembers } from "../../src/measure/run-members.js";
import { RunProgress } from "../../src/measure/run-progress.js";
import { RunTraces } from "../../src/measure/run-traces.js";
import { leastMemberBytes, refuseUnfitting } from "../../src/measure/trace-fit.js";
import { placeArray } from "../../src/ondisk/mdadm-placement.js";
import { bitmap } from "../../src/scenario/bitmap-suites.js";
import { traceFile } from "../block-trace/trace-folder.js";

const MIB = 1 << 20;

function holds(memberBytes: number, nodes: number, chunkBytes: number): number {
  const member = { path: "m", sizeSectors: memberBytes / 512 };
  try {
    const request = {
      members: [member, member],
      level: 1,
      nodes: Math.max(2, nodes),
      chunkBytes,
      beyondMdadm: true,
    } as const;
    return placeArray(request).syncSizeSectors * 512;
  } catch {
    return 0;
  }
}

test("the smallest size holds what is asked, and a MiB less does not", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 64 * MIB }), fc.integer({ min: 1, max: 2 ** 47 })),
      fc.constantFrom(1, 2, 4, 16, 64),
      fc.constantFrom(4096, 65536, MIB, 64 * MIB),
      (neededBytes, nodes, chunkBytes) => {
        // Slots of more chunks than one can have are refused elsewhere.
        fc.pre(neededBytes / chunkBytes < 2 ** 31);
        const bytes = leastMemberBytes(neededBytes, { nodes, chunkBytes });
        assert.equal(bytes % MIB, 0);
        assert.ok(holds(bytes, nodes, chunkBytes) >= neededBytes);
        for (const smaller of [1, 2, 3, 50].map((less) => bytes - less * MIB))
          if (smaller > 0) assert.ok(holds(smaller, nodes, chunkBytes) < neededBytes);
      },
    ),
  );
});

test("a trace with writes that a member's logical blocks cannot take is refused by the line of the first", async (context) => {
  const file = traceFile(
    context,
    "fio version 2 iolog\n/d write 0 4096\n/d write 8192 1024\n/d write 512 512\n",
  );
  const scenario = {
    ...bitmap,
    workload: [`trace:${file}` as const],
    rate: ["recorded" as const],
  } as typeof bitmap;
  const traces = await RunTraces.prepare([scenario], new RunProgress(), new AbortController().signal);
  context.after(() => traces.close());
  const members = (logicalBlockBytes: number) =>
    ({
      members: ["/dev/a", "/dev/b"].map((path, leg) => ({
        path,
        sizeBytes: 64 * MIB,
        logicalBlockBytes: leg === 1 ? logicalBlockBytes : 512,
        created: true,
      })),
      existingArrayBytes: null,
      unmake: () => {},
    }) as unknown as RunMembers;
  refuseUnfitting([scenario], traces, members(512));
  assert.throws(() => refuseUnfitting([scenario], traces, members(4096)), {
    kind: "input",
    code: "trace-block-size",
    message: `${file}: line 3: a write that is aligned to 1024 bytes cannot go to /dev/b, whose logical blocks have 4096 bytes`,
  });
  assert.throws(() => refuseUnfitting([scenario], traces, members(1024)), {
    message: /line 4: .*aligned to 512 bytes/,
  });
});
