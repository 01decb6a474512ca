/**
 * From the start of the program to the first write of the warm-up, seen from outside: a block at each node's first place is read
 * until it holds something else than priming left there. Priming of what the nodes use is part of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MD_MAGIC } from "../../src/ondisk/md-superblock.js";
import { SECTOR_BYTES } from "../../src/ondisk/slot-geometry.js";
import { makeSparseMembers } from "../node/temporary-members.js";
import { type Quartiles, quartiles } from "../quartiles.js";

const MAIN = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const SUPERBLOCK_OFFSET_BYTES = 4096;
/** `data_offset` in the md superblock, in sectors. */
const DATA_OFFSET_FIELD = 128;
const BLOCK_BYTES = 4096;
/** Node k begins at stripe k. */
const STRIPE_BYTES = 1 << 20;
const POLL_MS = 1;
const DEADLINE_MS = 120_000;

export interface StartUp {
  readonly nodes: number;
  readonly seconds: Quartiles;
  readonly limitSeconds: number;
  readonly reached: boolean;
}

export async function measureStartUp(nodes: number, rounds: number, limitSeconds: number): Promise<StartUp> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) samples.push(await startOnce(nodes));
  const seconds = quartiles(samples);
  return { nodes, seconds, limitSeconds, reached: seconds.median <= limitSeconds };
}

async function startOnce(nodes: number): Promise<number> {
  const members = makeSparseMembers(0, 0);
  const folder = mkdtempSync(join(tmpdir(), "slotmark-start-"));
  const paths = ["a.img", "b.img"].map((name) => join(members.folder, name));
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    [
      MAIN,
      "run",
      "quick",
      ...paths.flatMap((path) => ["--member", path]),
      ...["--nodes", String(nodes), "--size", "256M", "--working-set", "64M", "--workload", "sequential"],
      ...["--trials", "1", "--quiet", "--out", join(folder, "result.json")],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  try {
    return ((await firstWriteMs(child, paths[0] ?? "", nodes)) - startMs) / 1000;
  } finally {
    child.kill("SIGTERM");
    await ended;
    members.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function firstWriteMs(child: ChildProcess, path: string, nodes: number): Promise<number> {
  const primed: Buffer[] = [];
  const giveUpMs = performance.now() + DEADLINE_MS;
  while (child.exitCode === null && performance.now() < giveUpMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const blocks = firstBlocks(path, nodes);
    const nowMs = performance.now();
    for (const [node, block] of blocks.entries()) {
      const before = primed[node];
      if (before === undefined) {
        if (block.some((byte) => byte !== 0)) primed[node] = block;
      } else if (!before.equals(block)) return nowMs;
    }
  }
  throw new Error(`slotmark run wrote nothing (exit code ${child.exitCode})`);
}

/** The first block of each node's first stripe; none before there is an array. */
function firstBlocks(path: string, nodes: number): Buffer[] {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return [];
  }
  try {
    const superblock = Buffer.alloc(BLOCK_BYTES);
    readSync(descriptor, superblock, 0, BLOCK_BYTES, SUPERBLOCK_OFFSET_BYTES);
    if (superblock.readUInt32LE(0) !== MD_MAGIC) return [];
    const dataBytes = Number(superblock.readBigUInt64LE(DATA_OFFSET_FIELD)) * SECTOR_BYTES;
    return Array.from({ length: nodes }, (_, node) => {
      const block = Buffer.alloc(BLOCK_BYTES);
      readSync(descriptor, block, 0, BLOCK_BYTES, dataBytes + node * STRIPE_BYTES);
      return block;
    });
  } finally {
    closeSync(descriptor);
  }
}
