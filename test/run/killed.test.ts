import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { quick } from "../../src/scenario/bitmap-suites.js";
import { expand } from "../../src/scenario/expand-bitmap.js";
import type { Scenario } from "../../src/scenario/schema.js";
import { MAIN, runSlotmark } from "../cli/run-slotmark.js";
import { runFolder } from "./run-folder.js";

const NODES = 4;
const CHUNK_BYTES = 65536;
const BLOCK_BYTES = 4096;
const KILLS = 12;
/** So many half-done writes are enough. */
const ENOUGH = 6;

interface Examined {
  readonly superblock: { readonly dataOffsetSectors: number };
  readonly bitmap: { readonly slots: { readonly slot: number; readonly dirtyRanges: [number, number][] }[] };
}

/** Blocks of the data area in which two members differ. */
function differingBlocks(members: readonly string[], dataOffsetBytes: number): number[] {
  const [one, other] = members.map((member) => fs.readFileSync(member));
  assert.ok(one !== undefined && other !== undefined);
  const blocks: number[] = [];
  for (let at = dataOffsetBytes; at < one.length; at += BLOCK_BYTES) {
    if (!one.subarray(at, at + BLOCK_BYTES).equals(other.subarray(at, at + BLOCK_BYTES))) {
      blocks.push((at - dataOffsetBytes) / BLOCK_BYTES);
    }
  }
  return blocks;
}

/** One member after another: what io_uring submits to all members at once, a kill hardly ever leaves half done. */
test("after kill -9, wherever members differ the writer's slot has the chunk's bit on every member", async (context) => {
  const folder = runFolder(context);
  let differing = 0;
  for (let kill = 0; kill < KILLS && differing < ENOUGH; kill++) {
    const members = ["a", "b"].map((leg) => path.join(folder, `${kill}${leg}.img`));
    const args = [
      ...["run", "--quiet", ...members.flatMap((member) => ["--member", member]), "--size", "32M"],
      ...[
        "--nodes",
        String(NODES),
        "--chunk",
        "64K",
        "--io",
        "psync",
        "--daemon-sleep",
        "100ms",
        "--time",
        "20s",
      ],
      ...["--seed", String(seedThatBeginsWithBitmap()), "--out", path.join(folder, `${kill}.json`)],
    ];
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
    const ended = once(child, "close");
    // The first trial warms up without a bitmap: only once bits are on disk is it at work.
    while (child.exitCode === null && !members.every((member) => fs.existsSync(member) && hasBits(member))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(child.exitCode, null, "the run ended before it was killed");
    child.kill("SIGKILL");
    await ended;

    const examined: Examined[] = JSON.parse(runSlotmark(["examine", "--json", ...members]).stdout);
    const dataOffsetBytes = (examined[0]?.superblock.dataOffsetSectors ?? 0) * 512;
    for (const block of differingBlocks(members, dataOffsetBytes)) {
      differing++;
      const writer = Math.floor(block / 256) % NODES;
      const chunk = Math.floor((block * BLOCK_BYTES) / CHUNK_BYTES);
      for (const [leg, member] of examined.entries()) {
        const ranges = member.bitmap.slots[writer]?.dirtyRanges ?? [];
        assert.ok(
          ranges.some(([first, last]) => first <= chunk && chunk <= last),
          `block ${block} differs, but slot ${writer} on member ${leg} has no bit for chunk ${chunk}`,
        );
      }
    }
    for (const member of members) fs.rmSync(member);
  }
  assert.ok(differing > 0, `no kill in ${KILLS} left a write half done`);
});

/** A trial without a bitmap first would only take time. */
function seedThatBeginsWithBitmap(): number {
  const scenario = {
    ...quick,
    nodes: [NODES],
    chunkBytes: [CHUNK_BYTES],
  } satisfies Scenario;
  for (let seed = 0; ; seed++) if (expand({ ...scenario, seed })[0]?.bitmap === true) return seed;
}

/** Slot 0's bits on the member; priming and warm-up leave them zero. */
function hasBits(member: string): boolean {
  const bits = Buffer.alloc(64);
  const descriptor = fs.openSync(member, "r");
  fs.readSync(descriptor, bits, 0, bits.length, 8192 + 256);
  fs.closeSync(descriptor);
  return bits.some((byte) => byte !== 0) && !bits.every((byte) => byte === 0xff);
}
