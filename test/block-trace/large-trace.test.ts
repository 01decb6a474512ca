import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { traceFolder } from "./trace-folder.js";

/** Text of some 66 MB, events of 40 MB, in a heap of 24 MB that also has to hold the program. */
const WRITES = 2_000_000;
const HEAP_MIB = 24;
/** What Node needs by itself, the heap, and buffers that do not grow with the trace. */
const LARGEST_RESIDENT_MIB = 160;

test("a trace larger than the memory that a run may use streams through", async (context) => {
  const folder = traceFolder(context);
  const file = path.join(folder, "large.log");
  const descriptor = fs.openSync(file, "w");
  fs.writeSync(descriptor, "fio version 3 iolog\n");
  const lines: string[] = [];
  for (let write = 0; write < WRITES; write++) {
    lines.push(`${write * 20} /dev/nvme0n1 write ${((write * 7919) % 262_144) * 4096} 8192\n`);
    if (lines.length === 10_000) fs.writeSync(descriptor, lines.splice(0).join(""));
  }
  fs.closeSync(descriptor);
  assert.ok(fs.statSync(file).size > 2 * HEAP_MIB * 2 ** 20);

  const program = fileURLToPath(new URL("./prepare-in-little-memory.js", import.meta.url));
  const child = spawnSync(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, program, file, folder], {
    encoding: "utf8",
    timeout: 120_000,
  });
  assert.equal(child.status, 0, child.stderr);
  const { writes, events, sectors, residentMib } = JSON.parse(child.stdout);
  assert.equal(writes, WRITES);
  assert.equal(sectors, WRITES * 16, "every sector is in some node's events");
  assert.ok(events > WRITES, "writes over a stripe's end are cut");
  assert.ok(residentMib < LARGEST_RESIDENT_MIB, `${residentMib} MiB`);
  assert.deepEqual(fs.readdirSync(folder), ["large.log"]);
});
