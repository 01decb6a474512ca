import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReferenceBitmap } from "../../src/bitmap/reference.js";
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import type { PageWrite } from "../../src/replay/page-write.js";
import { checkScript } from "../../src/replay/read-script.js";
import { replayScript } from "../../src/replay/replay-script.js";
import type { ReplayScript } from "../../src/replay/script.js";
import type { BitmapFactory } from "../../src/replay/virtual-array.js";
import { GoldenTrace, goldenTraces, type PageRow } from "./golden-trace.js";

const BITMAPS: Record<string, BitmapFactory> = {
  reference: (geometry, slot) => new ReferenceBitmap(geometry, slot, 1),
  WebAssembly: (geometry, slot) => createWasmBitmap({ geometry, slot, ringCapacity: 1 }),
};

function replayed(script: ReplayScript, createBitmap: BitmapFactory): PageWrite[] {
  const options = { variant: "mainline", kernel: "6.1", createBitmap } as const;
  return [...replayScript(checkScript(script, "trace", options), options)];
}

const place = ({ node, member, slot, page, sector, sectors }: PageRow) =>
  `node ${node} ${member} slot ${slot} page ${page} sector ${sector} +${sectors}`;

const why = ({ node, sector, cause }: PageWrite) => `node ${node} sector ${sector} ${cause}`;

function ofNode<T extends { readonly node: number }>(rows: readonly T[], node: number): T[] {
  return rows.filter((row) => row.node === node);
}

for (const [name, createBitmap] of Object.entries(BITMAPS)) {
  describe(`the kernel's traces on the ${name} bitmap`, () => {
    for (const trace of goldenTraces()) {
      it(`${trace.name}: md's calls give the page writes of the trace, in order, on both nodes`, () => {
        const writes = replayed(trace.eventsScript(), createBitmap);
        assert.deepEqual(writes.map(place), trace.pageWrites.map(place));
        assert.deepEqual(writes.map(why), trace.causes());
      });
      // Members and nodes that fail are the cluster's: application writes alone do not tell of them.
      if (trace.scenario.script.length === 0 || /^[HK]_/.test(trace.name)) continue;
      it(`${trace.name}: the application writes alone give them too, to within a daemon period`, () => {
        const writes = replayed(trace.writesScript(), createBitmap);
        for (const node of [0, 1]) agree(ofNode(writes, node), ofNode(trace.pageWrites, node), trace);
      });
    }
  });
}

describe("where safe is not mainline", () => {
  const pagesUnder = (variant: "safe" | "mainline", script: ReplayScript) => {
    const options = { variant, kernel: "6.1" } as const;
    return [...replayScript(checkScript(script, "trace", options), options)];
  };

  it("D2: a dead slot is cleared after the survivor's own page is written; all else in K_kill is the same", () => {
    const script = new GoldenTrace("K_kill").eventsScript();
    const [safe, mainline] = [pagesUnder("safe", script), pagesUnder("mainline", script)];
    const recovery = (writes: PageWrite[]) => writes.filter(({ timeSeconds }) => timeSeconds === 20.453793);
    const dead = ["1 superblock vda", "1 superblock vdb", "1 unplug vda", "1 unplug vdb"];
    const own = ["0 unplug vda", "0 unplug vdb"];
    const order = (writes: PageWrite[]) =>
      recovery(writes).map(({ slot, cause, member }) => `${slot} ${cause} ${member}`);
    assert.deepEqual(order(mainline), [...dead, ...own]);
    assert.deepEqual(order(safe), [...own, ...dead]);
    const rest = (writes: PageWrite[]) => writes.filter((write) => !recovery(writes).includes(write));
    assert.deepEqual(rest(safe), rest(mainline));
  });

  it("D3: what a re-add that copies every slot writes more than 6.1 did in H_readd_lost_chunk is one page", () => {
    const script = new GoldenTrace("H_readd_lost_chunk").eventsScript();
    const atSeconds = 9.7;
    const gathered = {
      ...script,
      events: [
        ...(script.events ?? []),
        { node: 0, atSeconds, op: "copyFromSlot" as const, slot: 1, clear: false },
      ],
    };
    const without = pagesUnder("safe", script);
    const more = pagesUnder("safe", gathered).filter((write) => write.timeSeconds === atSeconds);
    assert.deepEqual(
      more.map(({ node, slot, page, cause, member }) => [node, slot, page, cause, member]),
      [[0, 0, 0, "unplug", "vda"]],
    );
    assert.deepEqual(
      pagesUnder("safe", gathered).filter((write) => write.timeSeconds !== atSeconds),
      without,
    );
  });
});

function agree(writes: PageWrite[], traced: PageRow[], trace: GoldenTrace): void {
  assert.deepEqual(writes.map(place), traced.map(place));
  const node = `node ${traced[0]?.node} `;
  assert.deepEqual(
    writes.map(why),
    trace.causes().filter((cause) => cause.startsWith(node)),
  );
  const apart = writes.map(({ timeSeconds }, i) => Math.abs(timeSeconds - (traced[i]?.timeSeconds ?? 0)));
  assert.ok(
    Math.max(0, ...apart) < trace.scenario.geometry.daemon_sleep_s,
    `seconds apart: ${apart.join(" ")}`,
  );
}
